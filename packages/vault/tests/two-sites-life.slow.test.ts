/*
 * Many random lives of two sites, new ones in every run: TWINVAULT_TEST_SEED=… lives the same again. A life that fails names its own seed and the steps
 * that led to it.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { liveTwoSites } from './two-sites-life.ts';

const lives = 20;
const steps = 200;

test('many random lives of two sites lose nothing, delete nothing too early, and end the same', async (t) => {
  const seed = process.env['TWINVAULT_TEST_SEED'] ?? randomBytes(6).toString('hex');
  t.diagnostic(`TWINVAULT_TEST_SEED=${seed}: ${lives} lives of ${steps} steps`);
  const seeds = Array.from({ length: lives }, (_, index) => `${seed} ${index}`);
  const { deletions, retirements } = await liveTwoSites(seeds, steps);
  t.diagnostic(`${deletions} packs deleted and ${retirements} records retired meanwhile`);
  assert.ok(deletions > 50 && retirements > 100, `${deletions} ${retirements}`);
});
