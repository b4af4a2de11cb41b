/*
 * Years over larger trees, two of them, in which all kept safesets restore after every clean-up; see year.test.ts. An hour of processor time (some 60,000
 * restores), and about 1 GB of memory.
 */
import { test } from 'node:test';
import { wholeYear } from './year-run.ts';

for (const seed of ['second year', 'third year']) {
  test(`two years, seed "${seed}"`, async (context) => {
    const totals = await wholeYear({ seed, nights: 730, files: 150, restores: 44 });
    context.diagnostic(JSON.stringify(totals));
  });
}
