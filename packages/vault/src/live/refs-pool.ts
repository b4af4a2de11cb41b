/*
 * Refs of many records in little memory. Safesets of a job name nearly the same positions, so equal pieces (a pack and a bitmap) are kept
 * once, and the refs of a record are a list of the numbers of its pieces: four bytes a pack.
 */

import { bitmapCount } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { PackNumbers } from './pack-numbers.ts';

const piecesMin = 1024;
const none = -1;
const nameBytes = 32;

/** Numbers of pieces; of no use without their pool. */
export type PooledRefs = Uint32Array;

export class RefsPool {
  readonly packs: PackNumbers = new PackNumbers();
  /** By piece: the pack's number, where its bitmap begins and how long it is, the next piece of the same pack. */
  #packOf = new Uint32Array(piecesMin);
  #offset = new Uint32Array(piecesMin);
  #length = new Uint16Array(piecesMin);
  #next = new Int32Array(piecesMin);
  #count = 0;
  /** By pack: its newest piece. */
  #newest = new Int32Array(piecesMin).fill(none);
  #bitmaps = new Uint8Array(4 * piecesMin);
  #bitmapsBytes = 0;
  #last: { readonly refs: Refs; readonly pieces: PooledRefs } | null = null;

  /** Different pieces so far. */
  get count(): number {
    return this.#count;
  }

  /** The refs that differ from these in the positions of `difference`: those stand in one of both alone. In no order. */
  patched(base: PooledRefs, difference: Refs): PooledRefs {
    const { bytes, places, packCount } = difference;
    const packs = new Uint32Array(packCount);
    for (let index = 0; index < packCount; index += 1) packs[index] = this.packs.numberOf(bytes, places[3 * index] ?? 0);
    // By pack: 1 + its place in the difference, 0 once that is done.
    const changes = new Int32Array(this.packs.count);
    for (let index = 0; index < packCount; index += 1) changes[packs[index] ?? 0] = index + 1;
    const pieces = new Uint32Array(base.length + packCount);
    let count = 0;
    for (const piece of base) {
      const pack = this.#packOf[piece] ?? 0;
      const change = (changes[pack] ?? 0) - 1;
      if (change < 0) pieces[count] = piece;
      else {
        changes[pack] = 0;
        const bitmap = flipped(this.#bitmapOf(piece), bytes.subarray(places[3 * change + 1] ?? 0, places[3 * change + 2] ?? 0));
        if (bitmap.length === 0) continue;
        pieces[count] = this.#pieceOf(pack, bitmap, [0, bitmap.length]);
      }
      count += 1;
    }
    for (let index = 0; index < packCount; index += 1) {
      const pack = packs[index] ?? 0;
      if (changes[pack] === 0) continue;
      pieces[count] = this.#pieceOf(pack, bytes, [places[3 * index + 1] ?? 0, places[3 * index + 2] ?? 0]);
      count += 1;
    }
    return pieces.slice(0, count);
  }

  #bitmapOf(piece: number): Uint8Array {
    const offset = this.#offset[piece] ?? 0;
    return this.#bitmaps.subarray(offset, offset + (this.#length[piece] ?? 0));
  }

  /** The refs are kept until the next ones: what both name alike is found without looking it up. */
  pool(refs: Refs): PooledRefs {
    const { bytes, places } = refs;
    const pieces = new Uint32Array(refs.packCount);
    const last = this.#last;
    let at = 0;
    for (let index = 0; index < pieces.length; index += 1) {
      const name = places[3 * index] ?? 0;
      const end = places[3 * index + 2] ?? 0;
      if (last !== null) at = advance(last.refs, at, { bytes, name });
      if (last !== null && isSame(last.refs, at, { bytes, name, end })) pieces[index] = last.pieces[at] ?? 0;
      else pieces[index] = this.#pieceOf(this.packs.numberOf(bytes, name), bytes, [places[3 * index + 1] ?? 0, end]);
    }
    this.#last = { refs, pieces };
    return pieces;
  }

