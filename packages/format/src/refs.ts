/*
 * Refs, docs/format/records.md: which positions of which packs a record needs, clear to the vault.
 *
 *     varint number of packs, then per pack, sorted by name: name (32) | varint bitmap length | bitmap
 *
 * Bit i of byte j of a bitmap is position 8 j + i. Invariant: one set of positions has exactly one form; a bitmap is never
 * empty and never ends with a zero byte.
 */

import { ByteReader, ByteWriter, compareBytes, concatBytes, equalBytes, StdError } from '@twinvault/std';
import { demand, FormatError, refuse } from './errors.ts';
import { packName } from './ids.ts';
import type { PackName } from './ids.ts';
import { packRowsMax, recordRefsBytesMax } from './limits.ts';

const nameBytes = 32;
export const refsBitmapBytesMax: number = packRowsMax / 8;
/** Name, length and bitmap of the smallest pack. */
const packEntryBytesMin = nameBytes + 2;

export interface RefsPack {
  readonly pack: PackName;
  /** A view of the refs. */
  readonly bitmap: Uint8Array;
}

/** Parsed refs; holds the bytes it was made of, and 8 bytes for each pack. */
export class Refs {
  readonly bytes: Uint8Array;
  readonly packCount: number;
  /** Number of positions. */
  readonly count: number;
  /** Where each pack's name begins, then where its bitmap begins and ends. */
  readonly #places: Uint32Array;

  /** Only parseRefs makes them. */
  constructor(bytes: Uint8Array, places: Uint32Array, count: number) {
    this.bytes = bytes;
    this.#places = places;
    this.packCount = places.length / 3;
    this.count = count;
  }

  /** `index` from 0 to `packCount` - 1, by name. */
  packAt(index: number): RefsPack {
    const [name, start, end] = this.#places.subarray(3 * index, 3 * index + 3);
    if (name === undefined || start === undefined || end === undefined) throw new RangeError('no such pack');
    return { pack: packName(this.bytes.subarray(name, name + nameBytes)), bitmap: this.bytes.subarray(start, end) };
  }

  /** For loops over many packs without an object for each: where in `bytes` name and bitmap begin and the bitmap ends, three numbers a pack. */
  get places(): Uint32Array {
    return this.#places;
  }

  /** Sorted by name. */
  *packs(): Generator<RefsPack, void, undefined> {
    for (let index = 0; index < this.packCount; index += 1) yield this.packAt(index);
  }

  /** The bitmap of a pack, or null when it is not named. */
  bitmapOf(pack: Uint8Array): Uint8Array | null {
    let low = 0;
    let high = this.packCount - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.packAt(middle);
      const order = compareBytes(found.pack, pack);
      if (order === 0) return found.bitmap;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return null;
  }

  has(pack: Uint8Array, position: number): boolean {
    const bitmap = this.bitmapOf(pack);
    return bitmap !== null && bitmapHas(bitmap, position);
  }

  /** By name and position, ascending. */
  *[Symbol.iterator](): Generator<{ readonly pack: PackName; readonly position: number }, void, undefined> {
    for (const { pack, bitmap } of this.packs()) {
      for (const position of bitmapPositions(bitmap)) yield { pack, position };
    }
  }
}

export function bitmapHas(bitmap: Uint8Array, position: number): boolean {
  return (((bitmap[position >>> 3] ?? 0) >>> (position & 7)) & 1) === 1;
}

/** Ascending. */
export function* bitmapPositions(bitmap: Uint8Array): Generator<number, void, undefined> {
  for (let index = 0; index < bitmap.length; index += 1) {
    for (let byte = bitmap[index] ?? 0; byte !== 0; byte &= byte - 1) {
      yield 8 * index + (31 - Math.clz32(byte & -byte));
    }
  }
}

/** How many positions. */
export function bitmapCount(bitmap: Uint8Array): number {
  let count = 0;
  for (const byte of bitmap) count += bitCounts[byte] ?? 0;
  return count;
}

const bitCounts: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count += 1;
  return count;
});

/** Not empty, no trailing zero byte, no position from `packRowsMax` on. */
export function isBitmap(bitmap: Uint8Array): boolean {
  return bitmap.length > 0 && bitmap.length <= refsBitmapBytesMax && bitmap[bitmap.length - 1] !== 0;
}

/** `refs-invalid` unless the bytes are refs in their one form; `object-too-large`. Keeps the bytes. */
export function parseRefs(bytes: Uint8Array): Refs {
  if (bytes.length > recordRefsBytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax: recordRefsBytesMax } });
  }
  try {
    return readRefs(bytes);
  } catch (cause) {
    if (cause instanceof StdError) refuse('refs-invalid', 'too short, or a varint', cause);
    throw cause;
  }
}

