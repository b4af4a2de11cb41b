import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, Prng } from '@twinvault/std';
import fc from 'fast-check';
import { Cutter } from '../cutting/cutter.ts';
import { PageFinder } from './page-finder.ts';
import { leadBytesAt, newPageKey, PageHasher, pageBytes, pagesOf, searchBytesMax, wordsPerPage } from './page-hasher.ts';

const mask = 0xffff_ffff_ffff_ffffn;

function rotated(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & mask;
}

/** SipHash-2-4 with 128 bits of output, as its authors' reference implementation has it, in plain big integers. */
function sipHash128(key: Uint8Array, message: Uint8Array): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const [k0, k1] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  let [v0, v1, v2, v3] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn, k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  v1 ^= 0xeen;
  const rounds = (count: number): void => {
    for (let round = 0; round < count; round += 1) {
      v0 = (v0 + v1) & mask;
      v1 = rotated(v1, 13n) ^ v0;
      v0 = rotated(v0, 32n);
      v2 = (v2 + v3) & mask;
      v3 = rotated(v3, 16n) ^ v2;
      v0 = (v0 + v3) & mask;
      v3 = rotated(v3, 21n) ^ v0;
      v2 = (v2 + v1) & mask;
      v1 = rotated(v1, 17n) ^ v2;
      v2 = rotated(v2, 32n);
    }
  };
  const padded = new Uint8Array(8 * (Math.floor(message.length / 8) + 1));
  padded.set(message);
  padded[padded.length - 1] = message.length & 0xff;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = words.getBigUint64(at, true);
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  const hash = new DataView(new ArrayBuffer(16));
  v2 ^= 0xeen;
  rounds(4);
  hash.setBigUint64(0, v0 ^ v1 ^ v2 ^ v3, true);
  v1 ^= 0xddn;
  rounds(4);
  hash.setBigUint64(8, v0 ^ v1 ^ v2 ^ v3, true);
  return new Uint8Array(hash.buffer);
}

function weakHash(multiplier: number, bytes: Uint8Array): number {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, multiplier) + byte) | 0;
  return hash >>> 0;
}

function keyOf(multiplier: number, sipKey: Uint8Array): Uint8Array {
  const key = new Uint8Array(20);
  new DataView(key.buffer).setUint32(0, multiplier, true);
  key.set(sipKey, 4);
  return key;
}

function strongOf(words: Uint32Array, page: number): Buffer {
  return Buffer.from(new Uint8Array(words.slice(page * wordsPerPage, page * wordsPerPage + 4).buffer));
}

test('SipHash-128 agrees with its authors vectors', () => {
  const sipKey = Uint8Array.from({ length: 16 }, (_, index) => index);
  assert.equal(Buffer.from(sipHash128(sipKey, new Uint8Array(0))).toString('hex'), 'a3817f04ba25a8e66df67214c7550293');
  const one = fromHex('da87c1d86b99af44347659119b22fc45');
  assert.ok(one);
  assert.deepEqual(Buffer.from(sipHash128(sipKey, Uint8Array.of(0))), Buffer.from(one));
  const hasher = PageHasher.withBuffer(pageBytes, keyOf(1, sipKey));
  hasher.buffer[0] = 0;
  assert.deepEqual(strongOf(hasher.sign(0, 1), 0), Buffer.from(one));
});

test('pages are hashed as the plain reference hashes them, whatever their length', () => {
  const prng = new Prng('pages');
  const key = newPageKey({ bytes: (count) => prng.bytes(count) });
  const multiplier = new DataView(key.buffer, key.byteOffset).getUint32(0, true);
  assert.equal(multiplier % 2, 1);
  const cutter = new Cutter(prng.bytes(16));
  const hasher = PageHasher.over(cutter, key);
  const four = 4 * pageBytes;
  for (const length of [1, 7, 8, 15, 16, 17, 4095, 4096, 4097, 9000, four - 1, four, four + 1, 5 * pageBytes, 2 * four, 40_000]) {
    const at = prng.below(5000);
    const bytes = prng.bytes(length);
    cutter.buffer.set(bytes, at);
    const words = hasher.sign(at, length);
    assert.equal(words.length, pagesOf(length) * wordsPerPage);
    for (let page = 0; page < pagesOf(length); page += 1) {
      const part = bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
      assert.deepEqual(strongOf(words, page), Buffer.from(sipHash128(key.subarray(4), part)));
      assert.equal(words[page * wordsPerPage + 4], weakHash(multiplier, part));
      assert.ok(hasher.matches(at + page * pageBytes, part.length, words, page));
    }
    cutter.buffer[at] = (cutter.buffer[at] ?? 0) ^ 1;
    assert.ok(!hasher.matches(at, Math.min(length, pageBytes), words, 0));
  }
});

