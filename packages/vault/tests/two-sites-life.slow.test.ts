/* Many random lives of two sites. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveTwoSites } from './two-sites-life.ts';

test('many random lives of two sites lose nothing, delete nothing too early, and end the same', async () => {
  const seeds = Array.from({ length: 20 }, (_, index) => `many ${index}`);
  const { deletions, retirements } = await liveTwoSites(seeds, 200);
  assert.ok(deletions > 50 && retirements > 100, `${deletions} ${retirements}`);
});
