import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseBytes } from './release.ts';

test('a large buffer is given back, all others are left alone', () => {
  const large = new Uint8Array(1 << 20);
  releaseBytes(large);
  assert.equal(large.length, 0);
  const medium = new Uint8Array(1 << 14);
  releaseBytes(medium, 1 << 12);
  assert.equal(medium.length, 0);
  const small = new Uint8Array(1000);
  const part = new Uint8Array(1 << 20).subarray(1);
  const shared = new Uint8Array(new SharedArrayBuffer(1 << 20));
  for (const bytes of [small, part, shared]) {
    const { length } = bytes;
    releaseBytes(bytes);
    assert.equal(bytes.length, length);
  }
});
