/* Long lives of safes that three computers share, one for each seed; what it holds them to is said in shared-life.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedLife } from './shared-life.ts';

for (const seed of ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']) {
  test(`seed ${seed}: every safeset of a shared safe reads back`, async () => {
    assert.ok((await sharedLife(seed, 12)) > 0);
  });
}
