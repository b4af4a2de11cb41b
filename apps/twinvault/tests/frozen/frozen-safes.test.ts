/*
 * Proves that what was frozen is opened for ever: nothing of it has changed, each safe holds what was written down when it was frozen, new code goes on writing
 * into it, and each damage is met as is listed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backup, openAgentState, verifySafe } from '@twinvault/engine';
import { computerId, packKinds, parsePackHeader, PackTable, packTailBytes } from '@twinvault/format';
import { enrolHere, openSafeReader } from '@twinvault/seal';
import { dayMs } from '@twinvault/std';
import { memorySource } from '@twinvault/testkit';
import { brokenSafes, outcomeOf } from './broken.ts';
import { digestLines, expectedSafesets, filesBelow, frozenText, frozenVault, thawed } from './frozen-files.ts';
import type { ExpectedSafeset } from './frozen-files.ts';
import { listFrozen, openFrozen } from './listing.ts';
import { frozenFolder, frozenNames, frozenPassword } from './places.ts';
import type { FrozenName } from './places.ts';
import { deskTree } from './trees.ts';

test('nothing that is frozen was changed, lost or added', () => {
  const files = filesBelow(frozenFolder);
  const listed = new TextDecoder().decode(files.get('digests.txt')).trimEnd().split('\n');
  files.delete('digests.txt');
  assert.deepEqual(digestLines(files), listed);
});

for (const name of frozenNames) {
  test(`${name}: password and kit open it, and it holds what it held`, async () => {
    const platform = await thawed(frozenVault(name));
    const frozen = await openFrozen('/vault', platform, { type: 'password', password: frozenPassword });
    assert.deepEqual(await listFrozen(frozen), expectedSafesets(name));
    await openFrozen('/vault', platform, { type: 'kit', text: frozenText(name, 'kit.txt') });
    assert.deepEqual((await frozen.vault.check({ readData: true })).problems, []);
    const reader = openSafeReader({ vaultSafe: frozen.safe, opened: frozen.opened });
    assert.deepEqual((await verifySafe({ reader, readData: true, threads: platform.threads })).problems, []);
  });

  test(`${name}: another computer joins, stores what is there already and cleans up; what was frozen stays`, async () => {
    const platform = await thawed(frozenVault(name));
    const { random, clock } = platform;
    const frozen = await openFrozen('/vault', platform, { type: 'password', password: frozenPassword });
    const computer = computerId(random.bytes(16));
    const { agent, entry, opened } = enrolHere({ opened: frozen.opened, clock, computer, name: 'later', random });
    await frozen.safe.appendLedger(entry);
    await platform.files.makeDirectory('/state');
    const state = openAgentState({ path: '/state', platform });
    await state.safe(agent.safe).saveAgentKeys(agent);
    const report = await backup({
      vault: frozen.safe,
      agent,
      state,
      platform,
      job: 'later',
      retention: 'standard',
      source: memorySource(deskTree()),
      signal: new AbortController().signal,
    });
    assert.ok(report.chunks.reused > 0, 'blobs of the frozen safe are used again');
    await clock.advance(dayMs);
    await frozen.vault.clean(agent.safe, { quarantineMs: 0, shareMax: 1, compact: { unusedMax: 0 } });
    await clock.advance(dayMs);
    await frozen.vault.clean(agent.safe, { quarantineMs: 0, shareMax: 1 });
    const later = await listFrozen({ ...frozen, opened });
    assert.equal(later.length, expectedSafesets(name).length + 1);
    assert.deepEqual(later.slice(0, -1), expectedSafesets(name));
  });
}

test('every listed damage is met as is listed', async () => {
  const broken = brokenSafes();
  assert.ok(broken.length >= 37);
  for (const { name, of, changes, twinvault } of broken) {
    assert.deepEqual(await outcomeOf(of, changes), twinvault, `${of}: ${name}`);
  }
});

/** What README.md of the fixtures says that they hold. */
function coverageOf(safesets: readonly ExpectedSafeset[]): Record<string, boolean> {
  const entries = safesets.flatMap((safeset) => safeset.entries);
  const extentsOf = (entry: ExpectedSafeset['entries'][number]): readonly { readonly chunk: string | null }[] =>
    (entry['extents'] ?? []) as readonly { readonly chunk: string | null }[];
  const some = (fits: (entry: ExpectedSafeset['entries'][number]) => boolean): boolean => entries.some(fits);
  const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
  return {
    'every type': new Set(entries.map((entry) => entry['type'])).size === 7,
    'hard links': some((entry) => entry['hardlink'] !== null),
    holes: some((entry) => extentsOf(entry).some(({ chunk }) => chunk === null)),
    'a rope': some((entry) => extentsOf(entry).length >= 64),
    attributes: some((entry) => lengthOf(entry['xattrs']) === 2),
    'large attributes': some((entry) => lengthOf(entry['xattrs']) === 3),
    ACLs: some((entry) => lengthOf(entry['acls']) > 0),
    'empty files': some((entry) => entry['type'] === 1 && entry['sizeBytes'] === 0),
    torn: some((entry) => entry['torn'] === true),
    carried: some((entry) => entry['carried'] !== null),
    unread: some((entry) => entry['unread'] === true),
    'names that are not UTF-8': some((entry) => entry['name'] === 'fffe'),
    'long paths': some((entry) => typeof entry['directory'] === 'string' && entry['directory'].startsWith('sha256:')),
    'pages of a large file': some((entry) => new Set(extentsOf(entry).map(({ chunk }) => chunk)).size >= 3),
    'three computers': new Set(safesets.map((safeset) => safeset.public.computerName)).size >= 3,
  };
}

