/*
 * A clean-up with compaction, killed at any step: each of its file operations fails for good from then on, and the power fails at each of a
 * spread of its steps. Nothing that is live is lost, and the next clean-ups end what was begun. The slow variant takes every step and more ways to fail.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCleanOperations, countCleanSteps, runCleanCrash, runCleanFault } from './compact-faults.ts';

test('every operation of a clean-up is the last one that could be tried', async () => {
  const count = await countCleanOperations();
  assert.ok(count > 150, String(count));
  for (let nth = 1; nth <= count; nth += 1) await runCleanFault({ error: 'file-failed', when: 'before', times: Infinity, nth });
});

test('the power fails at a spread of steps of a clean-up', async () => {
  const steps = await countCleanSteps();
  assert.ok(steps > 150, String(steps));
  for (let step = 1; step <= steps; step += 9) await runCleanCrash(step);
});
