/*
 * Writes the binary formats of Twinvault: little-endian fixed-width integers, minimal unsigned LEB128 ("varint") and
 * zigzag ("svarint"). byte-reader.ts is its mirror. A value out of range is our own bug and fails an assertion.
 */

import { assert } from './assert.ts';

const capacityBytesDefault = 256;
/** 64 bits in groups of seven. */
const varintBytesMax = 10;
const u64Max = 0xffff_ffff_ffff_ffffn;

/** Grows as needed. Every writing method returns the writer, so that calls can be chained. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;
  #finished = false;

  constructor(capacityBytes: number = capacityBytesDefault) {
    assert(Number.isSafeInteger(capacityBytes) && capacityBytes >= 0, 'capacity out of range');
    this.#bytes = new Uint8Array(Math.max(capacityBytes, 16));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xff, 'u8 out of range');
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, 'u16 out of range');
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'u32 out of range');
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** A number must be a safe integer. */
  u64(value: number | bigint): this {
    assert(typeof value === 'bigint' || Number.isSafeInteger(value), 'u64 is not an integer');
    const wide = BigInt(value);
    assert(wide >= 0n && wide <= u64Max, 'u64 out of range');
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, wide, true);
    this.#length += 8;
    return this;
  }

  /** Unsigned LEB128 of 0 to 2^53 - 1, one to eight bytes. */
  varint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'varint out of range');
    this.#reserve(varintBytesMax);
    let rest = value;
    // Bit operations of the language see 32 bits alone, so large values are divided.
    while (rest > 0x7fff_ffff) {
      this.#bytes[this.#length] = (rest % 0x80) | 0x80;
      this.#length += 1;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length] = (rest & 0x7f) | 0x80;
      this.#length += 1;
      rest >>>= 7;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
    return this;
  }

  /** Unsigned LEB128 of 0 to 2^64 - 1, one to ten bytes. */
  varintBig(value: bigint): this {
    assert(value >= 0n && value <= u64Max, 'varint out of range');
    this.#reserve(varintBytesMax);
    let rest = value;
    while (rest > 0x7fn) {
      this.#bytes[this.#length] = Number(rest & 0x7fn) | 0x80;
      this.#length += 1;
      rest >>= 7n;
    }
    this.#bytes[this.#length] = Number(rest);
    this.#length += 1;
    return this;
  }

  /** Zigzag (0, -1, 1, -2 … become 0, 1, 2, 3 …), then LEB128; any safe integer. */
  svarint(value: number): this {
    assert(Number.isSafeInteger(value), 'svarint out of range');
    if (value >= -0x4000_0000 && value < 0x4000_0000) return this.varint(((value << 1) ^ (value >> 31)) >>> 0);
    return this.svarintBig(BigInt(value));
  }

  /** The same for -2^63 to 2^63 - 1. */
  svarintBig(value: bigint): this {
    assert(BigInt.asIntN(64, value) === value, 'svarint out of range');
    return this.varintBig(value >= 0n ? value << 1n : ((-value - 1n) << 1n) | 1n);
  }

  bytes(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** The length as varint, then the bytes. */
  lengthPrefixed(bytes: Uint8Array): this {
    return this.varint(bytes.length).bytes(bytes);
  }

  /** All bytes, in an ArrayBuffer of their own of exactly that size. Writing afterwards fails an assertion. */
  finish(): Uint8Array<ArrayBuffer> {
    assert(!this.#finished, 'writer used after finish');
    this.#finished = true;
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    assert(!this.#finished, 'writer used after finish');
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
