import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { packName } from '@twinvault/format';
import { PackNames } from './pack-names.ts';

test('names and numbers find each other, also where names begin alike', () => {
  const prng = new Prng('names');
  const names = new PackNames();
  let made = 0;
  const list = Array.from({ length: 5000 }, (_, index) => {
    const bytes = prng.bytes(32);
    if (index % 10 !== 0) bytes.fill(index % 7, 0, 8);
    return packName(bytes);
  });
  const given = list.map((name) => names.numberOf(name, () => made++));
  assert.deepEqual(given, [...list.keys()]);
  names.set(7000, list[3] ?? assert.fail());
  for (const [index, name] of list.entries()) {
    assert.deepEqual(names.nameOf(index), name);
    assert.equal(
      names.numberOf(name, () => assert.fail()),
      index,
    );
  }
  assert.deepEqual(names.nameOf(7000), list[3]);
  assert.throws(() => names.nameOf(6000));
});
