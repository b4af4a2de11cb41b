/*
 * A growing array of bytes that is written again and again: one column of a leaf, or the CBOR of a node. Unlike std's
 * ByteWriter it is emptied and reused, because a catalog of a million entries fills each column some ten thousand times.
 */

import { assert } from '@twinvault/std';

const capacityBytesFirst = 1024;
const varintBytesMax = 8;
/** Below this many bytes a loop is faster than TypedArray.set (Node 24, x64). */
const loopBytesMax = 24;

export class ByteColumn {
  #bytes = new Uint8Array(capacityBytesFirst);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    if (this.#length + 1 > this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  /** Unsigned LEB128 of 0 to 2^53 - 1, shortest form. */
  varint(value: number): void {
    if (this.#length + varintBytesMax > this.#bytes.length) this.#grow(varintBytesMax);
    const bytes = this.#bytes;
    let length = this.#length;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[length] = (rest % 0x80) | 0x80;
      length += 1;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      bytes[length] = (rest & 0x7f) | 0x80;
      length += 1;
      rest >>>= 7;
    }
    bytes[length] = rest;
    this.#length = length + 1;
  }

  /** Zigzag: 2n, or -2n - 1 for negative n; the result is below 2^53. */
  svarint(value: number): void {
    this.varint(value >= 0 ? 2 * value : -2 * value - 1);
  }

  append(bytes: Uint8Array): void {
    const count = bytes.length;
    if (this.#length + count > this.#bytes.length) this.#grow(count);
    if (count <= loopBytesMax) {
      const target = this.#bytes;
      const offset = this.#length;
      for (let index = 0; index < count; index += 1) target[offset + index] = bytes[index] ?? 0;
    } else {
      this.#bytes.set(bytes, this.#length);
    }
    this.#length += count;
  }

  /** What was written, as a view that the next write may change. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, as bytes of its own. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    assert(Number.isSafeInteger(needed), 'column too long');
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
