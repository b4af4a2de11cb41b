/*
 * Proves that a safe that was given new keys stays open from both sides: both safes hold what they held, for Twinvault and for the independent
 * reader; and a computer that has not gone on yet follows with the key file that it had then.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backup, currentSafe, openAgentState } from '@twinvault/engine';
import { parseAgentKeys } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { decoderMissing, memorySource, MemoryTree, runDecoder } from '@twinvault/testkit';
import { expectedSafesets, filesBelow, frozenText, frozenVault, thawed } from './frozen-files.ts';
import { listFrozen, openFrozen } from './listing.ts';
import { frozenFolder, frozenLabel, frozenPassword, frozenSuccession, successorLabel } from './places.ts';

const folder = join(frozenFolder, frozenSuccession);
const safes = [
  [frozenLabel, 'expected-before.jsonl'],
  [successorLabel, 'expected.jsonl'],
] as const;

test('it is small', () => {
  const bytes = [...filesBelow(folder).values()].reduce((sum, file) => sum + file.length, 0);
  assert.ok(bytes < 200_000, `${bytes}`);
});

for (const [label, file] of safes) {
  test(`"${label}" holds what it held`, async () => {
    const platform = await thawed(frozenVault(frozenSuccession));
    const frozen = await openFrozen('/vault', platform, { type: 'password', password: frozenPassword, label });
    assert.deepEqual(await listFrozen(frozen), expectedSafesets(frozenSuccession, file));
    assert.deepEqual((await frozen.vault.check({ readData: true })).problems, []);
  });

  test(`"${label}": the independent reader finds the same`, { skip: decoderMissing() }, async () => {
    const secret = ['--password-file', join(folder, 'password')];
    const words = [join(folder, 'vault'), '--safe', label, ...secret, '--safeset', 'all', '--list'];
    const { status, stdout, stderr } = await runDecoder('twinvault_decode.py', words);
    assert.equal(status, 0, stderr);
    const listed = stdout.trimEnd().split('\n');
    assert.deepEqual(
      listed.map((line) => JSON.parse(line) as unknown),
      expectedSafesets(frozenSuccession, file),
    );
  });
}

test('the ledgers name each other, and the kit opens the new safe', async () => {
  const platform = await thawed(frozenVault(frozenSuccession));
  const before = await openFrozen('/vault', platform, { type: 'password', password: frozenPassword, label: frozenLabel });
  const text = frozenText(frozenSuccession, 'kit.txt');
  const next = await openFrozen('/vault', platform, { type: 'kit', text, label: successorLabel });
  assert.deepEqual(before.opened.ledger.successor()?.safe, next.opened.safe);
  assert.deepEqual(next.opened.ledger.predecessors().map(({ safe }) => toHex(safe)), [toHex(before.opened.safe)]); // prettier-ignore
});

test('a computer that has not gone on follows with its key file of then', async () => {
  const platform = await thawed(frozenVault(frozenSuccession));
  const keys = parseAgentKeys(new Uint8Array(readFileSync(join(folder, 'desk.key'))));
  await platform.files.makeDirectory('/state');
  const state = openAgentState({ path: '/state', platform });
  await state.safe(keys.safe).saveAgentKeys(keys);
  const { vault, safe } = await openFrozen('/vault', platform, {
    type: 'password',
    password: frozenPassword,
    label: frozenLabel,
  });
  const there = await currentSafe({ vault, safe, state });
  assert.ok(there.joined);
  const tree = new MemoryTree();
  tree.file('root/later', 'written by a later version');
  const report = await backup({
    vault: there.safe,
    agent: there.agent,
    state,
    platform,
    job: 'documents',
    retention: 'standard',
    source: memorySource(tree),
    signal: new AbortController().signal,
  });
  const sequences = expectedSafesets(frozenSuccession).filter(({ public: known }) => known.computerName === 'desk');
  assert.equal(report.sequence, sequences.length + 1);
});
