/*
 * Refs of many records in little memory. Safesets of a job name nearly the same positions, so equal pieces (a pack and a bitmap) are kept
 * once, and the refs of a record are a list of the numbers of its pieces, or what of such a list is dropped and added: four bytes a pack.
 */

import { bitmapCount, refsBitmapBytesMax } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import type { EventTurns } from '@twinvault/std';
import { PackNumbers } from '../packs/pack-numbers.ts';

const piecesMin = 1024;
const none = -1;
const nameBytes = 32;

/** Refs of a record by numbers of pieces; of no use without their pool. */
export interface PooledRefs {
  /** Shared by all that differ from the same refs. */
  readonly base: Uint32Array;
  /** Of the base, those that are not among these refs. */
  readonly dropped: Uint32Array;
  readonly added: Uint32Array;
}

const noPieces = new Uint32Array(0);

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
  readonly #flipped = new Uint8Array(refsBitmapBytesMax);
  /** The bitmap in hand: millions pass, and an object for each would be most of the work. */
  #bits: Uint8Array = this.#flipped;
  #start = 0;
  #end = 0;
  #last: { readonly refs: Refs; readonly pieces: Uint32Array } | null = null;
  #patched: { readonly base: Uint32Array; readonly pieceOf: Uint32Array } | null = null;
  readonly #turns: EventTurns | null;

  /** Null: nobody else wants the event loop. */
  constructor(turns: EventTurns | null = null) {
    this.#turns = turns;
  }

  /** Different pieces so far. */
  get count(): number {
    return this.#count;
  }

  /** The refs that differ from these, which stand whole, in the positions of `difference`: those stand in one of both alone. */
  patched({ base }: PooledRefs, difference: Refs): PooledRefs {
    const { bytes, places, packCount } = difference;
    const pieceOf = this.#piecesByPack(base);
    const dropped = new Uint32Array(packCount);
    const added = new Uint32Array(packCount);
    let [droppedCount, addedCount] = [0, 0];
    for (let index = 0; index < packCount; index += 1) {
      const pack = this.packs.numberOf(bytes, places[3 * index] ?? 0);
      const piece = (pieceOf[pack] ?? 0) - 1;
      this.#take(bytes, places[3 * index + 1] ?? 0, places[3 * index + 2] ?? 0);
      if (piece >= 0) {
        dropped[droppedCount] = piece;
        droppedCount += 1;
        this.#flip(piece);
        if (this.#end === 0) continue;
      }
      added[addedCount] = this.#pieceOf(pack);
      addedCount += 1;
    }
    return { base, dropped: dropped.slice(0, droppedCount), added: added.slice(0, addedCount) };
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#bits = bytes;
    this.#start = start;
    this.#end = end;
  }

  /** Takes the bits that the piece's bitmap or the one in hand has alone, without zero bytes at the end. */
  #flip(piece: number): void {
    const offset = this.#offset[piece] ?? 0;
    const pieceBytes = this.#length[piece] ?? 0;
    const start = this.#start;
    const lengthBytes = this.#end - start;
    let flippedBytes = 0;
    for (let index = 0; index < Math.max(pieceBytes, lengthBytes); index += 1) {
      const own = index < pieceBytes ? (this.#bitmaps[offset + index] ?? 0) : 0;
      const bits = own ^ (index < lengthBytes ? (this.#bits[start + index] ?? 0) : 0);
      this.#flipped[index] = bits;
      if (bits !== 0) flippedBytes = index + 1;
    }
    this.#take(this.#flipped, 0, flippedBytes);
  }

  /** By pack: 1 + its piece, 0 where there is none. Packs that were met later are beyond its end. */
  #piecesByPack(base: Uint32Array): Uint32Array {
    if (this.#patched?.base === base) return this.#patched.pieceOf;
    const pieceOf = new Uint32Array(this.packs.count);
    for (const piece of base) pieceOf[this.#packOf[piece] ?? 0] = piece + 1;
    this.#patched = { base, pieceOf };
    return pieceOf;
  }

  /** The refs are kept until the next ones: what both name alike is found without looking it up. One at a time. */
  async pool(refs: Refs): Promise<PooledRefs> {
    const { bytes, places } = refs;
    const pieces = new Uint32Array(refs.packCount);
    const last = this.#last;
    let at = 0;
    for (let index = 0; index < pieces.length; index += 1) {
      const name = places[3 * index] ?? 0;
      const end = places[3 * index + 2] ?? 0;
      if (last !== null) at = advance(last.refs, at, { bytes, name });
      if (last !== null && isSame(last.refs, at, { bytes, name, end })) pieces[index] = last.pieces[at] ?? 0;
      else {
        this.#take(bytes, places[3 * index + 1] ?? 0, end);
        pieces[index] = this.#pieceOf(this.packs.numberOf(bytes, name));
      }
      if (this.#turns?.dueAt(index) === true) await this.#turns.take();
    }
    this.#last = { refs, pieces };
    return { base: pieces, dropped: noPieces, added: noPieces };
  }

  /** All positions that any of these name. */
  async union(all: Iterable<PooledRefs>): Promise<LiveRows> {
    const used = await this.#used(all);
    await this.#turns?.take();
    const rows = new LiveRows(this.packs, this.#lengths(used));
    for (let piece = 0; piece < this.#count; piece += 1) {
      if (this.#turns?.dueAt(piece) === true) await this.#turns.take();
      if (used[piece] === 0) continue;
      const offset = this.#offset[piece] ?? 0;
      rows.add(this.#packOf[piece] ?? 0, this.#bitmaps, offset, offset + (this.#length[piece] ?? 0));
    }
    return rows;
  }

  /** By piece: 1 where any of these has it. Those of a base are looked at once, however many differ from it. */
  async #used(all: Iterable<PooledRefs>): Promise<Uint8Array> {
    const used = new Uint8Array(this.#count);
    const byBase = new Map<Uint32Array, PooledRefs[]>();
    for (const refs of all) {
      await this.#turns?.take();
      for (const piece of refs.added) used[piece] = 1;
      const alike = byBase.get(refs.base);
      if (alike === undefined) byBase.set(refs.base, [refs]);
      else alike.push(refs);
    }
    for (const [base, alike] of byBase) {
      await this.#turns?.take();
      const left = new Uint32Array(this.#count);
      for (const { dropped } of alike) for (const piece of dropped) left[piece] = (left[piece] ?? 0) + 1;
      for (const piece of base) if ((left[piece] ?? 0) < alike.length) used[piece] = 1;
    }
    return used;
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

  /** Of the bitmap in hand. */
  #pieceOf(pack: number): number {
    if (pack >= this.#newest.length) this.#newest = widened(this.#newest, new Int32Array(2 * this.#newest.length).fill(none));
    const newest = this.#newest[pack] ?? none;
    for (let piece = newest; piece !== none; piece = this.#next[piece] ?? none) {
      if (this.#length[piece] === this.#end - this.#start && this.#holds(this.#offset[piece] ?? 0)) return piece;
    }
    return this.#newPiece(pack);
  }

  /** Whether the bitmap in hand stands there. */
  #holds(at: number): boolean {
    const bitmaps = this.#bitmaps;
    const bits = this.#bits;
    const start = this.#start;
    const lengthBytes = this.#end - start;
    for (let index = 0; index < lengthBytes; index += 1) if (bitmaps[at + index] !== bits[start + index]) return false;
    return true;
  }

  #newPiece(pack: number): number {
    const piece = this.#count;
    const lengthBytes = this.#end - this.#start;
    if (piece === this.#packOf.length) {
      this.#packOf = widened(this.#packOf, new Uint32Array(2 * piece));
      this.#offset = widened(this.#offset, new Uint32Array(2 * piece));
      this.#length = widened(this.#length, new Uint16Array(2 * piece));
      this.#next = widened(this.#next, new Int32Array(2 * piece));
    }
    while (this.#bitmapsBytes + lengthBytes > this.#bitmaps.length) {
      this.#bitmaps = widened(this.#bitmaps, new Uint8Array(2 * this.#bitmaps.length));
    }
    for (let index = 0; index < lengthBytes; index += 1) {
      this.#bitmaps[this.#bitmapsBytes + index] = this.#bits[this.#start + index] ?? 0;
    }
    this.#packOf[piece] = pack;
    this.#offset[piece] = this.#bitmapsBytes;
    this.#length[piece] = lengthBytes;
    this.#next[piece] = this.#newest[pack] ?? none;
    this.#newest[pack] = piece;
    this.#bitmapsBytes += lengthBytes;
    this.#count += 1;
    return piece;
  }
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

  /** Of the pool when this was made. */
  get packCount(): number {
    return this.#offsets.length - 1;
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

  /** Name, hexadecimal, of the origin with this number. */
  originAt(number: number): string {
    return this.#packs.hexAt(number);
  }

  /** For the pool. */
  add(pack: number, bytes: Uint8Array, start: number, end: number): void {
    const first = this.#offsets[pack] ?? 0;
    for (let at = start; at < end; at += 1) {
      this.#bitmaps[first + at - start] = (this.#bitmaps[first + at - start] ?? 0) | (bytes[at] ?? 0);
    }
  }
}