function readRefs(bytes: Uint8Array): Refs {
  const reader = new ByteReader(bytes);
  const packCount = reader.varint();
  demand(packCount * packEntryBytesMin <= reader.remaining, 'refs-invalid', 'more packs than bytes');
  const places = new Uint32Array(3 * packCount);
  let before = -1;
  let count = 0;
  for (let index = 0; index < packCount; index += 1) {
    const name = reader.offset;
    reader.skip(nameBytes);
    if (before >= 0 && !isBefore(bytes, before, name)) refuse('refs-invalid', 'order of packs');
    before = name;
    const bitmapBytes = reader.varint();
    if (bitmapBytes > refsBitmapBytesMax) refuse('refs-invalid', 'length of a bitmap');
    const start = reader.offset;
    reader.skip(bitmapBytes);
    const end = reader.offset;
    if (end === start || bytes[end - 1] === 0) refuse('refs-invalid', 'bitmap empty or longer than needed');
    for (let at = start; at < end; at += 1) count += bitCounts[bytes[at] ?? 0] ?? 0;
    places[3 * index] = name;
    places[3 * index + 1] = start;
    places[3 * index + 2] = end;
  }
  demand(reader.remaining === 0, 'refs-invalid', 'bytes after the end');
  return new Refs(bytes, places, count);
}

