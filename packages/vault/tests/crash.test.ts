/*
 * The power fails at a step of the scenario: every operation under way dies, and of what was not synced an arbitrary part is kept,
 * lost or torn. After mounting again everything acknowledged is there and the next run goes through.
 *
 * How: the steps of a run that works are counted; then the run is repeated with a crash at each of a spread of steps. The spread is
 * drawn from a seed, which is printed when a case fails. The slow variant takes every step.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { countSteps, runCrash } from './crash-run.ts';

const casesMax = 30;

test('a crash at a spread of steps loses nothing that was acknowledged', async () => {
  const steps = await countSteps();
  assert.ok(steps > 500, String(steps));
  const prng = new Prng('crash spread');
  for (let index = 0; index < casesMax; index += 1) {
    await runCrash({ step: prng.between(1, steps), seed: `crash ${index}` });
  }
});