function stateCount(name: FrozenName): number {
  const packs = [...frozenVault(name)].filter(([path]) => path.includes('/packs/'));
  return packs.filter(([, bytes]) => parsePackHeader(bytes).kind === packKinds.state).length;
}

function packsOf(name: FrozenName): PackTable[] {
  const packs = [...frozenVault(name)].filter(([path]) => path.includes('/packs/'));
  return packs.map(([, bytes]) => {
    return new PackTable(bytes.subarray(bytes.length - packTailBytes(bytes.subarray(bytes.length - 40))));
  });
}

test('the frozen safes hold what they are said to hold', () => {
  for (const name of frozenNames) {
    for (const [what, held] of Object.entries(coverageOf(expectedSafesets(name)))) assert.ok(held, `${name}: ${what}`);
    const packs = packsOf(name);
    const rows = packs.flatMap((table) => Array.from({ length: table.count }, (_, row) => table.slipOnlyAt(row)));
    assert.ok(rows.includes(true), `${name}: a reused blob`);
    assert.ok(
      packs.some(({ sections }) => sections.length > 1),
      `${name}: a compacted pack of several`,
    );
    const suites = new Set(packs.flatMap((table) => Array.from({ length: table.count }, (_, row) => table.suiteAt(row))));
    assert.deepEqual(
      [...suites].sort((a, b) => a - b),
      { 'suite-1': [1], 'suite-2': [2], 'suite-raised': [1, 2], complete: [1] }[name],
    );
    const folders = new Set([...frozenVault(name).keys()].map((path) => path.split('/')[2]));
    assert.equal(stateCount(name) > 0, name === 'complete', `${name}: state packs`);
    for (const folder of ['stubs', 'plans', 'receipts']) assert.ok(folders.has(folder), `${name}: ${folder}`);
  }
  const windows = expectedSafesets('complete').find((safeset) => safeset.public.computerName === 'pc')?.entries ?? [];
  const streams = windows.flatMap((entry) => (entry['streams'] ?? []) as readonly { readonly sizeBytes: number }[]);
  assert.deepEqual(
    streams.map(({ sizeBytes }) => sizeBytes),
    [26, 160],
  );
  for (const key of ['windows', 'atime', 'btime'])
    assert.ok(
      windows.some((entry) => entry[key] !== null),
      key,
    );
});
