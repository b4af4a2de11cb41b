/*
 * Refs of many records in little memory. Safesets of a job name nearly the same positions, so equal pieces (a pack and a bitmap) are kept
 * once, and the refs of a record are a list of the numbers of its pieces: four bytes a pack.
 */

import type { Refs } from '@twinvault/format';
import { PackNumbers } from './pack-numbers.ts';

const piecesMin = 1024;
const none = -1;

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

  /** Different pieces so far. */
  get count(): number {
    return this.#count;
  }

  /** The refs are not kept. */
  pool(refs: Refs): PooledRefs {
    const pieces = new Uint32Array(refs.packCount);
    let index = 0;
    refs.forEachPlace((name, start, end) => {
      const pack = this.packs.numberOf(refs.bytes, name);
      pieces[index] = this.#pieceOf(pack, refs.bytes, [start, end]);
      index += 1;
    });
    return pieces;
  }

  /** All positions that any of these name. */
  union(all: Iterable<PooledRefs>): LiveRows {
    const used = new Uint8Array(this.#count);
    for (const pieces of all) for (const piece of pieces) used[piece] = 1;
    const rows = new LiveRows(this.packs, this.#lengths(used));
    for (let piece = 0; piece < this.#count; piece += 1) {
      if (used[piece] === 0) continue;
      const offset = this.#offset[piece] ?? 0;
      rows.add(this.#packOf[piece] ?? 0, this.#bitmaps.subarray(offset, offset + (this.#length[piece] ?? 0)));
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