test('four pages that are hashed side by side are hashed as each of them alone, wherever they lie', () => {
  const property = fc.property(
    fc.string(),
    fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 0, max: pageBytes - 1 })),
    fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: pageBytes })),
    (seed, [pages, less], [at, lead]) => {
      const prng = new Prng(seed);
      const hasher = PageHasher.withBuffer(70_000, newPageKey({ bytes: (count) => prng.bytes(count) }));
      hasher.buffer.set(prng.bytes(70_000));
      const length = pages * pageBytes - less;
      const words = hasher.sign(at, length, lead);
      const alone: number[] = [];
      for (let start = 0; start < length;) {
        const bytes = Math.min(start === 0 ? lead : pageBytes, length - start);
        alone.push(...hasher.sign(at + start, bytes));
        start += bytes;
      }
      assert.deepEqual(words, Uint32Array.from(alone));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test('a run of pages is compared up to the first that differs', () => {
  const prng = new Prng('runs');
  const hasher = PageHasher.withBuffer(40 * pageBytes, newPageKey({ bytes: (count) => prng.bytes(count) }));
  hasher.buffer.set(prng.bytes(40 * pageBytes));
  const words = hasher.sign(5, 39 * pageBytes);
  const property = fc.property(
    fc.nat(20),
    fc.nat(19),
    fc.array(fc.nat(39 * pageBytes - 1), { maxLength: 2 }),
    (first, pages, flips) => {
      const before = hasher.buffer.slice();
      for (const at of flips) hasher.buffer[5 + at] = (hasher.buffer[5 + at] ?? 0) ^ 1;
      const changed = new Set(flips.map((at) => Math.floor(at / pageBytes)));
      // A byte flipped twice is as it was.
      if (new Set(flips).size < flips.length) changed.clear();
      let expected = 0;
      while (expected < pages && !changed.has(first + expected)) expected += 1;
      assert.equal(hasher.same(5 + first * pageBytes, pages, words, first), expected);
      hasher.buffer.set(before);
    },
  );
  fc.assert(property, { numRuns: 400 });
});

test('a short first page puts the others where the file has them', () => {
  const prng = new Prng('lead');
  const hasher = PageHasher.withBuffer(100_000, newPageKey({ bytes: (count) => prng.bytes(count) }));
  hasher.buffer.set(prng.bytes(100_000));
  assert.equal(leadBytesAt(4096), 4096);
  assert.equal(leadBytesAt(5000), 8192 - 5000);
  const words = hasher.sign(17, 50_000, 1000);
  assert.equal(words.length, pagesOf(50_000, 1000) * wordsPerPage);
  assert.ok(hasher.matches(17, 1000, words, 0));
  assert.ok(hasher.matches(1017, 4096, words, 1));
  assert.ok(hasher.matches(17 + 1000 + 11 * 4096, 49_000 % 4096, words, 12));
  assert.equal(pagesOf(1000, 1000), 1);
  assert.equal(pagesOf(1001, 1000), 2);
  assert.deepEqual(hasher.sign(0, 700, 1000), hasher.sign(0, 700));
});

test('a long piece is signed in parts', () => {
  const prng = new Prng('long');
  const key = newPageKey({ bytes: (count) => prng.bytes(count) });
  const hasher = PageHasher.withBuffer(16 * 1024 * 1024, key);
  const bytes = prng.bytes(13_000_000);
  hasher.buffer.set(bytes);
  const words = hasher.sign(0, bytes.length);
  for (const page of [0, 2999, 3000, pagesOf(bytes.length) - 1]) {
    const part = bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
    assert.deepEqual(strongOf(words, page), Buffer.from(sipHash128(key.subarray(4), part)));
  }
});

test('pages are found at any offset, and only where they are', () => {
  const prng = new Prng('finder');
  const key = newPageKey({ bytes: (count) => prng.bytes(count) });
  const hasher = PageHasher.withBuffer(64 * pageBytes, key);
  const known = prng.bytes(64 * pageBytes);
  // Equal pages stand in the table once.
  known.copyWithin(40 * pageBytes, 3 * pageBytes, 4 * pageBytes);
  hasher.buffer.set(known);
  const words = hasher.sign(0, known.length);
  const finder = new PageFinder(key);
  const numbered = (from: number, count: number): Uint32Array => Uint32Array.from({ length: count }, (_, index) => from + index);
  // Two parts, the second one of which lies behind a gap in the file.
  finder.use([
    { firstPage: 0, words: words.subarray(0, 30 * wordsPerPage), wholePages: () => numbered(0, 30) },
    { firstPage: 1030, words: words.subarray(30 * wordsPerPage), wholePages: () => numbered(1030, 34) },
  ]);
  for (let round = 0; round < 200; round += 1) {
    const page = prng.below(64);
    const offset = prng.below(searchBytesMax);
    const bytes = prng.bytes(searchBytesMax + pageBytes);
    bytes.set(known.subarray(page * pageBytes, (page + 1) * pageBytes), offset);
    const from = Math.max(0, offset - prng.below(9000));
    const found = finder.find(bytes, from, searchBytesMax);
    assert.deepEqual(found, { offset, page: page === 40 ? 3 : page < 30 ? page : 1000 + page });
    assert.equal(finder.find(bytes, 0, offset), null);
    assert.equal(finder.find(bytes, Math.min(offset + 1, searchBytesMax), searchBytesMax), null);
    assert.equal(finder.find(bytes.subarray(0, offset + pageBytes - 1), from, searchBytesMax), null);
  }
  finder.use([]);
  assert.equal(finder.find(known, 0, 10_000), null);
});
