import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng, primitives } from '@twinvault/std';
import type { Suite } from '@twinvault/format';
import { openBytes, sealBytes, sealedLength, zeroNonce } from './suites.ts';

const key = new Prng('suites').bytes(32);
const suites: readonly Suite[] = [1, 2];

test('what is sealed opens again, in the length that was foretold, and the same each time', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...suites),
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      (suite, plaintext, aad, nonce) => {
        const input = { key, nonce, aad };
        const sealed = sealBytes(suite, input, plaintext);
        assert.equal(sealed.length, sealedLength(suite, plaintext.length));
        assert.deepEqual(sealBytes(suite, { ...input, key: primitives.secretKey(key) }, plaintext), sealed);
        assert.deepEqual(openBytes(suite, input, sealed), plaintext);
      },
    ),
  );
});

for (const suite of suites) {
  test(`suite ${suite}: every changed bit, key, nonce, AAD and length is refused`, () => {
    const aad = Uint8Array.of(1, 2, 3);
    const plaintext = new Uint8Array(33).fill(7);
    const input = { key, nonce: zeroNonce, aad };
    const sealed = sealBytes(suite, input, plaintext);
    for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
      const changed = sealed.slice();
      changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(openBytes(suite, input, changed), null);
    }
    for (let length = 0; length < sealed.length; length += 1) {
      assert.equal(openBytes(suite, input, sealed.subarray(0, length)), null);
    }
    assert.equal(openBytes(suite, { ...input, key: new Prng('other').bytes(32) }, sealed), null);
    assert.equal(openBytes(suite, { ...input, nonce: new Uint8Array(12).fill(1) }, sealed), null);
    assert.equal(openBytes(suite, { ...input, aad: Uint8Array.of(1, 2) }, sealed), null);
    assert.equal(openBytes(suite === 1 ? 2 : 1, input, sealed), null);
  });
}

test('suite 2 follows its description when done by hand', () => {
  const aad = Uint8Array.of(9);
  const plaintext = new Uint8Array(16).fill(5);
  const derived = primitives.hkdfSha256(key, zeroNonce, new TextEncoder().encode('twinvault v1 suite2'), 80);
  const iv = derived.subarray(64);
  const padded = new Uint8Array(32).fill(16);
  padded.set(plaintext);
  const ciphertext = primitives.aesCbcEncrypt(primitives.secretKey(derived.subarray(0, 32)), iv, padded);
  const mac = primitives.hmacSha256(
    primitives.secretKey(derived.subarray(32, 64)),
    Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, ...aad, ...iv, ...ciphertext),
  );
  const sealed = sealBytes(2, { key, nonce: zeroNonce, aad }, plaintext);
  assert.deepEqual([...sealed], [...ciphertext, ...mac]);
});
