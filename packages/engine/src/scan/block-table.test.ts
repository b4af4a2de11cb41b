import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BlockTable } from './block-table.ts';

const hash = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 0xffff_fffa, max: 0xffff_ffff }),
  fc.integer({ min: 1, max: 0xffff_ffff }),
);

test('a table gives the blocks of a hash in the order in which they came, and none of another', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hash, fc.nat(9)), { maxLength: 60 }), fc.array(hash, { maxLength: 5 }), (added, others) => {
      const table = new BlockTable(added.length);
      for (const [key, block] of added) table.add(key, block);
      for (const key of [...others, ...added.map(([each]) => each)]) {
        const expected = added.filter(([each]) => each === key).map(([, block]) => block);
        assert.deepEqual([...table.blocksOf(key)], expected);
        assert.equal(table.has(key), expected.length > 0);
      }
    }),
  );
});

test('a full table keeps no more, and can still be asked', () => {
  for (const entries of [0, 1, 10]) {
    const table = new BlockTable(entries);
    for (let key = 1; key <= 100; key += 1) table.add(key, key);
    assert.ok(table.isFull);
    const kept = Array.from({ length: 100 }, (_, index) => index + 1).filter((key) => table.has(key));
    assert.ok(kept.length >= entries && kept.length <= entries + 1, String(kept.length));
    assert.ok(!table.has(1000));
  }
});
