/*
 * Fuzzing of everything that reads packs and refs. Invariants: those of fuzz.ts; that a pack which verifies has exactly the
 * bytes that were named; and that PackTable gives for every row what parsePackTail gives.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes } from '@twinvault/std';
import {
  encodePackHeader,
  encodePackTail,
  packHeaderFixedBytes,
  packName,
  packTailBytes,
  PackTable,
  parsePackHeader,
  parsePackTail,
  parseRefs,
  RefsBuilder,
  verifyPack,
} from '../src/index.ts';
import type { PackTail, Refs } from '../src/index.ts';
import { compactedTail, freshTail, packHeader, positions } from './arbitraries.ts';
import { compact, fill, makePack, safe } from './fixtures.ts';
import { fuzz, fuzzSeed } from './fuzz.ts';

function drawn<T>(arbitrary: fc.Arbitrary<T>, seed: string): T[] {
  return fc.sample(arbitrary, { numRuns: 30, seed: Number(seed) });
}

test('damaged and random headers of packs', () => {
  const seed = fuzzSeed();
  fuzz(
    {
      name: 'pack header',
      // What follows the header is not the parser's matter.
      parse: (bytes) => ({ header: parsePackHeader(bytes), bytes }),
      encode: ({ header, bytes }) =>
        concatBytes(encodePackHeader(header), bytes.subarray(packHeaderFixedBytes + header.kem.length)),
      samples: drawn(packHeader, seed).map(encodePackHeader),
    },
    seed,
  );
});

function encodeAgain(tail: PackTail): Uint8Array {
  const suite = (tail.rows[0]?.slip.length ?? 0) === 48 ? 1 : 2;
  const [first] = tail.sections;
  // The pack's own header is not in its tail: any of the right length and suite will do.
  const isState = tail.headerBytes === packHeaderFixedBytes;
  const header = first?.header ?? {
    suite,
    kind: isState ? 3 : 1,
    safe,
    epoch: isState ? 0 : 1,
    certificate: fill('c', 16) as never,
    nonce: fill('n', 32),
    kem: new Uint8Array(isState ? 0 : 1120),
  };
  assert.equal(tail.tailBytes, packTailBytes(encodePackTail({ ...tail, header: encodePackHeader(header) }).tail.slice(-40)));
  return encodePackTail({ ...tail, header: encodePackHeader(header) }).tail;
}

test('damaged and random tails of packs', () => {
  const seed = fuzzSeed();
  const samples = [...drawn(freshTail, seed), ...drawn(compactedTail, seed)].map((draw) => encodePackTail(draw).tail);
  fuzz(
    {
      name: 'pack tail',
      parse: (bytes) => {
        const tail = parsePackTail(bytes);
        const table = new PackTable(bytes);
        tail.rows.forEach((row, index) => assert.deepEqual(table.row(index), row));
        return tail;
      },
      encode: encodeAgain,
      samples,
    },
    seed,
  );
});

test('damaged and random packs', () => {
  const seed = fuzzSeed();
  const blobs = [fill('one', 200), new Uint8Array(0), fill('two', 90)];
  const packs = [makePack('a', blobs, 1), makePack('b', blobs, 2)];
  packs.push(compact(packs));
  for (const pack of packs) {
    fuzz(
      { name: 'pack', parse: (bytes) => verifyPack(pack.name, bytes, { safe }), encode: () => pack.bytes, samples: [pack.bytes] },
      seed,
    );
  }
});

function refsAgain(refs: Refs): Uint8Array {
  const builder = new RefsBuilder();
  for (const { pack, position } of refs) builder.add(pack, position);
  return builder.finish();
}

test('damaged and random refs', () => {
  const seed = fuzzSeed();
  const samples = drawn(positions, seed).map((list) => {
    const builder = new RefsBuilder();
    for (const [pack, position] of list) builder.add(packName(pack), position);
    return builder.finish();
  });
  fuzz({ name: 'refs', parse: parseRefs, encode: refsAgain, samples }, seed);
});
