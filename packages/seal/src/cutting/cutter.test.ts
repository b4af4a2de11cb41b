import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import fc from 'fast-check';
import { referenceCut, referenceCuts } from '../../tests/reference-cutter.ts';
import type { ReferenceLimits } from '../../tests/reference-cutter.ts';
import { Cutter } from './cutter.ts';
import { chunkBytesMax, chunkBytesMin, cutThreshold } from './cutting-limits.ts';
import { gearTable } from './gear-table.ts';

const key = new Prng('cutter key').bytes(16);

/** Cuts `data`, fed in pieces of these lengths (the last one repeats), moving the rest to the front when the buffer is full. */
function cutInPieces(cutter: Cutter, data: Uint8Array, pieces: readonly number[]): number[] {
  const cuts: number[] = [];
  let start = 0;
  let end = 0;
  let read = 0;
  let piece = 0;
  const base = (): number => read - end;
  for (;;) {
    if (end > start) {
      const cut = cutter.findCut(start, end, read === data.length);
      if (cut !== -1) {
        cuts.push(base() + cut);
        start = cut;
        continue;
      }
    }
    if (read === data.length) return cuts;
    const wanted = Math.max(1, pieces[Math.min(piece, pieces.length - 1)] ?? 1);
    piece += 1;
    if (end + wanted > cutter.buffer.length) {
      cutter.buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    const length = Math.min(wanted, data.length - read, cutter.buffer.length - end);
    cutter.buffer.set(data.subarray(read, read + length), end);
    end += length;
    read += length;
  }
}

/** Random bytes with runs of one byte and repeated stretches, as files have. */
function fileLike(seed: string, lengthBytes: number): Uint8Array {
  const prng = new Prng(seed);
  const data = new Uint8Array(lengthBytes);
  let length = 0;
  while (length < lengthBytes) {
    const stretch = Math.min(prng.between(1, 4000), lengthBytes - length);
    const kind = prng.below(4);
    if (kind === 0) data.fill(prng.below(256), length, length + stretch);
    else if (kind === 1 && length > stretch) data.copyWithin(length, length - stretch, length);
    else data.set(prng.bytes(stretch), length);
    length += stretch;
  }
  return data;
}

test('cutter and reference agree for random data, pieces and limits', () => {
  const property = fc.property(
    fc.string(),
    fc.integer({ min: 0, max: 20_000 }),
    fc.tuple(fc.integer({ min: 32, max: 700 }), fc.integer({ min: 0, max: 2000 })),
    fc.constantFrom(0, 1, 2 ** 28, 2 ** 31, 2 ** 32 - 1),
    fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 }),
    (seed, lengthBytes, [min, more], threshold, pieces) => {
      const data = fileLike(seed, lengthBytes);
      const limits: ReferenceLimits = { chunkBytesMin: min, chunkBytesMax: min + more, threshold };
      const cutter = new Cutter(key, { ...limits, bufferBytes: 2 ** 16 });
      assert.deepEqual(cutInPieces(cutter, data, pieces), referenceCuts(key, data, limits));
    },
  );
  fc.assert(property, { numRuns: 300 });
});

/** What the module scans side by side. */
const stretchBytes = 4096;
/** At the limits a run of the tests below is one chunk. */
const limitsOfOne = { chunkBytesMin: 32, chunkBytesMax: 120_000 };

/** The cutter's first cut of `data` at this offset of the buffer, and the reference's. */
function firstCuts(data: Uint8Array, at: number, threshold: number): [number, number] {
  const cutter = new Cutter(key, { ...limitsOfOne, threshold, bufferBytes: 2 ** 18 });
  cutter.buffer.fill(0x5a).set(data, at);
  const limits = { ...limitsOfOne, threshold };
  return [cutter.findCut(at, at + data.length, true) - at, referenceCut({ key, data, limits, start: 0 })];
}

test('cutter and reference agree about runs of several blocks, from any offset on, however rare cuts are', () => {
  const property = fc.property(
    fc.string(),
    fc.tuple(fc.integer({ min: 0, max: 13 }), fc.integer({ min: -40, max: 40 })),
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 0, max: 32 }),
    (seed, [stretches, more], at, thresholdBits) => {
      const data = fileLike(seed, Math.max(1, stretches * stretchBytes + more));
      const [found, expected] = firstCuts(data, at, Math.min(2 ** thresholdBits, 2 ** 32 - 1));
      assert.equal(found, expected);
    },
  );
  fc.assert(property, { numRuns: 150 });
});

test('a candidate at the border of a stretch or a block is found, and the first of several wins', () => {
  const candidates = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: -70, max: 70 })), { minLength: 1 });
  const property = fc.property(fc.string(), candidates, fc.constantFrom(2 ** 31, 2 ** 32 - 1), (seed, places, threshold) => {
    const data = new Uint8Array(9 * stretchBytes + 200);
    const prng = new Prng(seed);
    for (const [stretch, near] of places) data.set(prng.bytes(prng.between(1, 70)), Math.max(0, stretch * stretchBytes + near));
    const [found, expected] = firstCuts(data, prng.below(40), threshold);
    assert.equal(found, expected);
  });
  fc.assert(property, { numRuns: 150 });
});

