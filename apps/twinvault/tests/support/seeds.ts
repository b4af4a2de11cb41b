/*
 * Chance in the end-to-end tests: a new seed in every run, said in its output, and taken from TWINVAULT_TEST_SEED to run
 * the same again.
 */

import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Prng } from '@twinvault/std';

export function chance(t: TestContext): Prng {
  const seed = process.env['TWINVAULT_TEST_SEED'] ?? randomBytes(6).toString('hex');
  t.diagnostic(`TWINVAULT_TEST_SEED=${seed}`);
  return new Prng(seed);
}
