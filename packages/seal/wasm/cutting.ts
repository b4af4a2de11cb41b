/*
 * The hot loops of cutting, in AssemblyScript: candidates of the gear hash and SipHash-2-4. Compiled by tests/build-cutting.ts into
 * src/cutting/cutting-wasm.ts; src/cutting/reference.ts says the same in plain TypeScript and tests hold both to each other.
 *
 * The host brings the memory. Its first page is: gear table at 0 (256 times u32), scratch for SipHash from 1,024 up;
 * what is cut begins at the second page. No function grows the memory or writes to it.
 */

const gearMaskLimit: u32 = 1 << 24;
const windowBytes: u32 = 32;

let k0: u64 = 0;
let k1: u64 = 0;
let lowHalf: u32 = 0;

/** The 16 bytes of the key as four little-endian words. */
export function setKey(a: u32, b: u32, c: u32, d: u32): void {
  k0 = (a as u64) | ((b as u64) << 32);
  k1 = (c as u64) | ((d as u64) << 32);
}

/** SipHash-2-4 (Aumasson, Bernstein: INDOCRYPT 2012, section 2) of `length` bytes at `at`. */
function sip(at: u32, length: u32): u64 {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const rest: u32 = length & 7;
  const wholeEnd: u32 = at + length - rest;
  let position: u32 = at;
  let rounds: u32 = 0;
  let last = false;
  let word: u64 = 0;
  // One loop body for words, the last word and the end keeps the module small; the branch is foreseeable.
  while (true) {
    if (position < wholeEnd) {
      word = load<u64>(position);
      position += 8;
      rounds = 2;
    } else if (!last) {
      word = (length as u64) << 56;
      for (let index: u32 = 0; index < rest; index++) {
        word |= (load<u8>(wholeEnd + index) as u64) << ((index << 3) as u64);
      }
      rounds = 2;
      last = true;
    } else {
      break;
    }
    v3 ^= word;
    do {
      v0 += v1;
      v1 = rotl<u64>(v1, 13);
      v1 ^= v0;
      v0 = rotl<u64>(v0, 32);
      v2 += v3;
      v3 = rotl<u64>(v3, 16);
      v3 ^= v2;
      v0 += v3;
      v3 = rotl<u64>(v3, 21);
      v3 ^= v0;
      v2 += v1;
      v1 = rotl<u64>(v1, 17);
      v1 ^= v2;
      v2 = rotl<u64>(v2, 32);
    } while (--rounds);
    v0 ^= word;
  }
  v2 ^= 0xff;
  rounds = 4;
  do {
    v0 += v1;
    v1 = rotl<u64>(v1, 13);
    v1 ^= v0;
    v0 = rotl<u64>(v0, 32);
    v2 += v3;
    v3 = rotl<u64>(v3, 16);
    v3 ^= v2;
    v0 += v3;
    v3 = rotl<u64>(v3, 21);
    v3 ^= v0;
    v2 += v1;
    v1 = rotl<u64>(v1, 17);
    v1 ^= v2;
    v2 = rotl<u64>(v2, 32);
  } while (--rounds);
  return v0 ^ v1 ^ v2 ^ v3;
}

/** The upper 32 bits; `sipLow` gives the lower ones of the same call. */
export function sipHigh(at: u32, length: u32): u32 {
  const hash = sip(at, length);
  lowHalf = hash as u32;
  return (hash >>> 32) as u32;
}

export function sipLow(): u32 {
  return lowHalf;
}

function gear(hash: u32, position: u32): u32 {
  return (hash << 1) + load<u32>((load<u8>(position) as u32) << 2);
}

function cuts(position: u32, threshold: u32): bool {
  return ((sip(position - (windowBytes - 1), windowBytes) >>> 32) as u32) < threshold;
}

/**
 * The first position in from…to-1 that cuts, plus one; 0 when none does. The 31 bytes before `from` must lie in the chunk.
 */
export function findCut(from: u32, to: u32, threshold: u32): u32 {
  let hash: u32 = 0;
  let position: u32 = from - (windowBytes - 1);
  while (position < from) {
    hash = gear(hash, position);
    position++;
  }
  // Eight bytes a turn; the turn that holds a candidate is done again byte by byte.
  while (true) {
    let whole = false;
    while (position + 8 <= to) {
      const h1 = gear(hash, position);
      const h2 = gear(h1, position + 1);
      const h3 = gear(h2, position + 2);
      const h4 = gear(h3, position + 3);
      const h5 = gear(h4, position + 4);
      const h6 = gear(h5, position + 5);
      const h7 = gear(h6, position + 6);
      const h8 = gear(h7, position + 7);
      if (
        h1 < gearMaskLimit ||
        h2 < gearMaskLimit ||
        h3 < gearMaskLimit ||
        h4 < gearMaskLimit ||
        h5 < gearMaskLimit ||
        h6 < gearMaskLimit ||
        h7 < gearMaskLimit ||
        h8 < gearMaskLimit
      ) {
        whole = true;
        break;
      }
      hash = h8;
      position += 8;
    }
    const stop = whole ? position + 8 : to;
    while (position < stop) {
      hash = gear(hash, position);
      if (hash < gearMaskLimit && cuts(position, threshold)) return position + 1;
      position++;
    }
    if (!whole) break;
  }
  return 0;
}
