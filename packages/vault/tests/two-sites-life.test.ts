/* Random lives of two sites, see two-sites-life.ts. A failure names its seed and the steps that led to it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveTwoSites } from './two-sites-life.ts';

test('random lives of two sites lose nothing, delete nothing too early, and end the same', async () => {
  const { deletions, retirements } = await liveTwoSites(['two 0', 'two 1'], 90);
  assert.ok(deletions > 0 && retirements > 3, `${deletions} ${retirements}`);
});
