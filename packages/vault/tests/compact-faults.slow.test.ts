/* Every way to fail at every operation, and a crash at every step, of a clean-up with compaction; see compact-faults.test.ts. */

import { test } from 'node:test';
import { countCleanOperations, countCleanSteps, runCleanCrash, runCleanFault } from './compact-faults.ts';

const ways = [
  { error: 'file-failed', when: 'before', times: 1 },
  { error: 'file-failed', when: 'after', times: 1 },
  { error: 'file-failed', when: 'after', times: Infinity },
  { error: 'file-disk-full', when: 'before', times: 3 },
  { error: 'file-read-only', when: 'before', times: Infinity },
] as const;

for (const way of ways) {
  test(`every operation: ${JSON.stringify(way)}`, async () => {
    const count = await countCleanOperations();
    for (let nth = 1; nth <= count; nth += 1) await runCleanFault({ ...way, nth });
  });
}

test('the power fails at every step', async () => {
  const steps = await countCleanSteps();
  for (let step = 1; step <= steps; step += 1) await runCleanCrash(step);
});
