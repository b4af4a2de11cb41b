/*
 * Deterministic CBOR read item by item, as the caller expects it. Whatever is not the one shortest form of what is expected
 * there throws `catalog-invalid`. No call allocates more than a view, or the text of a string whose bytes are there.
 */

import { utf8Decode } from '@twinvault/std';
import { nodeDefect } from './column-reader.ts';

const uintMajor = 0;
const intMajor = 1;
const bytesMajor = 2;
const textMajor = 3;
const arrayMajor = 4;
const mapMajor = 5;
const trueByte = 0xf5;
const nullByte = 0xf6;

export class CborReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  uint(): number {
    return this.#argument(uintMajor, 'integer expected');
  }

  /** A safe integer of either sign. */
  int(): number {
    if (this.#major() !== intMajor) return this.uint();
    const value = -1 - this.#argument(intMajor, 'integer expected');
    if (!Number.isSafeInteger(value)) throw nodeDefect('integer too large');
    return value;
  }

  /** A view. */
  bytes(bytesMax: number): Uint8Array {
    const length = this.#argument(bytesMajor, 'byte string expected');
    if (length > bytesMax) throw nodeDefect('byte string too long');
    return this.#take(length);
  }

  text(bytesMax: number): string {
    const length = this.#argument(textMajor, 'text expected');
    if (length > bytesMax) throw nodeDefect('text too long');
    const text = utf8Decode(this.#take(length));
    if (text === null) throw nodeDefect('text is not UTF-8');
    return text;
  }

  /** Number of items that follow; at most as many as there are bytes left. */
  array(): number {
    return this.#count(arrayMajor, 'array expected');
  }

  /** An array of exactly this many items. */
  tuple(count: number): void {
    if (this.array() !== count) throw nodeDefect('array of another length expected');
  }

  /** Number of pairs that follow. */
  map(): number {
    return this.#count(mapMajor, 'map expected');
  }

  true(): void {
    if (this.#bytes[this.#offset] !== trueByte) throw nodeDefect('true expected');
    this.#offset += 1;
  }

  /** Steps over a null, if the next item is one. */
  tryNull(): boolean {
    if (this.#bytes[this.#offset] !== nullByte) return false;
    this.#offset += 1;
    return true;
  }

  nextIsText(): boolean {
    return this.#major() === textMajor;
  }

  nextIsUint(): boolean {
    return this.#major() === uintMajor;
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) throw nodeDefect('bytes after the node');
  }

  #major(): number {
    return (this.#bytes[this.#offset] ?? 0xff) >>> 5;
  }

  #count(major: number, defect: string): number {
    const count = this.#argument(major, defect);
    if (count > this.#bytes.length - this.#offset) throw nodeDefect('more items than bytes');
    return count;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#offset) throw nodeDefect('node ends too soon');
    const offset = this.#offset;
    this.#offset += length;
    return this.#bytes.subarray(offset, offset + length);
  }

  /** The number in an item's head, in its shortest form and below 2^53. */
  #argument(major: number, defect: string): number {
    const initial = this.#bytes[this.#offset];
    if (initial === undefined) throw nodeDefect('node ends too soon');
    if (initial >>> 5 !== major) throw nodeDefect(defect);
    this.#offset += 1;
    const short = initial & 0x1f;
    if (short < 24) return short;
    if (short > 27) throw nodeDefect('indefinite length or reserved form');
    const width = 1 << (short - 24);
    const value = this.#bigEndian(width);
    const shortest = width === 1 ? 24 : 2 ** (4 * width);
    if (value < shortest) throw nodeDefect('number not in its shortest form');
    if (value > Number.MAX_SAFE_INTEGER) throw nodeDefect('number too large');
    return value;
  }

  #bigEndian(width: number): number {
    let value = 0;
    for (const byte of this.#take(width)) value = value * 0x100 + byte;
    return value;
  }
}