/** Whether the name at `a` comes before the one at `b`. */
function isBefore(bytes: Uint8Array, a: number, b: number): boolean {
  for (let index = 0; index < nameBytes; index += 1) {
    const difference = (bytes[a + index] ?? 0) - (bytes[b + index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

interface Slot {
  readonly pack: PackName;
  bitmap: Uint8Array;
}

/** Gathers positions in any order, each as often as one likes. Names are kept, not copied. */
export class RefsBuilder {
  /** By the first six bytes of the name: names are hashes, so that nearly every list has one. */
  readonly #slots = new Map<number, Slot[]>();
  #last: Slot | null = null;
  #packCount = 0;

  /** `position`: 0 to `packRowsMax` - 1, else RangeError. */
  add(pack: PackName, position: number): void {
    if (!(position >= 0 && position < packRowsMax)) throw new RangeError('position out of range');
    const slot = this.#slotOf(pack);
    const index = position >>> 3;
    if (index >= slot.bitmap.length) slot.bitmap = grown(slot.bitmap, index + 1);
    slot.bitmap[index] = (slot.bitmap[index] ?? 0) | (1 << (position & 7));
  }

  /** Adds all positions of a bitmap. */
  addBitmap(pack: PackName, bitmap: Uint8Array): void {
    if (bitmap.length > refsBitmapBytesMax) throw new RangeError('bitmap too long');
    const slot = this.#slotOf(pack);
    if (bitmap.length > slot.bitmap.length) slot.bitmap = grown(slot.bitmap, bitmap.length);
    for (let index = 0; index < bitmap.length; index += 1) {
      slot.bitmap[index] = (slot.bitmap[index] ?? 0) | (bitmap[index] ?? 0);
    }
  }

  get packCount(): number {
    return this.#packCount;
  }

  /** The canonical form. The builder may go on being used. */
  finish(): Uint8Array {
    const slots = [...this.#slots.values()].flat().map(({ pack, bitmap }) => ({ pack, bitmap: trimmed(bitmap) }));
    return encodeRefs(slots.filter(({ bitmap }) => bitmap.length > 0).sort((a, b) => compareBytes(a.pack, b.pack)));
  }

  #slotOf(pack: PackName): Slot {
    const last = this.#last;
    if (last !== null && (last.pack === pack || equalBytes(last.pack, pack))) return last;
    const key = nameKey(pack);
    const list = this.#slots.get(key);
    let slot = list?.find((candidate) => equalBytes(candidate.pack, pack));
    if (slot === undefined) {
      slot = { pack, bitmap: new Uint8Array(16) };
      this.#packCount += 1;
      if (list === undefined) this.#slots.set(key, [slot]);
      else list.push(slot);
    }
    this.#last = slot;
    return slot;
  }
}

function nameKey(name: Uint8Array): number {
  let key = 0;
  for (let index = 0; index < 6; index += 1) key = key * 0x100 + (name[index] ?? 0);
  return key;
}

function grown(bitmap: Uint8Array, lengthMin: number): Uint8Array {
  const larger = new Uint8Array(Math.min(refsBitmapBytesMax, Math.max(lengthMin, 2 * bitmap.length)));
  larger.set(bitmap);
  return larger;
}

function trimmed(bitmap: Uint8Array): Uint8Array {
  let length = bitmap.length;
  while (length > 0 && bitmap[length - 1] === 0) length -= 1;
  return bitmap.subarray(0, length);
}

/** Sorted, with bitmaps in their form. */
function encodeRefs(packs: readonly RefsPack[]): Uint8Array {
  const writer = new ByteWriter(packs.length * 48 + 16);
  writer.varint(packs.length);
  for (const { pack, bitmap } of packs) writer.bytes(pack).lengthPrefixed(bitmap);
  return writer.finish();
}

/** All positions of any of them. */
export function mergeRefs(...all: readonly Refs[]): Uint8Array {
  const builder = new RefsBuilder();
  for (const refs of all) {
    for (const { pack, bitmap } of refs.packs()) builder.addBitmap(pack, bitmap);
  }
  return builder.finish();
}

/** Positions of `a` that are not in `b`. */
export function subtractRefs(a: Refs, b: Refs): Uint8Array {
  return combined(a, b, (left, right) => left & ~right);
}

/**
 * Positions of exactly one of them: the difference that is sent instead of refs whose base the other side has. It is its own
 * inverse: xorRefs(base, xorRefs(base, refs)) is refs.
 */
export function xorRefs(a: Refs, b: Refs): Uint8Array {
  return combined(a, b, (left, right) => left ^ right);
}

/** `object-too-large` before more is gathered than refs may have. Where both name a pack alike nothing is left of it, whatever is combined. */
function combined(a: Refs, b: Refs, combine: (left: number, right: number) => number): Uint8Array {
  const body = new ByteWriter(64 * 1024);
  const bitmap = new Uint8Array(refsBitmapBytesMax);
  let packCount = 0;
  let indexA = 0;
  let indexB = 0;
  while (indexA < a.packCount || indexB < b.packCount) {
    const order = orderAt(a, indexA, [b, indexB]);
    if (order !== 0 || !areAlike(a, indexA, [b, indexB])) {
      const left = order <= 0 ? indexA : a.packCount;
      const right = order >= 0 ? indexB : b.packCount;
      const lengthBytes = combineInto(bitmap, [a, left, b, right], combine);
      if (lengthBytes > 0) {
        demand(body.length + nameBytes + lengthBytes <= recordRefsBytesMax, 'object-too-large', 'refs');
        const [named, index] = order <= 0 ? [a, indexA] : [b, indexB];
        const name = named.places[3 * index] ?? 0;
        body.bytes(named.bytes.subarray(name, name + nameBytes)).lengthPrefixed(bitmap.subarray(0, lengthBytes));
        packCount += 1;
      }
    }
    if (order <= 0) indexA += 1;
    if (order >= 0) indexB += 1;
  }
  return concatBytes(new ByteWriter(8).varint(packCount).finish(), body.finish());
}

/** Two refs, and a pack of each by its place there; `packCount` stands for none. */
type TwoPacks = readonly [Refs, number, Refs, number];

/** The length of what was combined, without zero bytes at its end. */
function combineInto(
  target: Uint8Array,
  [a, indexA, b, indexB]: TwoPacks,
  combine: (left: number, right: number) => number,
): number {
  const [startA = 0, endA = 0] = [a.places[3 * indexA + 1], a.places[3 * indexA + 2]];
  const [startB = 0, endB = 0] = [b.places[3 * indexB + 1], b.places[3 * indexB + 2]];
  let lengthBytes = 0;
  for (let at = 0; at < Math.max(endA - startA, endB - startB); at += 1) {
    const left = startA + at < endA ? (a.bytes[startA + at] ?? 0) : 0;
    const right = startB + at < endB ? (b.bytes[startB + at] ?? 0) : 0;
    target[at] = combine(left, right);
    if (target[at] !== 0) lengthBytes = at + 1;
  }
  return lengthBytes;
}

/** Below 0 when the name at `indexA` comes first or the other list has ended, 0 for the same name. */
function orderAt(a: Refs, indexA: number, [b, indexB]: readonly [Refs, number]): number {
  if (indexA === a.packCount) return 1;
  if (indexB === b.packCount) return -1;
  const [startA, startB] = [a.places[3 * indexA] ?? 0, b.places[3 * indexB] ?? 0];
  for (let at = 0; at < nameBytes; at += 1) {
    const difference = (a.bytes[startA + at] ?? 0) - (b.bytes[startB + at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function areAlike(a: Refs, indexA: number, [b, indexB]: readonly [Refs, number]): boolean {
  const [startA, startB] = [a.places[3 * indexA + 1] ?? 0, b.places[3 * indexB + 1] ?? 0];
  const length = (a.places[3 * indexA + 2] ?? 0) - startA;
  if ((b.places[3 * indexB + 2] ?? 0) - startB !== length) return false;
  for (let at = 0; at < length; at += 1) if (a.bytes[startA + at] !== b.bytes[startB + at]) return false;
  return true;
}
