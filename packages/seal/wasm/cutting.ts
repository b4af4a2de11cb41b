/*
 * The hot loops of cutting, in AssemblyScript: candidates of the gear hash and SipHash-2-4. Compiled by tests/build-cutting.ts into
 * src/cutting/cutting-wasm.ts; tests/reference-cutter.ts says the same in plain TypeScript and tests hold both to each other.
 *
 * The host brings the memory. Its first page is: gear table at 0 (256 times u32), scratch for SipHash from 1,024 up, whose end
 * `findCut` overwrites with marks; what is cut begins at the second page. No function grows the memory or writes anything else.
 */

const gearMaskLimit: u32 = 1 << 24;
const windowBytes: u32 = 32;
/** A block is scanned in four stretches at once. */
const stretchBytes: u32 = 4096;
const blockBytes: u32 = 4 * stretchBytes;
/** Bytes of marks for `windowBytes` positions of each stretch: a bit for each. */
const warmMarkBytes: u32 = windowBytes / 2;
/** Where the marks of a block lie, up to the end of the first page; those of the bytes before it lie before them. */
const marksAt: u32 = 65_536 - blockBytes / 8;

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
 * Marks the candidates of the block at `start`: 16 bits for four positions of each stretch, the four stretches by turns.
 *
 * A gear hash depends on 32 bytes alone, so four stretches are hashed side by side: one alone waits for its own last hash. Each begins
 * 32 bytes early. Nothing branches on what is found, because one byte in 256 is a candidate and a wrong guess costs 20 cycles.
 */
function markCandidates(start: u32): void {
  let hashes = i32x4.splat(0);
  let marks = marksAt - warmMarkBytes;
  let position = start - windowBytes;
  const end = start + stretchBytes;
  while (position < end) {
    const first = i32x4.add(i32x4.add(hashes, hashes), gearOfFour(position));
    const second = i32x4.add(i32x4.add(first, first), gearOfFour(position + 1));
    const third = i32x4.add(i32x4.add(second, second), gearOfFour(position + 2));
    hashes = i32x4.add(i32x4.add(third, third), gearOfFour(position + 3));
    // The top 8 bits of each hash as a byte.
    const tops = i8x16.narrow_i16x8_u(
      i16x8.narrow_i32x4_s(i32x4.shr_u(first, 24), i32x4.shr_u(second, 24)),
      i16x8.narrow_i32x4_s(i32x4.shr_u(third, 24), i32x4.shr_u(hashes, 24)),
    );
    store<u16>(marks, i8x16.bitmask(i8x16.eq(tops, i8x16.splat(0))));
    marks += 2;
    position += 4;
  }
}

/** The table's words for the bytes at a position of the first stretch and at its like in the three others. */
function gearOfFour(position: u32): v128 {
  let words = v128.load_zero<u32>((load<u8>(position) as u32) << 2);
  words = v128.load_lane<u32>((load<u8>(position, stretchBytes) as u32) << 2, words, 1);
  words = v128.load_lane<u32>((load<u8>(position, 2 * stretchBytes) as u32) << 2, words, 2);
  return v128.load_lane<u32>((load<u8>(position, 3 * stretchBytes) as u32) << 2, words, 3);
}

/** The first marked position of the block at `start` that cuts, plus one; 0 when none does. */
function firstCut(start: u32, threshold: u32): u32 {
  for (let stretch: u32 = 0; stretch < 4; stretch++) {
    const own = (0x1111_1111_1111_1111 as u64) << stretch;
    let position = start + stretch * stretchBytes;
    for (let at: u32 = marksAt; at < 65_536; at += 8) {
      let bits = load<u64>(at) & own;
      while (bits != 0) {
        const candidate = position + ((ctz(bits) as u32) >>> 2);
        if (cuts(candidate, threshold)) return candidate + 1;
        bits &= bits - 1;
      }
      position += 16;
    }
  }
  return 0;
}

/**
 * The first position in from…to-1 that cuts, plus one; 0 when none does. The 31 bytes before `from` must lie in the chunk.
 */
export function findCut(from: u32, to: u32, threshold: u32): u32 {
  while (from + blockBytes <= to) {
    markCandidates(from);
    const found = firstCut(from, threshold);
    if (found != 0) return found;
    from += blockBytes;
  }
  let hash: u32 = 0;
  let position: u32 = from - (windowBytes - 1);
  while (position < from) {
    hash = gear(hash, position);
    position++;
  }
  while (position < to) {
    hash = gear(hash, position);
    if (hash < gearMaskLimit && cuts(position, threshold)) return position + 1;
    position++;
  }
  return 0;
}
