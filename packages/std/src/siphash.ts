/*
 * SipHash-2-4 with a 64-bit result. Aumasson, Bernstein: "SipHash: a fast short-input PRF", INDOCRYPT 2012
 * (https://www.aumasson.jp/siphash/siphash.pdf), section 2 and appendix A (test vectors).
 *
 * This is the readable reference that the WebAssembly cutter is tested against, not a hot path: 64-bit words are two
 * halves in one Uint32Array, word w at [2w] (low) and [2w + 1] (high).
 */

import { assert } from './assert.ts';

/** The 64-bit result: `high * 2^32 + low`. */
export interface SipHash {
  readonly low: number;
  readonly high: number;
}

type Words = Uint32Array;

function at(state: Words, index: number): number {
  return state[index] ?? 0;
}

/** v[to] += v[from] (mod 2^64). */
function add(state: Words, to: number, from: number): void {
  const low = at(state, 2 * to) + at(state, 2 * from);
  state[2 * to] = low;
  state[2 * to + 1] = at(state, 2 * to + 1) + at(state, 2 * from + 1) + (low > 0xffff_ffff ? 1 : 0);
}

/** v[to] = rotl(v[to], bits) ^ v[from], for bits below 32. */
function rotateXor(state: Words, to: number, [bits, from]: readonly [number, number]): void {
  const low = at(state, 2 * to);
  const high = at(state, 2 * to + 1);
  state[2 * to] = ((low << bits) | (high >>> (32 - bits))) ^ at(state, 2 * from);
  state[2 * to + 1] = ((high << bits) | (low >>> (32 - bits))) ^ at(state, 2 * from + 1);
}

/** v[word] = rotl(v[word], 32). */
function swapHalves(state: Words, word: number): void {
  const low = at(state, 2 * word);
  state[2 * word] = at(state, 2 * word + 1);
  state[2 * word + 1] = low;
}

/** SipRound, section 2.1. */
function round(state: Words): void {
  add(state, 0, 1);
  rotateXor(state, 1, [13, 0]);
  swapHalves(state, 0);
  add(state, 2, 3);
  rotateXor(state, 3, [16, 2]);
  add(state, 0, 3);
  rotateXor(state, 3, [21, 0]);
  add(state, 2, 1);
  rotateXor(state, 1, [17, 2]);
  swapHalves(state, 2);
}

function xorWord(state: Words, word: number, [low, high]: readonly [number, number]): void {
  state[2 * word] = at(state, 2 * word) ^ low;
  state[2 * word + 1] = at(state, 2 * word + 1) ^ high;
}

/** `key`: 16 bytes. */
export function sipHash24(key: Uint8Array, data: Uint8Array): SipHash {
  assert(key.length === 16, 'SipHash key is not 16 bytes');
  const keyView = new DataView(key.buffer, key.byteOffset, 16);
  const k0 = [keyView.getUint32(0, true), keyView.getUint32(4, true)] as const;
  const k1 = [keyView.getUint32(8, true), keyView.getUint32(12, true)] as const;
  // "somepseudorandomlygeneratedbytes", section 2.2.
  const state = Uint32Array.of(0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462);
  xorWord(state, 0, k0);
  xorWord(state, 1, k1);
  xorWord(state, 2, k0);
  xorWord(state, 3, k1);

  // The last word holds the rest of the data and, in its top byte, the length modulo 256.
  const padded = new Uint8Array(8 * (Math.floor(data.length / 8) + 1));
  padded.set(data);
  padded[padded.length - 1] = data.length & 0xff;
  const view = new DataView(padded.buffer);
  for (let offset = 0; offset < padded.length; offset += 8) {
    const word = [view.getUint32(offset, true), view.getUint32(offset + 4, true)] as const;
    xorWord(state, 3, word);
    round(state);
    round(state);
    xorWord(state, 0, word);
  }
  xorWord(state, 2, [0xff, 0]);
  for (let count = 0; count < 4; count += 1) round(state);
  return {
    low: (at(state, 0) ^ at(state, 2) ^ at(state, 4) ^ at(state, 6)) >>> 0,
    high: (at(state, 1) ^ at(state, 3) ^ at(state, 5) ^ at(state, 7)) >>> 0,
  };
}
