/*
 * The hot loops of in-file delta, in AssemblyScript: SipHash-128 (2-4) and the polynomial hash of pages, and the search for
 * pages at any offset. Compiled by tests/build-pages.ts into src/pages/pages-wasm.ts; tests hold it to a plain reference.
 *
 * The host brings the memory. Nothing is written but what the host names: `out` of `strong`, `sign` and `same`, and the
 * bitmap.
 */

const pageBytes: u32 = 4096;
/** Of a page: 16 strong, 4 weak. */
const hashesBytes: u32 = 20;

let k0: u64 = 0;
let k1: u64 = 0;
let multiplier: u32 = 1;
/** multiplier^16, and multiplier^4096. */
let power16: u32 = 1;
let powerPage: u32 = 1;
let bitmapAt: u32 = 0;
let bitmapShift: u32 = 0;
let tableAt: u32 = 0;
let tableShift: u32 = 0;
let tableMask: u32 = 0;

/** The 16 bytes of the key as four little-endian words, and an odd multiplier. */
export function setKeys(a: u32, b: u32, c: u32, d: u32, odd: u32): void {
  k0 = (a as u64) | ((b as u64) << 32);
  k1 = (c as u64) | ((d as u64) << 32);
  multiplier = odd;
  let power = odd;
  for (let index = 0; index < 12; index++) {
    power *= power;
    if (index == 3) power16 = power;
  }
  powerPage = power;
}

/** SipHash-2-4 with 128 bits of output (reference implementation by Aumasson and Bernstein), 16 bytes to `out`. */
export function strong(at: u32, length: u32, out: u32): void {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d ^ 0xee;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  const rest: u32 = length & 7;
  const wholeEnd: u32 = at + length - rest;
  let last: u64 = (length as u64) << 56;
  for (let index: u32 = 0; index < rest; index++) {
    last |= (load<u8>(wholeEnd + index) as u64) << ((index << 3) as u64);
  }
  let position: u32 = at;
  while (true) {
    const more = position < wholeEnd;
    const word: u64 = more ? load<u64>(position) : last;
    position += 8;
    v3 ^= word;
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
    v0 ^= word;
    if (!more) break;
  }
  v2 ^= 0xee;
  for (let half: u32 = 0; half < 2; half++) {
    for (let round = 0; round < 4; round++) {
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
    }
    store<u64>(out + (half << 3), v0 ^ v1 ^ v2 ^ v3);
    v1 ^= 0xdd;
  }
}

function rotated(lanes: v128, bits: i32): v128 {
  return v128.or(i64x2.shl(lanes, bits), i64x2.shr_u(lanes, 64 - bits));
}

function rotated32(lanes: v128): v128 {
  return v128.shuffle<u32>(lanes, lanes, 1, 0, 3, 2);
}

function rotated16(lanes: v128): v128 {
  return v128.shuffle<u16>(lanes, lanes, 3, 0, 1, 2, 7, 4, 5, 6);
}

/**
 * `strong` of the four whole pages at `at`, each to its place in what `sign` puts out. A hash waits for its own last step, so four go
 * side by side: those of the first two pages in the lanes of vectors (v), the others in plain words (w, x), because a
 * processor works on both kinds at once.
 */
