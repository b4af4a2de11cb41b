/*
 * Deterministic CBOR (RFC 8949, section 4.2.1) written item by item into a reused array: what nodes consist of. The caller
 * keeps the order of map keys. cbor-reader.ts is its mirror. Nodes are written and read without a tree of values between,
 * because that costs more than everything else in a walk over a million entries.
 */

import { utf8Encode } from '@twinvault/std';
import { ByteColumn } from './byte-column.ts';

export class CborWriter {
  readonly column: ByteColumn = new ByteColumn();

  uint(value: number): void {
    this.#head(0x00, value);
  }

  /** A safe integer of either sign. */
  int(value: number): void {
    if (value >= 0) this.#head(0x00, value);
    else this.#head(0x20, -1 - value);
  }

  bytes(value: Uint8Array): void {
    this.#head(0x40, value.length);
    this.column.append(value);
  }

  text(value: string): void {
    const encoded = utf8Encode(value);
    this.#head(0x60, encoded.length);
    this.column.append(encoded);
  }

  /** Header of an array; its items follow. */
  array(count: number): void {
    this.#head(0x80, count);
  }

  /** Header of a map; keys and values follow, sorted by the bytes of the encoded keys. */
  map(count: number): void {
    this.#head(0xa0, count);
  }

  true(): void {
    this.column.u8(0xf5);
  }

  null(): void {
    this.column.u8(0xf6);
  }

  #head(major: number, value: number): void {
    const { column } = this;
    if (value < 24) {
      column.u8(major | value);
    } else if (value < 0x100) {
      column.u8(major | 24);
      column.u8(value);
    } else if (value < 0x1_0000) {
      column.u8(major | 25);
      this.#u16(value);
    } else if (value < 0x1_0000_0000) {
      column.u8(major | 26);
      this.#u16(value >>> 16);
      this.#u16(value & 0xffff);
    } else {
      const high = Math.floor(value / 0x1_0000_0000);
      column.u8(major | 27);
      this.#u16(high >>> 16);
      this.#u16(high & 0xffff);
      this.#u16((value % 0x1_0000_0000) >>> 16);
      this.#u16(value & 0xffff);
    }
  }

  /** Big-endian, as CBOR has it. */
  #u16(value: number): void {
    this.column.u8(value >>> 8);
    this.column.u8(value & 0xff);
  }
}
