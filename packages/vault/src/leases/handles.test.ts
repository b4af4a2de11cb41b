/* Handles of leases: what was handed on is taken up, and nothing else is. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import fc from 'fast-check';
import { decodeHandle, encodeHandle } from './handles.ts';

const digits = (count: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: count, maxLength: count });

test('a handle tells what was put into it', () => {
  const name = fc.array(digits(4), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
  const handle = fc.record({ name, token: digits(32), lapseMs: fc.nat(999_999_999) }, { noNullPrototype: true });
  fc.assert(fc.property(handle, (each) => assert.deepEqual(decodeHandle(encodeHandle(each)), each)));
});

test('whatever else it is, it is damage', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `300000 ${'0'.repeat(32)} ${text}`),
      ),
      (text) => {
        try {
          assert.equal(encodeHandle(decodeHandle(text)), text);
        } catch (error) {
          assert.ok(error instanceof ProtocolError && error.code === 'vault-damaged', String(error));
        }
      },
    ),
  );
  for (const text of ['', '1 2 3', `x ${'0'.repeat(32)} a`, `1 ${'0'.repeat(31)} a`, `1 ${'0'.repeat(32)} ../a`]) {
    assert.throws(() => decodeHandle(text), ProtocolError);
  }
});