function strongFour(at: u32, out: u32): void {
  let v0 = i64x2.splat(k0 ^ 0x736f6d6570736575);
  let v1 = i64x2.splat(k1 ^ 0x646f72616e646f6d ^ 0xee);
  let v2 = i64x2.splat(k0 ^ 0x6c7967656e657261);
  let v3 = i64x2.splat(k1 ^ 0x7465646279746573);
  let w0 = k0 ^ 0x736f6d6570736575;
  let w1 = k1 ^ 0x646f72616e646f6d ^ 0xee;
  let w2 = k0 ^ 0x6c7967656e657261;
  let w3 = k1 ^ 0x7465646279746573;
  let x0 = w0;
  let x1 = w1;
  let x2 = w2;
  let x3 = w3;
  const end: u32 = at + pageBytes;
  while (true) {
    const more = at < end;
    let third: u64 = (pageBytes as u64) << 56;
    let fourth: u64 = third;
    let pair = i64x2.splat(third);
    if (more) {
      pair = v128.load_lane<u64>(at, v128.load_zero<u64>(at), 1, pageBytes);
      third = load<u64>(at, 2 * pageBytes);
      fourth = load<u64>(at, 3 * pageBytes);
      at += 8;
    }
    v3 = v128.xor(v3, pair);
    w3 ^= third;
    x3 ^= fourth;
    for (let round = 0; round < 2; round++) {
      v0 = i64x2.add(v0, v1);
      v1 = v128.xor(rotated(v1, 13), v0);
      v0 = rotated32(v0);
      v2 = i64x2.add(v2, v3);
      v3 = v128.xor(rotated16(v3), v2);
      v0 = i64x2.add(v0, v3);
      v3 = v128.xor(rotated(v3, 21), v0);
      v2 = i64x2.add(v2, v1);
      v1 = v128.xor(rotated(v1, 17), v2);
      v2 = rotated32(v2);
      w0 += w1;
      w1 = rotl<u64>(w1, 13) ^ w0;
      w0 = rotl<u64>(w0, 32);
      w2 += w3;
      w3 = rotl<u64>(w3, 16) ^ w2;
      w0 += w3;
      w3 = rotl<u64>(w3, 21) ^ w0;
      w2 += w1;
      w1 = rotl<u64>(w1, 17) ^ w2;
      w2 = rotl<u64>(w2, 32);
      x0 += x1;
      x1 = rotl<u64>(x1, 13) ^ x0;
      x0 = rotl<u64>(x0, 32);
      x2 += x3;
      x3 = rotl<u64>(x3, 16) ^ x2;
      x0 += x3;
      x3 = rotl<u64>(x3, 21) ^ x0;
      x2 += x1;
      x1 = rotl<u64>(x1, 17) ^ x2;
      x2 = rotl<u64>(x2, 32);
    }
    v0 = v128.xor(v0, pair);
    w0 ^= third;
    x0 ^= fourth;
    if (!more) break;
  }
  v2 = v128.xor(v2, i64x2.splat(0xee));
  w2 ^= 0xee;
  x2 ^= 0xee;
  for (let half = 0; half < 2; half++) {
    for (let round = 0; round < 4; round++) {
      v0 = i64x2.add(v0, v1);
      v1 = v128.xor(rotated(v1, 13), v0);
      v0 = rotated32(v0);
      v2 = i64x2.add(v2, v3);
      v3 = v128.xor(rotated16(v3), v2);
      v0 = i64x2.add(v0, v3);
      v3 = v128.xor(rotated(v3, 21), v0);
      v2 = i64x2.add(v2, v1);
      v1 = v128.xor(rotated(v1, 17), v2);
      v2 = rotated32(v2);
      w0 += w1;
      w1 = rotl<u64>(w1, 13) ^ w0;
      w0 = rotl<u64>(w0, 32);
      w2 += w3;
      w3 = rotl<u64>(w3, 16) ^ w2;
      w0 += w3;
      w3 = rotl<u64>(w3, 21) ^ w0;
      w2 += w1;
      w1 = rotl<u64>(w1, 17) ^ w2;
      w2 = rotl<u64>(w2, 32);
      x0 += x1;
      x1 = rotl<u64>(x1, 13) ^ x0;
      x0 = rotl<u64>(x0, 32);
      x2 += x3;
      x3 = rotl<u64>(x3, 16) ^ x2;
      x0 += x3;
      x3 = rotl<u64>(x3, 21) ^ x0;
      x2 += x1;
      x1 = rotl<u64>(x1, 17) ^ x2;
      x2 = rotl<u64>(x2, 32);
    }
    const pair = v128.xor(v128.xor(v0, v1), v128.xor(v2, v3));
    v128.store_lane<u64>(out, pair, 0);
    v128.store_lane<u64>(out, pair, 1, hashesBytes);
    store<u64>(out, w0 ^ w1 ^ w2 ^ w3, 2 * hashesBytes);
    store<u64>(out, x0 ^ x1 ^ x2 ^ x3, 3 * hashesBytes);
    v1 = v128.xor(v1, i64x2.splat(0xdd));
    w1 ^= 0xdd;
    x1 ^= 0xdd;
    out += 8;
  }
}

/** Sum of byte i times multiplier^(length - 1 - i), modulo 2^32. Sixteen bytes a turn, one lane for each. */
export function weak(at: u32, length: u32): u32 {
  const wholeEnd: u32 = at + (length & ~15);
  const step = i32x4.splat(power16);
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  let position: u32 = at;
  while (position < wholeEnd) {
    const bytes = v128.load(position);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    a = i32x4.add(i32x4.mul(a, step), i32x4.extend_low_i16x8_u(low));
    b = i32x4.add(i32x4.mul(b, step), i32x4.extend_high_i16x8_u(low));
    c = i32x4.add(i32x4.mul(c, step), i32x4.extend_low_i16x8_u(high));
    d = i32x4.add(i32x4.mul(d, step), i32x4.extend_high_i16x8_u(high));
    position += 16;
  }
  let hash: u32 = fold(fold(fold(fold(0, a), b), c), d);
  const end: u32 = at + length;
  while (position < end) {
    hash = hash * multiplier + load<u8>(position);
    position++;
  }
  return hash;
}

