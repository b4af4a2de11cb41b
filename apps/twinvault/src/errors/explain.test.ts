import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { SealError } from '@twinvault/seal';
import { explain } from './explain.ts';
import { UsageError } from './usage-error.ts';

test('a known code becomes a sentence, advice and its exit code', () => {
  const told = explain(new SealError('password-wrong'), false);
  assert.equal(told.exit, 'password');
  assert.equal(told.sentence, 'The password does not open this safe.');
  assert.ok(told.advice !== null);
});

test('the context fills the sentence; what is missing leaves no trace', () => {
  const named = explain(new ProtocolError('vault-damaged', { context: { object: 'safes/a/descriptor' } }), false);
  assert.equal(named.sentence, 'An object of the vault is missing or damaged: safes/a/descriptor');
  assert.equal(explain(new ProtocolError('vault-damaged'), false).sentence, 'An object of the vault is missing or damaged');
});

test('an interrupted verb says so whatever it threw', () => {
  assert.equal(explain(new Error('anything'), true).exit, 'interrupted');
});

test('a mistake of the caller is told in its own words', () => {
  assert.deepEqual(explain(new UsageError('Give one path.'), false).sentence, 'Give one path.');
});

test('what nobody foresaw brings its trace', () => {
  const told = explain(new Error('surprise', { cause: new Error('behind it') }), false);
  assert.equal(told.exit, 'unexpected');
  assert.ok(told.details.some((line) => line.includes('surprise')));
  assert.ok(told.details.some((line) => line.includes('behind it')));
});
