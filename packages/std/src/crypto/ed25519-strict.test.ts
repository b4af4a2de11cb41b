import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { ed25519InputStrict } from './ed25519-strict.ts';

const { Point } = ed25519;
const goodKey = ed25519.getPublicKey(new Uint8Array(32));
const goodSignature = ed25519.sign(new Uint8Array(3), new Uint8Array(32));

test('every multiple of a point of order 8 is refused, as key and as R', () => {
  const generator = Point.fromBytes(
    Uint8Array.from(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', 'hex')),
    false,
  );
  const seen = new Set<string>();
  let point = Point.ZERO;
  for (let count = 0; count < 8; count += 1) {
    const bytes = point.toBytes();
    seen.add(Buffer.from(bytes).toString('hex'));
    assert.equal(ed25519InputStrict(bytes, goodSignature), false);
    const signature = goodSignature.slice();
    signature.set(bytes);
    assert.equal(ed25519InputStrict(goodKey, signature), false);
    point = point.add(generator);
  }
  assert.equal(seen.size, 8);
  assert.deepEqual(point.toBytes(), Point.ZERO.toBytes());
});

test('S must be below the order of the base point', () => {
  assert.equal(ed25519InputStrict(goodKey, goodSignature), true);
  for (const [off, accept] of [
    [-1n, true],
    [0n, false],
    [1n, false],
  ] as const) {
    const signature = goodSignature.slice();
    const s = Point.Fn.ORDER + off;
    for (let index = 0; index < 32; index += 1) signature[32 + index] = Number((s >> BigInt(8 * index)) & 0xffn);
    assert.equal(ed25519InputStrict(goodKey, signature), accept);
  }
});
