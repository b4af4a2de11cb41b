/*
 * Numbers for names of packs, from 0 in the order in which they were met: 40 bytes a name instead of a text in hexadecimal.
 *
 * Open addressing by the first four bytes of a name: names are SHA-256, so they serve as the hash. The table is never more than half full.
 */

import { packName } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { assert, toHex } from '@twinvault/std';

const nameBytes = 32;
const countMin = 1024;

export class PackNumbers implements Iterable<PackName> {
  #names = new Uint8Array(nameBytes * countMin);
  /** Number + 1; 0 is free. */
  #slots = new Int32Array(2 * countMin);
  #count = 0;
  /** The one that is read from digits. */
  readonly #name = new Uint8Array(nameBytes);

  get count(): number {
    return this.#count;
  }

  /** Names in hexadecimal; anything else is a mistake of the caller. */
  static ofHex(names: Iterable<string>): PackNumbers {
    const numbers = new PackNumbers();
    for (const hex of names) numbers.numberOfHex(hex);
    return numbers;
  }

  /** The number of the name whose 64 hexadecimal digits begin at `offset`, a new one if it was not met before. */
  numberOfHex(text: string, offset: number = 0): number {
    for (let index = 0; index < nameBytes; index += 1) {
      this.#name[index] = 16 * hexDigit(text.charCodeAt(offset + 2 * index)) + hexDigit(text.charCodeAt(offset + 2 * index + 1));
    }
    return this.numberOf(this.#name);
  }

  /** The number of the name at `offset` of `bytes`, a new one if it was not met before. */
  numberOf(bytes: Uint8Array, offset: number = 0): number {
    const found = this.#find(bytes, offset);
    if (found >= 0) return found;
    if (2 * this.#count === this.#slots.length) this.#grow();
    const number = this.#count;
    this.#names.set(bytes.subarray(offset, offset + nameBytes), nameBytes * number);
    this.#count += 1;
    this.#slots[this.#freeSlot(this.#names, nameBytes * number)] = number + 1;
    return number;
  }

  /** The number of the name at `offset` of `bytes`; -1 when it was not met. */
  find(bytes: Uint8Array, offset: number = 0): number {
    return this.#find(bytes, offset);
  }

  /** A set of its own of those that are not among the others. */
  without(others: PackNumbers): PackNumbers {
    const left = new PackNumbers();
    for (const name of this) if (!others.has(name)) left.numberOf(name);
    return left;
  }

  /** By number; views as of `nameAt`. */
  *[Symbol.iterator](): Generator<PackName, void, undefined> {
    for (let number = 0; number < this.#count; number += 1) yield this.nameAt(number);
  }

  has(name: Uint8Array): boolean {
    return this.#find(name, 0) >= 0;
  }

  /** A view, good until the next new name. */
  nameAt(number: number): PackName {
    return packName(this.#names.subarray(nameBytes * number, nameBytes * (number + 1)));
  }

  hexAt(number: number): string {
    return toHex(this.nameAt(number));
  }

  #find(bytes: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashAt(bytes, offset) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] ?? 0) - 1;
      if (number < 0) return -1;
      if (this.#equals(nameBytes * number, bytes, offset)) return number;
    }
  }

  #equals(at: number, bytes: Uint8Array, offset: number): boolean {
    const names = this.#names;
    for (let index = 0; index < nameBytes; index += 1) if (names[at + index] !== bytes[offset + index]) return false;
    return true;
  }

  #freeSlot(bytes: Uint8Array, offset: number): number {
    const mask = this.#slots.length - 1;
    let slot = hashAt(bytes, offset) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const names = new Uint8Array(2 * this.#names.length);
    names.set(this.#names);
    this.#names = names;
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let number = 0; number < this.#count; number += 1) this.#slots[this.#freeSlot(names, nameBytes * number)] = number + 1;
  }
}

/** Of the code of a lower-case digit. */
function hexDigit(code: number): number {
  const digit = code >= 97 ? code - 87 : code - 48;
  assert(digit >= 0 && digit < 16, 'a name of a pack');
  return digit;
}

function hashAt(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | ((bytes[offset + 2] ?? 0) << 16) | ((bytes[offset + 3] ?? 0) << 24)
  );
}
