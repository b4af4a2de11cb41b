import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from './prng.ts';

test('the sequence of a seed never changes', () => {
  const first = new Prng('twinvault');
  const drawn = Array.from({ length: 4 }, () => first.u32());
  assert.deepEqual(drawn, [2916580376, 1027142643, 1780056415, 3068678923]);
  assert.deepEqual(new Prng(7).u32(), new Prng('7').u32());
  assert.notEqual(new Prng(7).u32(), new Prng(8).u32());
});

test('a fork depends on seed and label alone', () => {
  const one = new Prng('seed');
  const two = new Prng('seed');
  one.u32();
  assert.equal(one.fork('disk').u32(), two.fork('disk').u32());
  assert.notEqual(one.fork('disk').u32(), one.fork('net').u32());
});

test('numbers stay in range and fill it', () => {
  const prng = new Prng('ranges');
  const counts = new Map<number, number>();
  for (let round = 0; round < 10_000; round += 1) {
    const value = prng.below(10);
    counts.set(value, (counts.get(value) ?? 0) + 1);
    const between = prng.between(-3, 3);
    assert.ok(between >= -3 && between <= 3);
    assert.ok(prng.below(2 ** 50) < 2 ** 50);
    const big = prng.bigint(-(2n ** 70n), 2n ** 70n);
    assert.ok(big >= -(2n ** 70n) && big < 2n ** 70n);
    const fraction = prng.fraction();
    assert.ok(fraction >= 0 && fraction < 1);
  }
  assert.equal(counts.size, 10);
  for (const count of counts.values()) assert.ok(count > 800 && count < 1200);
});

test('bytes, picks and shuffles', () => {
  const prng = new Prng('lists');
  for (let count = 0; count < 40; count += 1) assert.equal(prng.bytes(count).length, count);
  const list = Array.from({ length: 50 }, (_, index) => index);
  const shuffled = prng.shuffle(list);
  assert.notDeepEqual(shuffled, list);
  assert.deepEqual(
    shuffled.toSorted((a, b) => a - b),
    list,
  );
  assert.ok(list.includes(prng.pick(list)));
  assert.equal(prng.chance(0), false);
  assert.equal(prng.chance(1), true);
});
