import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StdError } from '../errors.ts';
import { fileError } from './file-errors.ts';

test('errors of the operating system become codes', () => {
  const cases = {
    ENOENT: 'file-missing',
    EEXIST: 'file-exists',
    EACCES: 'file-denied',
    ENOSPC: 'file-disk-full',
    EDQUOT: 'file-disk-full',
    EROFS: 'file-read-only',
    EIO: 'file-failed',
  };
  for (const [systemCode, code] of Object.entries(cases)) {
    const cause = Object.assign(new Error('x'), { code: systemCode });
    const error = fileError(cause, '/somewhere');
    assert.equal(error.code, code);
    assert.equal(error.cause, cause);
    assert.deepEqual(error.context, { localPath: '/somewhere', systemCode });
    assert.ok(!error.message.includes('somewhere'));
  }
});

test('what has a code already keeps it', () => {
  const error = new StdError('file-too-large');
  assert.equal(fileError(error, '/x'), error);
  assert.equal(fileError('odd', '/x').code, 'file-failed');
});
