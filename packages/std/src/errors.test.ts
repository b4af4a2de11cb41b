import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError, StdError } from './errors.ts';

test('an error carries its code, the retry advice of its table, its context and its cause', () => {
  const cause = new Error('below');
  const error = new StdError('limit-exceeded', { context: { sizeBytes: 70_000 }, cause });

  assert.ok(error instanceof CodedError);
  assert.equal(error.name, 'StdError');
  assert.equal(error.code, 'limit-exceeded');
  assert.equal(error.retry, 'never');
  assert.deepEqual(error.context, { sizeBytes: 70_000 });
  assert.equal(error.cause, cause);
});

test('the message holds the code and its meaning, and nothing of the context', () => {
  const error = new StdError('limit-exceeded', { context: { canary: 'canary-7141' } });

  assert.match(error.message, /^limit-exceeded: /);
  assert.doesNotMatch(`${error.message}${error.stack ?? ''}`, /canary/);
});

test('an error without a cause has no cause property', () => {
  assert.equal(Object.hasOwn(new StdError('limit-exceeded'), 'cause'), false);
});
