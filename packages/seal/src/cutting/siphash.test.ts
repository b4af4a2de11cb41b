import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, sipHash24 as reference } from '@twinvault/std';
import fc from 'fast-check';
import { SipHasher, sipHash24 } from './siphash.ts';

test('the example of the paper, appendix A', () => {
  const key = Uint8Array.from({ length: 16 }, (_, index) => index);
  const message = Uint8Array.from({ length: 15 }, (_, index) => index);
  assert.deepEqual(sipHash24(key, message), { high: 0xa129ca61, low: 0x49be45e5 });
});

test('it equals the reference for any key and message', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const property = fc.property(bytes(16), fc.uint8Array({ maxLength: 300 }), (key, message) => {
    assert.deepEqual(sipHash24(key, message), reference(key, message));
  });
  fc.assert(property);
});

test('one hasher serves messages one after the other, the longest included', () => {
  const prng = new Prng('hasher');
  const key = prng.bytes(16);
  const hasher = new SipHasher(key);
  for (const length of [64_512, 0, 7, 8, 34_000]) {
    const message = prng.bytes(length);
    assert.deepEqual(hasher.hash(message), reference(key, message));
  }
  assert.throws(() => hasher.high(64_513), /longer than the scratch/);
});