function fold(hash: u32, lanes: v128): u32 {
  hash = hash * multiplier + i32x4.extract_lane(lanes, 0);
  hash = hash * multiplier + i32x4.extract_lane(lanes, 1);
  hash = hash * multiplier + i32x4.extract_lane(lanes, 2);
  return hash * multiplier + i32x4.extract_lane(lanes, 3);
}

/** Signature of every page of `length` bytes, the last one shorter: 16 bytes strong, 4 bytes weak each, to `out`. */
export function sign(at: u32, length: u32, out: u32): void {
  const end = at + length;
  // Pages before it have their strong hash.
  let ahead = at;
  while (at < end) {
    const bytes = min<u32>(pageBytes, end - at);
    if (at == ahead) {
      const four = end - at >= 4 * pageBytes;
      if (four) strongFour(at, out);
      else strong(at, bytes, out);
      ahead += four ? 4 * pageBytes : bytes;
    }
    store<u32>(out + 16, weak(at, bytes));
    at += bytes;
    out += hashesBytes;
  }
}

function equalStrong(a: u32, b: u32): bool {
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8);
}

/** How many of the whole pages from `at` on, up to the first that differs, have the strong hashes that stand at `expected`, as `sign` puts them out. `out`: room for four. */
export function same(at: u32, pages: u32, expected: u32, out: u32): u32 {
  let count: u32 = 0;
  while (count < pages) {
    const four = pages - count >= 4;
    if (four) strongFour(at, out);
    else strong(at, pageBytes, out);
    const end = count + (four ? 4 : 1);
    for (let hash = out; count < end; hash += hashesBytes) {
      if (!equalStrong(hash, expected)) return count;
      expected += hashesBytes;
      count++;
    }
    at += four ? 4 * pageBytes : pageBytes;
  }
  return count;
}

/**
 * Where the host put the bitmap (u64 words, of which a known hash sets two bits) and the table (u32 hash, u32 not 0 a slot);
 * words and slots are powers of two.
 */
export function setTable(bitmap: u32, bitmapWordBits: u32, table: u32, tableBits: u32): void {
  bitmapAt = bitmap;
  bitmapShift = 32 - bitmapWordBits;
  tableAt = table;
  tableShift = 32 - tableBits;
  tableMask = (1 << tableBits) - 1;
}

function mixed(hash: u32): u32 {
  return (hash ^ (hash >>> 15)) * 0x85ebca6b;
}

/** The two bits of a hash in its word. */
function bitsOf(mix: u32): u64 {
  return ((1 as u64) << ((mix & 63) as u64)) | ((1 as u64) << (((mix >>> 6) & 63) as u64));
}

/** For the host, which fills the bitmap. */
export function note(hash: u32): void {
  const mix = mixed(hash);
  const at = bitmapAt + ((mix >>> bitmapShift) << 3);
  store<u64>(at, load<u64>(at) | bitsOf(mix));
}

function maybe(hash: u32): bool {
  const mix = mixed(hash);
  const bits = bitsOf(mix);
  return (load<u64>(bitmapAt + ((mix >>> bitmapShift) << 3)) & bits) == bits;
}

function known(hash: u32): bool {
  let slot: u32 = (hash * 0x9e3779b1) >>> tableShift;
  while (true) {
    const at = tableAt + (slot << 3);
    if (load<u32>(at + 4) == 0) return false;
    if (load<u32>(at) == hash) return true;
    slot = (slot + 1) & tableMask;
  }
}

/** First start in from…to-1 of a whole page whose weak hash stands in the table, plus one; 0 for none. Bytes to to + 4095 are read. */
export function search(from: u32, to: u32): u32 {
  if (from >= to) return 0;
  let hash = weak(from, pageBytes);
  let position = from;
  while (true) {
    if (maybe(hash) && known(hash)) return position + 1;
    if (position + 1 >= to) break;
    hash = hash * multiplier + load<u8>(position + pageBytes) - load<u8>(position) * powerPage;
    position++;
  }
  return 0;
}
