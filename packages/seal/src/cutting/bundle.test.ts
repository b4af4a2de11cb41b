import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Prng, primitives } from '@twinvault/std';
import { bundleTag, endsBundle } from './bundle.ts';

test('a tag is the HMAC of the content, and one file in 64 ends a bundle', () => {
  const prng = new Prng('bundles');
  const raw = prng.bytes(32);
  const key = primitives.secretKey(raw);
  let ends = 0;
  for (let count = 0; count < 6400; count += 1) {
    const content = prng.bytes(8);
    const tag = bundleTag(key, content);
    const expected = createHmac('sha256', raw).update(content).digest();
    assert.deepEqual(Buffer.from(tag), expected);
    assert.equal(endsBundle(tag), expected.readUInt32LE(0) < 2 ** 26);
    if (endsBundle(tag)) ends += 1;
  }
  assert.ok(ends > 60 && ends < 145, `${ends} of 6400`);
});
