/*
 * Rows of a fresh pack in a tail that was verified before, read without checking it again: a vault looks at millions of them at each commit and
 * each clean-up. Position = row number, all rows have one length.
 */

import { packTrailerBytes, slipOnlyFlag } from './pack-layout.ts';
import { isOwnSection } from './pack-sections.ts';

export interface RowTotals {
  readonly rows: number;
  /** Of their blobs in this pack, their rows and slips. */
  readonly bytes: number;
}

export class FreshRows {
  readonly count: number;
  /** Of all rows. */
  readonly totals: RowTotals;
  readonly #tail: Uint8Array;
  readonly #view: DataView;
  readonly #rowBytes: number;

  /** Null for a compacted pack. The tail is kept, not copied. */
  static of(tail: Uint8Array): FreshRows | null {
    const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
    const trailer = tail.length - packTrailerBytes;
    const isFresh = view.getUint16(trailer + 24, true) === 1 && isOwnSection(view, view.getUint32(trailer + 12, true));
    return isFresh ? new FreshRows(tail, view) : null;
  }

  private constructor(tail: Uint8Array, view: DataView) {
    const trailer = tail.length - packTrailerBytes;
    const tableBytes = view.getUint32(trailer + 12, true);
    this.#tail = tail;
    this.#view = view;
    this.count = view.getUint32(trailer + 16, true);
    this.#rowBytes = tableBytes / this.count;
    this.totals = { rows: this.count, bytes: tableBytes + view.getUint32(trailer, true) };
  }

  /** Rows here and below are 0 to `count` - 1. */
  slipOnlyAt(row: number): boolean {
    return this.#view.getUint16(row * this.#rowBytes + 2, true) === slipOnlyFlag;
  }

  /** Of the blob, also where that is elsewhere. */
  lengthAt(row: number): number {
    return this.#view.getUint32(row * this.#rowBytes + 44, true);
  }

  /** A view. */
  blobHashAt(row: number): Uint8Array {
    const offset = row * this.#rowBytes + 64;
    return this.#tail.subarray(offset, offset + 32);
  }

  /** Of the rows whose positions the bitmap names; positions that are not there count nothing. */
  totalsOf(bitmap: Uint8Array): RowTotals {
    let rows = 0;
    let bytes = 0;
    for (let index = 0; index < bitmap.length; index += 1) {
      for (let byte = bitmap[index] ?? 0; byte !== 0; byte &= byte - 1) {
        const row = 8 * index + (31 - Math.clz32(byte & -byte));
        if (row >= this.count) return { rows, bytes };
        rows += 1;
        bytes += this.#rowBytes + (this.slipOnlyAt(row) ? 0 : this.lengthAt(row));
      }
    }
    return { rows, bytes };
  }
}
