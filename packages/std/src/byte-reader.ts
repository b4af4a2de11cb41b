/*
 * Reads what byte-writer.ts writes, from bytes that nobody vouches for: every call either gives a value that the writer
 * would write in exactly these bytes, or throws `bytes-short` or `bytes-invalid` and leaves the position undefined.
 * Non-minimal varints are refused, so that one value has one encoding.
 */

import { assert } from './assert.ts';
import { StdError } from './errors.ts';

const safeMax = BigInt(Number.MAX_SAFE_INTEGER);
/** 2^53 - 1 takes eight groups of seven bits; the last holds four. */
const varintBytesMax = 8;
const varintBigBytesMax = 10;

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  /** Reads the view as it is; the caller must not change it meanwhile. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** `bytes-invalid` above 2^53 - 1. */
  u64Number(): number {
    const offset = this.#advance(8);
    const high = this.#view.getUint32(offset + 4, true);
    if (high > 0x1f_ffff) throw this.#invalid('u64 above 2^53 - 1');
    return high * 0x1_0000_0000 + this.#view.getUint32(offset, true);
  }

  /** Passes over so many bytes. */
  skip(lengthBytes: number): void {
    this.#advance(lengthBytes);
  }

  /** 0 to 2^53 - 1. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 1; count <= varintBytesMax; count += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0 && count > 1) throw this.#invalid('varint not minimal');
        // Exact: below 2^56 the only rounded sums are far above the limit.
        if (value > Number.MAX_SAFE_INTEGER) throw this.#invalid('varint above 2^53 - 1');
        return value;
      }
      scale *= 0x80;
    }
    throw this.#invalid('varint too long');
  }

  /** 0 to 2^64 - 1. */
  varintBig(): bigint {
    let value = 0n;
    for (let count = 1; count <= varintBigBytesMax; count += 1) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << BigInt(7 * (count - 1));
      if (byte < 0x80) {
        if (byte === 0 && count > 1) throw this.#invalid('varint not minimal');
        if (value > 0xffff_ffff_ffff_ffffn) throw this.#invalid('varint above 2^64 - 1');
        return value;
      }
    }
    throw this.#invalid('varint too long');
  }

  /** A safe integer. */
  svarint(): number {
    const value = this.svarintBig();
    if (value > safeMax || value < -safeMax) throw this.#invalid('svarint above 2^53 - 1');
    return Number(value);
  }

  /** -2^63 to 2^63 - 1. */
  svarintBig(): bigint {
    const zigzag = this.varintBig();
    return (zigzag & 1n) === 0n ? zigzag >> 1n : -(zigzag >> 1n) - 1n;
  }

  /** A view of the next `count` bytes, not a copy. */
  bytes(count: number): Uint8Array {
    assert(Number.isSafeInteger(count) && count >= 0, 'count out of range');
    const offset = this.#advance(count);
    return this.#bytes.subarray(offset, offset + count);
  }

  /** A length as varint, then a view of that many bytes; `limit-exceeded` above `bytesMax`. */
  lengthPrefixed(bytesMax: number): Uint8Array {
    const length = this.varint();
    if (length > bytesMax) throw new StdError('limit-exceeded', { context: { lengthBytes: length, bytesMax } });
    return this.bytes(length);
  }

  /** `bytes-invalid` unless everything was read. */
  expectEnd(): void {
    if (this.remaining !== 0) throw this.#invalid('bytes after the end');
  }

  #advance(count: number): number {
    if (count > this.remaining) {
      throw new StdError('bytes-short', { context: { offsetBytes: this.#offset, neededBytes: count } });
    }
    const offset = this.#offset;
    this.#offset += count;
    return offset;
  }

  #invalid(defect: string): StdError {
    return new StdError('bytes-invalid', { context: { offsetBytes: this.#offset, defect } });
  }
}
