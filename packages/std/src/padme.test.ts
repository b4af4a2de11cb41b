import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { padmeLength } from './padme.ts';

/** Algorithm 1 of the paper, to the letter, in whole numbers of any size. */
function reference(length: bigint): bigint {
  const log2 = (value: bigint): bigint => BigInt(value.toString(2).length - 1);
  const e = log2(length);
  const s = log2(e) + 1n;
  const z = e - s;
  const mask = (1n << z) - 1n;
  return (length + mask) & ~mask;
}

test('equals the algorithm of the paper', () => {
  const lengths = fc.oneof(
    fc.integer({ min: 8, max: 2 ** 52 }),
    fc.integer({ min: 8, max: 100_000 }),
    fc.tuple(fc.integer({ min: 4, max: 51 }), fc.integer({ min: -2, max: 2 })).map(([bits, off]) => 2 ** bits + off),
  );
  fc.assert(
    fc.property(lengths, (length) => {
      const padded = padmeLength(length);
      assert.equal(BigInt(padded), reference(BigInt(length)));
      assert.equal(padmeLength(padded), padded);
      assert.ok(padded <= length * 1.12);
    }),
    { numRuns: 1000 },
  );
});

test('small lengths', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 7, 8, 9, 10, 100, 1000].map((length) => padmeLength(length)),
    [0, 1, 2, 3, 7, 8, 10, 10, 104, 1024],
  );
});
