import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaintextPool, pooledBytesMax } from './plaintext-pool.ts';

test('memory is used again, and only after it was given back', () => {
  const pool = new PlaintextPool();
  const [first, second] = [pool.plaintext(100_000), pool.plaintext(100_000)];
  assert.equal(first.length, 100_000);
  assert.notEqual(first.buffer, second.buffer);
  pool.give(first);
  const third = pool.plaintext(131_072);
  assert.equal(third.buffer, first.buffer);
  assert.equal(third.length, 131_072);
  assert.notEqual(pool.plaintext(131_073).buffer, first.buffer);
  pool.give(null);
});

test('no more is kept than the limit', () => {
  const pool = new PlaintextPool();
  const lent = Array.from({ length: 9 }, () => pool.plaintext(pooledBytesMax / 8));
  for (const plaintext of lent) pool.give(plaintext);
  const again = Array.from({ length: 9 }, () => pool.plaintext(pooledBytesMax / 8).buffer);
  assert.equal(again.filter((buffer) => lent.some((one) => one.buffer === buffer)).length, 8);
});

test('the payload is the same memory each time, as long as it is large enough', () => {
  const pool = new PlaintextPool();
  const { buffer } = pool.payload(10);
  assert.equal(pool.payload(64 * 1024).buffer, buffer);
  assert.equal(pool.payload(64 * 1024 + 1).length, 64 * 1024 + 1);
});
