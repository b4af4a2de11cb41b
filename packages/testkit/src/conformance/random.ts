/* What every source of randomness must do. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AssertionFailure, type Random, toHex } from '@twinvault/std';

export function randomConformance(name: string, make: () => Random): void {
  suite(`random: ${name}`, () => {
    test('gives as many bytes as asked, in a buffer of their own', () => {
      const random = make();
      for (const count of [0, 1, 16, 4096, 65_536]) {
        const bytes = random.bytes(count);
        assert.equal(bytes.length, count);
        assert.equal(bytes.buffer.byteLength, count);
        assert.equal(bytes.constructor, Uint8Array);
      }
      for (const count of [-1, 65_537, 1.5, Number.NaN]) assert.throws(() => random.bytes(count), AssertionFailure);
    });

    test('repeats nothing and favours nothing', () => {
      const random = make();
      const seen = new Set(Array.from({ length: 1000 }, () => toHex(random.bytes(16))));
      assert.equal(seen.size, 1000);
      const counts = new Uint32Array(256);
      for (const byte of random.bytes(65_536)) counts[byte] = (counts[byte] ?? 0) + 1;
      // Mean 256, standard deviation 16: ten of them.
      for (const count of counts) assert.ok(count > 96 && count < 416);
    });
  });
}
