/*
 * Reads CBOR (RFC 8949) in its one deterministic form, as docs/format/README.md narrows it, in a single pass.
 *
 * Invariants: what is read has definite lengths in their shortest form, map keys that are text or unsigned integers in
 * ascending order of their encoded bytes, text that is UTF-8, integers below 2^53 in amount, no tags, no floats and no simple
 * values but false, true and null. Counts and lengths are compared with the bytes that are left before anything is made of
 * them, and the depth is limited before it is entered.
 */

import { utf8Decode } from '@twinvault/std';
import { demand, refuse } from './errors.ts';

const unsignedType = 0;
const negativeType = 1;
const bytesType = 2;
const textType = 3;
const arrayType = 4;
const mapType = 5;
const tagType = 6;
const simpleValues: readonly (boolean | null)[] = [false, true, null];
const simpleFalse = 20;
/** Up to here a loop beats the decoder's call; keys of maps are this short. */
const asciiLoopBytesMax = 24;

export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #depthMax: number;
  #offset = 0;
  #depth = 0;

  /** `depthMax`: arrays and maps within each other. */
  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes;
    this.#depthMax = depthMax;
  }

  /** The one item that the bytes are: maps as Map, byte strings as copies. Throws `cbor-invalid`. */
  readAll(): unknown {
    const value = this.#item();
    demand(this.#offset === this.#bytes.length, 'cbor-invalid', 'bytes after the item');
    return value;
  }

  #item(): unknown {
    const first = this.#byte();
    const type = first >>> 5;
    const info = first & 31;
    if (type > mapType) return this.#simple(type, info);
    const argument = info < 24 ? info : this.#argument(info);
    switch (type) {
      case unsignedType:
        return argument;
      case negativeType:
        // The amount is one more than the argument, and 2^53 is out of range.
        demand(argument < Number.MAX_SAFE_INTEGER, 'cbor-invalid', 'integer too large');
        return -1 - argument;
      case bytesType:
        return this.#take(argument).slice();
      case textType:
        return this.#text(argument);
      case arrayType:
        return this.#array(argument);
      default:
        return this.#map(argument);
    }
  }

  #simple(type: number, info: number): boolean | null {
    demand(type !== tagType, 'cbor-invalid', 'tag');
    const value = simpleValues[info - simpleFalse];
    demand(value !== undefined, 'cbor-invalid', 'float or simple value');
    return value;
  }

  #array(count: number): unknown[] {
    demand(count <= this.#bytes.length - this.#offset, 'cbor-invalid', 'more items than bytes');
    this.#enter();
    const items: unknown[] = [];
    for (let index = 0; index < count; index += 1) items.push(this.#item());
    this.#depth -= 1;
    return items;
  }

  #map(count: number): Map<unknown, unknown> {
    demand(2 * count <= this.#bytes.length - this.#offset, 'cbor-invalid', 'more items than bytes');
    this.#enter();
    const map = new Map<unknown, unknown>();
    let before = 0;
    for (let index = 0; index < count; index += 1) {
      const start = this.#offset;
      const keyType = (this.#bytes[start] ?? 0) >>> 5;
      demand(keyType === textType || keyType === unsignedType, 'cbor-invalid', 'kind of a key');
      const key = this.#item();
      demand(index === 0 || this.#isAscending(before, start), 'cbor-invalid', 'order of keys');
      before = start;
      map.set(key, this.#item());
    }
    this.#depth -= 1;
    return map;
  }

  /**
   * Whether the key that begins at `a` stands before the one that begins at `b` and ends here. Bytewise; no encoded key is a
   * prefix of another, so the comparison ends within both.
   */
  #isAscending(a: number, b: number): boolean {
    for (let index = 0; b + index < this.#offset; index += 1) {
      const difference = (this.#bytes[a + index] ?? 0) - (this.#bytes[b + index] ?? 0);
      if (difference !== 0) return difference < 0;
    }
    return false;
  }

  #text(lengthBytes: number): string {
    const bytes = this.#take(lengthBytes);
    if (lengthBytes <= asciiLoopBytesMax) {
      let text = '';
      for (const byte of bytes) {
        if (byte > 0x7f) return this.#decoded(bytes);
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return this.#decoded(bytes);
  }

  #decoded(bytes: Uint8Array): string {
    return utf8Decode(bytes) ?? refuse('cbor-invalid', 'text is not UTF-8');
  }

  #argument(info: number): number {
    demand(info <= 27, 'cbor-invalid', 'indefinite or reserved length');
    const argumentBytes = 1 << (info - 24);
    let argument = 0;
    for (const byte of this.#take(argumentBytes)) argument = argument * 0x100 + byte;
    const least = argumentBytes === 1 ? 24 : 0x100 ** (argumentBytes / 2);
    demand(argument >= least, 'cbor-invalid', 'not in its shortest form');
    demand(argument <= Number.MAX_SAFE_INTEGER, 'cbor-invalid', 'integer too large');
    return argument;
  }

  #enter(): void {
    this.#depth += 1;
    demand(this.#depth <= this.#depthMax, 'cbor-invalid', 'too deep');
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) refuse('cbor-invalid', 'ends too early');
    this.#offset += 1;
    return byte;
  }

  #take(lengthBytes: number): Uint8Array {
    demand(lengthBytes <= this.#bytes.length - this.#offset, 'cbor-invalid', 'ends too early');
    this.#offset += lengthBytes;
    return this.#bytes.subarray(this.#offset - lengthBytes, this.#offset);
  }
}
