import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatErrorCodes, FormatError } from '@twinvault/format';
import { StdError, utf8Encode } from '@twinvault/std';
import { ProtocolError, protocolErrorCodes } from '../errors.ts';
import type { ProtocolErrorCode } from '../errors.ts';
import { encodeProblem, errorOfProblem, problemOf, statusOf } from './problem.ts';

const codes = [...Object.keys(protocolErrorCodes), ...Object.keys(formatErrorCodes)] as ProtocolErrorCode[];

test('every code comes over the wire as it was thrown', () => {
  for (const code of codes) {
    const context = { count: 3, pack: 'ab', whole: true };
    const problem = problemOf(new ProtocolError(code, { context }));
    assert.equal(problem.status, statusOf(code));
    assert.ok(problem.status >= 400 && problem.status < 600, code);
    const error = errorOfProblem(encodeProblem(problem));
    assert.equal(error?.code, code);
    assert.deepEqual(error?.context, context);
  }
});

test('what a client repeats is what may go away by itself', () => {
  for (const code of codes) {
    if ([408, 425, 429, 502, 503, 504].includes(statusOf(code))) assert.equal(new ProtocolError(code).retry, 'later', code);
  }
});

test('no path, and no word of an error that nobody threw on purpose, leaves the machine', () => {
  const canary = '/srv/ada/secret';
  const told = [
    problemOf(new ProtocolError('vault-full', { context: { localPath: canary, bytes: 5n } })),
    problemOf(new Error(canary, { cause: new Error(canary) })),
    problemOf(new StdError('file-missing', { context: { localPath: canary, other: canary } })),
    problemOf(canary),
    problemOf(new FormatError('pack-damaged', { cause: new Error(canary) })),
  ];
  for (const problem of told) assert.equal(JSON.stringify(problem).includes(canary), false);
  assert.deepEqual(told[0]?.context, { bytes: '5' });
  assert.deepEqual(
    told.map(({ code }) => code),
    ['vault-full', 'vault-failed', 'vault-failed', 'vault-failed', 'pack-damaged'],
  );
  const lying = { type: 'about:blank', status: 507, code: 'vault-full', retry: 'later', context: { localPath: canary } };
  assert.deepEqual(errorOfProblem(utf8Encode(JSON.stringify(lying)))?.context, {});
});

test('a code of a newer site is told with its name', () => {
  const problem = { type: 'about:blank', status: 409, code: 'moon-full', retry: 'later', context: {} };
  const error = errorOfProblem(utf8Encode(JSON.stringify(problem)));
  assert.deepEqual([error?.code, error?.context], ['answer-invalid', { status: 409, code: 'moon-full' }]);
});

test('any other body is no problem', () => {
  assert.equal(errorOfProblem(utf8Encode('<html>502</html>')), null);
  assert.equal(errorOfProblem(new Uint8Array(100_000)), null);
  for (const name of ['toString', '__proto__', 'constructor']) {
    const problem = { type: 'about:blank', status: 409, code: name, retry: 'later', context: {} };
    assert.notEqual(errorOfProblem(utf8Encode(JSON.stringify(problem)))?.code, name);
  }
  fc.assert(fc.property(fc.uint8Array(), (bytes) => errorOfProblem(bytes) === null));
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const error = errorOfProblem(utf8Encode(JSON.stringify(value)));
      return error === null || error instanceof ProtocolError;
    }),
  );
});