test('data in which every position is a candidate is cut as the reference cuts it', () => {
  // A run of one byte has the hash -G[byte]: the table's words times 2^32 - 1.
  const dense = gearTable().findIndex((word) => -word >>> 0 < 2 ** 24);
  assert.ok(dense >= 0, 'the public table has such a byte');
  for (const bytes of [31, 32, 33, 16_384 + 31, 50_000]) {
    for (const threshold of [0, 1, 2 ** 32 - 1]) {
      const [found, expected] = firstCuts(new Uint8Array(bytes).fill(dense), 7, threshold);
      assert.equal(found, expected);
    }
  }
  const mixed = fileLike('dense', 120_000).map((byte, index) => ((index >> 9) & 3 ? byte : dense));
  for (const threshold of [2 ** 18, 2 ** 20, 2 ** 22]) {
    const [found, expected] = firstCuts(mixed, 3, threshold);
    assert.equal(found, expected);
  }
});

test('the size of the pieces in which long data comes changes no cut', () => {
  const property = fc.property(
    fc.string(),
    fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 12 }),
    (seed, pieces) => {
      const limits = { chunkBytesMin: 1000, chunkBytesMax: 90_000, threshold: 2 ** 25 };
      const data = fileLike(seed, 200_000);
      assert.deepEqual(
        cutInPieces(new Cutter(key, { ...limits, bufferBytes: 2 ** 18 }), data, pieces),
        referenceCuts(key, data, limits),
      );
    },
  );
  fc.assert(property, { numRuns: 40 });
});

test('with the limits of the format: cutter and reference agree, and a mean chunk has about 1 MiB', () => {
  const limits = { chunkBytesMin, chunkBytesMax, threshold: cutThreshold };
  const data = new Prng('format limits').bytes(12 * 1024 * 1024);
  const cutter = new Cutter(key);
  const expected = referenceCuts(key, data, limits);
  assert.deepEqual(cutInPieces(cutter, data, [1_048_576]), expected);
  assert.deepEqual(cutInPieces(cutter, data, [4096, 100_001]), expected);
  let start = 0;
  for (const cut of expected.slice(0, -1)) {
    assert.ok(cut - start >= chunkBytesMin && cut - start <= chunkBytesMax);
    start = cut;
  }
  assert.ok(expected.length > 5 && expected.length < 24, `${expected.length} chunks`);
});

test('data without candidates is cut at the greatest length', () => {
  const data = new Uint8Array(10_000);
  const cutter = new Cutter(key, { chunkBytesMin: 100, chunkBytesMax: 3000, threshold: 0 });
  assert.deepEqual(cutInPieces(cutter, data, [777]), [3000, 6000, 9000, 10_000]);
});

test('an insertion moves the cuts behind it by its length and leaves the others', () => {
  const limits = { chunkBytesMin: 256, chunkBytesMax: 16_384, threshold: 2 ** 30 };
  const data = new Prng('insertion').bytes(400_000);
  const at = 100_000;
  const longer = new Uint8Array(data.length + 5);
  longer.set(data.subarray(0, at));
  longer.set([1, 2, 3, 4, 5], at);
  longer.set(data.subarray(at), at + 5);
  const cutter = new Cutter(key, limits);
  const before = cutInPieces(cutter, data, [5000]);
  const after = cutInPieces(cutter, longer, [5000]);
  assert.deepEqual(
    after.filter((cut) => cut < at),
    before.filter((cut) => cut < at),
  );
  const moved = new Set(after.map((cut) => cut - 5));
  const lost = before.filter((cut) => cut > at && !moved.has(cut));
  assert.ok(before.length > 40 && lost.length <= 5, `${lost.length} of ${before.length} cuts lost`);
});

test('another key cuts elsewhere', () => {
  const data = new Prng('two keys').bytes(300_000);
  const limits = { chunkBytesMin: 64, chunkBytesMax: 60_000, threshold: 2 ** 29 };
  const cuts = [key, new Prng('other').bytes(16)].map((one) => cutInPieces(new Cutter(one, limits), data, [65_536]));
  const shared = (cuts[0] ?? []).filter((cut) => cuts[1]?.includes(cut));
  assert.ok(shared.length < (cuts[0]?.length ?? 0) / 2);
});

test('start drops a run that was left before its end', () => {
  const limits = { chunkBytesMin: 64, chunkBytesMax: 60_000, threshold: 2 ** 31 };
  const data = new Prng('left').bytes(50_000);
  const cutter = new Cutter(key, limits);
  const expected = cutInPieces(cutter, data, [50_000]);
  cutter.buffer.fill(0, 0, 40_000);
  assert.equal(cutter.findCut(0, 40_000, false), -1);
  cutter.start();
  assert.deepEqual(cutInPieces(cutter, data, [50_000]), expected);
});

test('chunks out of the buffer are refused', () => {
  const cutter = new Cutter(key, { chunkBytesMin: 32, chunkBytesMax: 64 });
  assert.throws(() => cutter.findCut(0, cutter.buffer.length + 1, true), /out of range/);
  assert.throws(() => cutter.findCut(5, 5, true), /out of range/);
  assert.throws(() => new Cutter(key, { chunkBytesMin: 31 }), /out of range/);
});
