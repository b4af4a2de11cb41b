/*
 * A deterministic generator for tests, the simulator and jitter: the same seed gives the same sequence on every machine
 * and in every version of this code, because seeds printed by a failed run must reproduce it. Never for secrets.
 *
 * Blackman, Vigna: "Scrambled Linear Pseudorandom Number Generators" (arXiv:1805.01407), xoshiro128**. The state is
 * filled from the seed by FNV-1a over its UTF-16 code units, then the finaliser of MurmurHash3 for each word.
 */

import { assert } from './assert.ts';

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function seedHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash;
}

export class Prng {
  /** What made this generator; print it when a test fails. */
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: string | number) {
    this.seed = String(seed);
    const hash = seedHash(this.seed);
    this.#a = mix(hash ^ 0x9e3779b9);
    this.#b = mix(hash + 0x3c6ef372);
    this.#c = mix(seedHash(`${this.seed}/`) + 0xdaa66d2b);
    // The all-zero state is the one that never leaves itself.
    this.#d = mix(hash ^ 0x78dde6e4) | 1;
  }

  /** 0 to 2^32 - 1. */
  u32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** 0 to `limit` - 1, evenly; `limit` 1 to 2^53 - 1. */
  below(limit: number): number {
    assert(Number.isSafeInteger(limit) && limit >= 1, 'limit out of range');
    if (limit > 0x1_0000_0000) return Number(this.bigint(0n, BigInt(limit)));
    const unbiased = 0x1_0000_0000 - (0x1_0000_0000 % limit);
    let value = this.u32();
    while (value >= unbiased) value = this.u32();
    return value % limit;
  }

  /** `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** `low` to `high` - 1. */
  bigint(low: bigint, high: bigint): bigint {
    const span = high - low;
    assert(span > 0n, 'range is empty');
    const wordCount = Math.ceil(span.toString(2).length / 32);
    const whole = 1n << BigInt(32 * wordCount);
    const unbiased = whole - (whole % span);
    for (;;) {
      let value = 0n;
      for (let count = 0; count < wordCount; count += 1) value = (value << 32n) | BigInt(this.u32());
      if (value < unbiased) return low + (value % span);
    }
  }

  /** 0 up to, not including, 1, in steps of 2^-53. */
  fraction(): number {
    return ((this.u32() >>> 5) * 0x400_0000 + (this.u32() >>> 6)) / 2 ** 53;
  }

  /** True with this probability (0 to 1). */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const words = new DataView(new ArrayBuffer(Math.ceil(count / 4) * 4));
    for (let offset = 0; offset < words.byteLength; offset += 4) words.setUint32(offset, this.u32(), true);
    return new Uint8Array(words.buffer, 0, count).slice();
  }

  pick<T>(list: readonly T[]): T {
    assert(list.length > 0, 'nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list];
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = this.below(index + 1);
      const held = shuffled[index] as T;
      shuffled[index] = shuffled[other] as T;
      shuffled[other] = held;
    }
    return shuffled;
  }

  /** An independent generator whose sequence depends on this seed and the label, not on what was drawn before. */
  fork(label: string): Prng {
    return new Prng(`${this.seed}/${label}`);
  }
}
