/* As histories.e2e.test.ts, for a hundred histories. */

import { test } from 'node:test';
import { decoderMissing } from '@twinvault/testkit';
import { compareReaders } from './histories.ts';

test('both readers find the same after a hundred histories', { skip: decoderMissing() }, async () => {
  for (let seed = 1; seed <= 100; seed += 1) await compareReaders(`${seed}`, 6);
});
