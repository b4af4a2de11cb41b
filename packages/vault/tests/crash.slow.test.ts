/* A crash at every step of the scenario, each with a disk of its own; see crash.test.ts. */

import { test } from 'node:test';
import { countSteps, runCrash } from './crash-run.ts';

test('a crash at every step loses nothing that was acknowledged', async () => {
  const steps = await countSteps();
  for (let step = 1; step <= steps; step += 1) await runCrash({ step, seed: `every ${step}` });
});
