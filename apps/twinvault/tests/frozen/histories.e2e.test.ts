/* Proves, on arbitrary histories, that both readers of the format find the same; histories.slow.test.ts does it for more of them. */

import { test } from 'node:test';
import { decoderMissing } from '@twinvault/testkit';
import { compareReaders } from './histories.ts';

test('both readers find the same after arbitrary histories', { skip: decoderMissing() }, async () => {
  await compareReaders('one', 3);
});
