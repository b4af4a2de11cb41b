/*
 * Where the chunks of a safeset lie: from chunk id to rows of packs, for millions of chunks in 16 bytes each.
 *
 * Chained hashing in typed arrays. Chunk ids are the output of a MAC, so their first four bytes serve as the hash. An id may
 * have several rows: copies, and slips without a blob.
 */

import { equalBytes } from '@twinvault/std';
import type { ChunkId, PackTable } from '@twinvault/format';

export interface RowPlace {
  /** As given to `add`. */
  readonly packIndex: number;
  readonly row: number;
}

const none = -1;

export class ChunkIndex {
  readonly #tables: (PackTable | undefined)[] = [];
  #heads = new Int32Array(1_024).fill(none);
  #next = new Int32Array(1_024);
  #packs = new Uint32Array(1_024);
  #rows = new Uint32Array(1_024);
  #count = 0;

  /** Rows in the index. */
  get count(): number {
    return this.#count;
  }

  /** Null when no table was added under this number. */
  tableOf(packIndex: number): PackTable | null {
    return this.#tables[packIndex] ?? null;
  }

  /** Takes the rows for which `wanted` is true; each pack once. */
  add(packIndex: number, table: PackTable, wanted: (row: number) => boolean): void {
    this.#tables[packIndex] = table;
    for (let row = 0; row < table.count; row += 1) {
      if (wanted(row)) this.#insert(packIndex, row, table.idWordAt(row, 0));
    }
  }

  /** All rows of the id: those with a blob first, otherwise in no order. */
  find(id: ChunkId): RowPlace[] {
    const found: RowPlace[] = [];
    const word = new DataView(id.buffer, id.byteOffset, id.byteLength).getUint32(0, true);
    for (let entry = this.#heads[this.#slot(word)] ?? none; entry !== none; entry = this.#next[entry] ?? none) {
      const packIndex = this.#packs[entry] ?? 0;
      const row = this.#rows[entry] ?? 0;
      const table = this.#tables[packIndex];
      if (table !== undefined && equalBytes(table.idAt(row), id)) found.push({ packIndex, row });
    }
    const withBlob = (place: RowPlace): boolean => this.#tables[place.packIndex]?.slipOnlyAt(place.row) === false;
    return [...found.filter(withBlob), ...found.filter((place) => !withBlob(place))];
  }

  #slot(word: number): number {
    return (word & (this.#heads.length - 1)) >>> 0;
  }

  #insert(packIndex: number, row: number, word: number): void {
    if (this.#count === this.#next.length) this.#grow();
    const entry = this.#count;
    this.#packs[entry] = packIndex;
    this.#rows[entry] = row;
    this.#link(entry, word);
    this.#count += 1;
  }

  #link(entry: number, word: number): void {
    const slot = this.#slot(word);
    this.#next[entry] = this.#heads[slot] ?? none;
    this.#heads[slot] = entry;
  }

  #grow(): void {
    const capacity = 2 * this.#next.length;
    this.#packs = grown(this.#packs, capacity);
    this.#rows = grown(this.#rows, capacity);
    this.#next = new Int32Array(capacity);
    this.#heads = new Int32Array(capacity).fill(none);
    for (let entry = 0; entry < this.#count; entry += 1) {
      const table = this.#tables[this.#packs[entry] ?? 0];
      this.#link(entry, table?.idWordAt(this.#rows[entry] ?? 0, 0) ?? 0);
    }
  }
}

function grown(array: Uint32Array<ArrayBuffer>, capacity: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(capacity);
  larger.set(array);
  return larger;
}
