/* A short life of a safe that three computers share; what it holds them to is said in shared-life.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedLife } from './shared-life.ts';

test('every safeset of a shared safe reads back, whatever the others do and clean-up takes', async () => {
  assert.ok((await sharedLife('one', 6)) > 0);
});
