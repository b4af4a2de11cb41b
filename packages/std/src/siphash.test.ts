import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sipHash24 } from './siphash.ts';

const key = Uint8Array.from({ length: 16 }, (_, index) => index);

function hash(length: number): string {
  const data = Uint8Array.from({ length }, (_, index) => index);
  const { high, low } = sipHash24(key, data);
  return ((BigInt(high) << 32n) | BigInt(low)).toString(16).padStart(16, '0');
}

test('vectors of the paper and of the reference implementation', () => {
  // Appendix A of the paper: 15 bytes.
  assert.equal(hash(15), 'a129ca6149be45e5');
  // vectors.h of https://github.com/veorq/SipHash, read as little-endian numbers.
  assert.equal(hash(0), '726fdb47dd0e0e31');
  assert.equal(hash(1), '74f839c593dc67fd');
  assert.equal(hash(8), '93f5f5799a932462');
  assert.equal(hash(63), '958a324ceb064572');
});
