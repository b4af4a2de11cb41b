/* Every way to fail at every file operation of the scenario; see faults.test.ts. */

import { test } from 'node:test';
import { countOperations, faultCases, runFault } from './fault-run.ts';

for (const fault of faultCases) {
  test(`a failure at every operation: ${JSON.stringify(fault)}`, async () => {
    const count = await countOperations();
    for (let nth = 1; nth <= count; nth += 1) await runFault({ ...fault, nth });
  });
}
