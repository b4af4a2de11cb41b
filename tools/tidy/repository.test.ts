/*
 * Proves that the repository as it stands holds every tidy rule, one test each.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openRepository } from './repository.ts';
import { describeFindings } from './rule.ts';
import { rules } from './rules.ts';

const repository = openRepository(fileURLToPath(new URL('../..', import.meta.url)));

for (const rule of rules) {
  test(`tidy: ${rule.name}`, async () => {
    const findings = await rule.check(repository);
    assert.ok(findings.length === 0, describeFindings(rule, findings));
  });
}
