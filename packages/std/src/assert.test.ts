import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssertionFailure, assert as assertOurs, unreachable } from './assert.ts';

test('assert passes what is true and throws its own error for the rest', () => {
  assertOurs(true, 'never');
  assert.throws(() => assertOurs(false, 'broken'), new AssertionFailure('broken'));
  assert.throws(() => assertOurs(null, 'broken'), AssertionFailure);
});

test('unreachable throws', () => {
  assert.throws(() => unreachable('x' as never), AssertionFailure);
});