  /** All positions that any of these name. */
  union(all: Iterable<PooledRefs>): LiveRows {
    const used = new Uint8Array(this.#count);
    for (const pieces of all) for (const piece of pieces) used[piece] = 1;
    const rows = new LiveRows(this.packs, this.#lengths(used));
    for (let piece = 0; piece < this.#count; piece += 1) {
      if (used[piece] === 0) continue;
      rows.add(this.#packOf[piece] ?? 0, this.#bitmapOf(piece));
    }
    return rows;
  }

  /** By pack: length of the longest bitmap. */
  #lengths(used: Uint8Array): Uint16Array {
    const lengths = new Uint16Array(this.packs.count);
    for (let piece = 0; piece < this.#count; piece += 1) {
      const pack = this.#packOf[piece] ?? 0;
      if (used[piece] === 1) lengths[pack] = Math.max(lengths[pack] ?? 0, this.#length[piece] ?? 0);
    }
    return lengths;
  }

  #pieceOf(pack: number, bytes: Uint8Array, [start, end]: readonly [number, number]): number {
    if (pack >= this.#newest.length) this.#newest = widened(this.#newest, new Int32Array(2 * this.#newest.length).fill(none));
    const newest = this.#newest[pack] ?? none;
    for (let piece = newest; piece !== none; piece = this.#next[piece] ?? none) {
      if (this.#length[piece] === end - start && this.#holds(this.#offset[piece] ?? 0, bytes, [start, end])) return piece;
    }
    return this.#newPiece(pack, bytes.subarray(start, end));
  }

  #holds(at: number, bytes: Uint8Array, [start, end]: readonly [number, number]): boolean {
    const bitmaps = this.#bitmaps;
    for (let index = start; index < end; index += 1) if (bitmaps[at + index - start] !== bytes[index]) return false;
    return true;
  }

  #newPiece(pack: number, bitmap: Uint8Array): number {
    const piece = this.#count;
    if (piece === this.#packOf.length) {
      this.#packOf = widened(this.#packOf, new Uint32Array(2 * piece));
      this.#offset = widened(this.#offset, new Uint32Array(2 * piece));
      this.#length = widened(this.#length, new Uint16Array(2 * piece));
      this.#next = widened(this.#next, new Int32Array(2 * piece));
    }
    while (this.#bitmapsBytes + bitmap.length > this.#bitmaps.length) {
      this.#bitmaps = widened(this.#bitmaps, new Uint8Array(2 * this.#bitmaps.length));
    }
    this.#bitmaps.set(bitmap, this.#bitmapsBytes);
    this.#packOf[piece] = pack;
    this.#offset[piece] = this.#bitmapsBytes;
    this.#length[piece] = bitmap.length;
    this.#next[piece] = this.#newest[pack] ?? none;
    this.#newest[pack] = piece;
    this.#bitmapsBytes += bitmap.length;
    this.#count += 1;
    return piece;
  }
}

/** Bits that are set in one of both alone, without zero bytes at the end. */
function flipped(a: Uint8Array, b: Uint8Array): Uint8Array {
  let length = Math.max(a.length, b.length);
  while (length > 0 && (a[length - 1] ?? 0) === (b[length - 1] ?? 0)) length -= 1;
  const bits = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bits[index] = (a[index] ?? 0) ^ (b[index] ?? 0);
  return bits;
}

interface NamedPlace {
  readonly bytes: Uint8Array;
  readonly name: number;
}

/** The first pack from `at` on whose name does not come before this one. */
function advance({ bytes: others, places, packCount }: Refs, at: number, { bytes, name }: NamedPlace): number {
  let found = at;
  while (found < packCount && compareNames(others, places[3 * found] ?? 0, { bytes, name }) < 0) found += 1;
  return found;
}

function compareNames(others: Uint8Array, other: number, { bytes, name }: NamedPlace): number {
  for (let index = 0; index < nameBytes; index += 1) {
    const difference = (others[other + index] ?? 0) - (bytes[name + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether name and bitmap of the pack at `at` are these. */
function isSame(refs: Refs, at: number, { bytes, name, end }: NamedPlace & { readonly end: number }): boolean {
  const start = refs.places[3 * at] ?? 0;
  if (at >= refs.packCount || (refs.places[3 * at + 2] ?? 0) - start !== end - name) return false;
  for (let index = 0; index < end - name; index += 1) if (refs.bytes[start + index] !== bytes[name + index]) return false;
  return true;
}

function widened<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array>(array: T, larger: T): T {
  larger.set(array);
  return larger;
}

/** A bitmap of live positions for each pack that has any. */
export class LiveRows {
  readonly #packs: PackNumbers;
  readonly #bitmaps: Uint8Array;
  /** By pack: where its bitmap begins; the next one's beginning is its end. */
  readonly #offsets: Uint32Array;

  /** Only RefsPool makes one. */
  constructor(packs: PackNumbers, lengths: Uint16Array) {
    this.#packs = packs;
    this.#offsets = new Uint32Array(lengths.length + 1);
    for (let pack = 0; pack < lengths.length; pack += 1)
      this.#offsets[pack + 1] = (this.#offsets[pack] ?? 0) + (lengths[pack] ?? 0);
    this.#bitmaps = new Uint8Array(this.#offsets.at(-1) ?? 0);
  }

  /** Live positions of all origins. */
  get count(): number {
    return bitmapCount(this.#bitmaps);
  }

  /** Live positions of this origin, a view; null when there are none. */
  bitmapOf(origin: Uint8Array): Uint8Array | null {
    const number = this.#packs.find(origin);
    return number < 0 ? null : this.bitmapAt(number);
  }

  /** The same by the number in the pool. */
  bitmapAt(number: number): Uint8Array | null {
    const [start = 0, end = 0] = [this.#offsets[number], this.#offsets[number + 1]];
    return end > start ? this.#bitmaps.subarray(start, end) : null;
  }

  /** Number of the origin in the pool; -1 when no record ever named it. Later numbers were met later. */
  numberOf(origin: Uint8Array): number {
    return this.#packs.find(origin);
  }

  /** For the pool. */
  add(pack: number, bitmap: Uint8Array): void {
    const start = this.#offsets[pack] ?? 0;
    for (let index = 0; index < bitmap.length; index += 1) {
      this.#bitmaps[start + index] = (this.#bitmaps[start + index] ?? 0) | (bitmap[index] ?? 0);
    }
  }
}
