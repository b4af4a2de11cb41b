import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, equalBytes, primitives, toHex } from '@twinvault/std';
import { computerId } from '@twinvault/format';
import {
  bundleKey,
  derive,
  kindKeys,
  newRootSecret,
  ownerKeys,
  readSeed,
  rootKeys,
  rootSecret,
  stateKey,
  writeSecret,
} from './keys.ts';

const rs = rootSecret(new Uint8Array(32).fill(7));

test('derive is HKDF with the label, a zero byte and the context', () => {
  const info = new TextEncoder().encode('twinvault v1 read\0\u0001\0\0\0');
  assert.deepEqual(readSeed(rs, 1), primitives.hkdfSha256(rs, new Uint8Array(0), info, 32));
  assert.notDeepEqual(derive(rs, 'a', Uint8Array.of(1)), derive(rs, 'a'));
});

test('all keys of a safe differ', () => {
  const ws = writeSecret(rs);
  const keys = [
    rs,
    ws,
    rootKeys(rs).seed,
    ownerKeys(rs).seed,
    readSeed(rs, 1),
    readSeed(rs, 2),
    bundleKey(ws).export(),
    stateKey(rs, computerId(new Uint8Array(16))),
    stateKey(rs, computerId(new Uint8Array(16).fill(1))),
  ];
  for (const kind of [1, 2, 3] as const) {
    const { contentKey, idKey, cutterKey } = kindKeys(ws, kind);
    assert.equal(cutterKey.length, 16);
    keys.push(contentKey.export(), idKey.export(), cutterKey);
  }
  assert.equal(new Set(keys.map(toHex)).size, keys.length);
});

test('the root key signs what its public key verifies', () => {
  const { publicKey, sign } = rootKeys(rs);
  const message = Uint8Array.of(1, 2, 3);
  assert.equal(primitives.ed25519Verify(publicKey, message, sign(message)), true);
});

test('root secrets come from the port and are 32 bytes', () => {
  const random = new Prng('rs');
  assert.equal(equalBytes(newRootSecret(random), newRootSecret(random)), false);
  assert.throws(() => rootSecret(new Uint8Array(31)));
});
