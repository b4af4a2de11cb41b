/*
 * Fuzzing of the CBOR reader. Invariants: those of fuzz.ts, and that no input nests deeper than its limit or takes a key of a
 * map twice.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromHex } from '@twinvault/std';
import { decodeCbor, encodeCbor } from '../src/index.ts';
import type { CborValue } from '../src/index.ts';
import { cborValue } from './arbitraries.ts';
import { formatError, present } from './fixtures.ts';
import { fuzz, fuzzSeed } from './fuzz.ts';

const limits = { bytesMax: 65_536 };

test('damaged and random CBOR', () => {
  const seed = fuzzSeed();
  const samples = fc.sample(cborValue, { numRuns: 60, seed: Number(seed) }).map((value) => encodeCbor(value));
  fuzz(
    {
      name: 'cbor',
      parse: (bytes) => decodeCbor(bytes, limits),
      encode: (value) => encodeCbor(value as CborValue),
      samples,
    },
    seed,
  );
});

test('deep and large claims are refused at once', () => {
  const tooDeep = formatError('cbor-invalid', 'too deep');
  assert.throws(() => decodeCbor(new Uint8Array(60_000).fill(0x81), limits), tooDeep);
  assert.throws(() => decodeCbor(new Uint8Array(60_000).fill(0xa1), limits), formatError('cbor-invalid'));
  assert.deepEqual(decodeCbor(present(fromHex('8181818181818180')), limits), [[[[[[[[]]]]]]]]);
  assert.throws(() => decodeCbor(present(fromHex('818181818181818180')), limits), tooDeep);
  for (const hex of ['9affffffff00', '9b001fffffffffffff00', 'baffffffff0000', 'bb0fffffffffffffff0000']) {
    assert.throws(() => decodeCbor(present(fromHex(hex)), limits), formatError('cbor-invalid'));
  }
  assert.throws(() => decodeCbor(new Uint8Array(65_537), limits), formatError('object-too-large'));
});
