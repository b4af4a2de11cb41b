/*
 * Reads a column of a node: bytes that nobody vouches for. Every call gives a value that ByteColumn would write in exactly
 * these bytes, or throws `catalog-invalid`.
 */

import { SealError } from '../errors.ts';

/** What a decoder throws: the bytes opened under their key, so it was a faulty program that wrote them. */
export function nodeDefect(defect: string): SealError {
  return new SealError('catalog-invalid', { context: { defect } });
}

export class ColumnReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw nodeDefect('column ends too soon');
    this.#offset += 1;
    return byte;
  }

  /** 0 to 2^53 - 1 in its shortest form. */
  varint(): number {
    const first = this.#bytes[this.#offset];
    if (first !== undefined && first < 0x80) {
      this.#offset += 1;
      return first;
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; count <= 8; count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0) throw nodeDefect('varint not shortest');
        if (value > Number.MAX_SAFE_INTEGER) throw nodeDefect('varint too large');
        return value;
      }
      scale *= 0x80;
    }
    throw nodeDefect('varint too long');
  }

  svarint(): number {
    const zigzag = this.varint();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  /** A view of the next bytes. */
  take(count: number): Uint8Array {
    if (count > this.remaining) throw nodeDefect('column ends too soon');
    const offset = this.#offset;
    this.#offset += count;
    return this.#bytes.subarray(offset, offset + count);
  }

  end(): void {
    if (!this.atEnd) throw nodeDefect('column too long');
  }
}
