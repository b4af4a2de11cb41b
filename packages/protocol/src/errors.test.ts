import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatErrorCodes } from '@twinvault/format';
import { ProtocolError, protocolErrorCodes } from './errors.ts';

test('codes of format travel as they are', () => {
  const error = new ProtocolError('pack-damaged', { context: { row: 3 } });
  assert.equal(error.code, 'pack-damaged');
  assert.equal(error.retry, formatErrorCodes['pack-damaged'].retry);
  assert.ok(error.message.includes(formatErrorCodes['pack-damaged'].meaning));
  assert.deepEqual(error.context, { row: 3 });
});

test('no code is in both tables, so none has two meanings', () => {
  for (const code of Object.keys(protocolErrorCodes)) assert.equal(code in formatErrorCodes, false, code);
});

test('what may go away by itself is told from what will not', () => {
  for (const code of ['job-busy', 'vault-full', 'lease-lost', 'vault-busy', 'origin-missing'] as const) {
    assert.equal(new ProtocolError(code).retry, 'later', code);
  }
  for (const code of ['vault-damaged', 'vault-newer', 'vault-foreign', 'safe-unknown'] as const) {
    assert.equal(new ProtocolError(code).retry, 'never', code);
  }
});
