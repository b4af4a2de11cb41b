import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Prng } from '@twinvault/std';
import { BundledFiles } from './bundled-files.ts';
import type { BundledFile } from './bundled-files.ts';

const bytes = (lengthBytes: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: lengthBytes, maxLength: lengthBytes });
const file = fc.record({
  id: bytes(32),
  bundleBytes: fc.integer({ min: 1, max: 2 ** 22 }),
  offsetBytes: fc.integer({ min: 0, max: 2 ** 21 }),
});

test('what one thread adds another finds, under its tag alone', () => {
  fc.assert(
    fc.property(bytes(32), file, fc.integer({ min: 0, max: 8 * 16 + 14 }), (tag, added, bit) => {
      const here = new BundledFiles();
      const there = new BundledFiles(here.shared);
      assert.equal(there.find(tag), null);
      here.add(tag, added);
      assert.deepEqual(there.find(tag), { ...added });
      const other = tag.slice();
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(there.find(other), null);
    }),
    { numRuns: 50 },
  );
});

test('a newer file takes the slot of an older one, and nothing is found that was not added', () => {
  const table = new BundledFiles();
  const prng = new Prng('slots');
  const added = Array.from({ length: 50_000 }, (_, index): { tag: Uint8Array; file: BundledFile } => ({
    tag: prng.bytes(32),
    file: { id: prng.bytes(32), bundleBytes: 1_000_000 + index, offsetBytes: index },
  }));
  for (const { tag, file: content } of added) table.add(tag, content);
  let found = 0;
  for (const { tag, file: content } of added) {
    const answer = table.find(tag);
    if (answer === null) continue;
    assert.deepEqual(answer, content);
    found += 1;
  }
  assert.deepEqual(table.find(added.at(-1)?.tag ?? new Uint8Array(32)), added.at(-1)?.file);
  // 32,768 slots, of which e^-1.53 stay empty.
  assert.ok(found > 25_000 && found < 26_300, `${found} found`);
});

test('a slot that is being written is neither read nor written by others', () => {
  const table = new BundledFiles();
  const prng = new Prng('half');
  const tag = prng.bytes(32);
  const content = { id: prng.bytes(32), bundleBytes: 5, offsetBytes: 1 };
  table.add(tag, content);
  const words = new Int32Array(table.shared);
  const at = words.findIndex((word) => word !== 0);
  Atomics.add(words, at, 1);
  assert.equal(table.find(tag), null);
  table.add(tag, { ...content, offsetBytes: 2 });
  Atomics.sub(words, at, 1);
  assert.deepEqual(table.find(tag), content);
});
