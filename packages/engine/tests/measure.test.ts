/*
 * The site's measure of whole runs: nights of small changes, then a night like ransomware's, and nights that change much without
 * being one. What the first of them brings is flagged, and no older safeset goes until somebody has looked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerEntries } from '@twinvault/seal';
import type { BackupReport } from '@twinvault/engine';
import { dayMs, Prng, toHex } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import type { CleanReport } from '@twinvault/vault';
import { assertSame, newWorld, readBack, run } from './world.ts';
import type { World } from './world.ts';

interface Nights {
  readonly world: World;
  readonly tree: MemoryTree;
  readonly prng: Prng;
}

async function someNights(seed: string): Promise<Nights> {
  const world = await newWorld(seed);
  const prng = new Prng(seed);
  const tree = new MemoryTree();
  for (let index = 0; index < 40; index += 1) tree.file(`root/a/${index}`, prng.bytes(200_000 + prng.below(100_000)));
  for (let index = 0; index < 200; index += 1) tree.file(`root/b/${index}`, prng.bytes(prng.below(30_000)));
  const nights = { world, tree, prng };
  for (let night = 0; night < 5; night += 1) {
    tree.file(`root/b/${prng.below(200)}`, prng.bytes(20_000));
    tree.file(`root/a/${prng.below(40)}`, prng.bytes(200_000));
    const report = await nextNight(nights);
    assert.equal(report.measure?.suspect, false, `night ${night}`);
  }
  return nights;
}

async function nextNight({ world, tree }: Nights): Promise<BackupReport> {
  const report = await run(world, tree);
  await world.platform.clock.advance(dayMs);
  return report;
}

/** Every file as it is after ransomware: other bytes, as many. */
function encryptAll({ tree, prng }: Nights): void {
  for (const path of tree.paths()) {
    const node = tree.nodes.get(path);
    if (node?.type === 1) tree.file(path, prng.bytes(node.content.length));
  }
}

async function clean({ world }: Nights): Promise<CleanReport> {
  const keep = { others: { days: 1, copies: 1, intraday: false } };
  return await world.vault.clean(world.safe.safe, { keep, shareMax: 1, quarantineMs: 0 });
}

test('a night on which everything was rewritten is flagged, and the older safesets stay until that is lifted', async () => {
  const nights = await someNights('ransomware');
  const { world } = nights;
  const before = nights.tree.copy();
  const [last] = (await world.safe.records({ kind: 'safeset' })).slice(-1);
  encryptAll(nights);
  const report = await nextNight(nights);
  assert.ok(report.measure);
  const { measure } = report;
  assert.ok(measure.suspect);
  assert.ok(measure.originsReused < measure.origins / 10 && measure.bytesNew > 0.9 * measure.bytes, JSON.stringify(measure));
  // Encrypted files change little from then on, as others do.
  for (let night = 0; night < 4; night += 1) assert.equal((await nextNight(nights)).measure?.suspect, false);

  const held = await clean(nights);
  const reasons = new Map(held.records.map(({ record, reason }) => [record, reason]));
  assert.equal(reasons.get(toHex(report.record)), 'flagged');
  assert.equal(held.records.filter(({ reason }) => reason === 'before-flagged').length, 5);
  assert.ok(last);
  assertSame(await readBack(world, last.digest), before);

  const { opened, platform, safe } = world;
  const cleared = { kind: 'flag', note: 'it was us', on: false, record: report.record } as const;
  for (const entry of ownerEntries({ opened, clock: platform.clock, payloads: [cleared] }).entries)
    await safe.appendLedger(entry);
  const gone = await clean(nights);
  assert.equal(gone.records.filter(({ action }) => action === 'retire').length > 5, true);
  assertSame(await readBack(world, (await nextNight(nights)).record), nights.tree);
});

const harmless: Readonly<Record<string, (nights: Nights) => void>> = {
  'a large new folder': ({ tree, prng }) => {
    for (let index = 0; index < 60; index += 1) tree.file(`root/new/${index}`, prng.bytes(400_000));
  },
  'a folder that was deleted': ({ tree }) => tree.remove('root/a'),
  'a folder that was moved': ({ tree }) => tree.rename('root/a', 'root/elsewhere'),
  'new times on every file': ({ tree }) => {
    for (const path of tree.paths()) tree.touch(path);
  },
  'nothing at all': () => undefined,
};

for (const [title, change] of Object.entries(harmless)) {
  test(`not flagged: ${title}`, async () => {
    const nights = await someNights(title);
    change(nights);
    const report = await nextNight(nights);
    assert.equal(report.measure?.suspect, false, JSON.stringify(report.measure));
  });
}

test('a job that rewrites everything every night is never flagged', async () => {
  const world = await newWorld('dumps');
  const nights = { world, tree: new MemoryTree(), prng: new Prng('dumps') };
  for (let night = 0; night < 7; night += 1) {
    for (let index = 0; index < 30; index += 1) nights.tree.file(`root/${index}`, nights.prng.bytes(200_000));
    assert.equal((await nextNight(nights)).measure?.suspect, false);
  }
});

test('a rebuild that has lost every receipt comes to the same answers', async () => {
  const nights = await someNights('rebuild');
  const { world } = nights;
  encryptAll(nights);
  await nextNight(nights);
  await nextNight(nights);
  const measures = async (): Promise<unknown> =>
    (await (await world.vault.openSafe(world.agent.safe)).records()).map(({ digest, measure }) => [toHex(digest), measure]);
  const before = await measures();
  const { files } = world.platform;
  const receipts = `/vault/safes/${toHex(world.agent.safe)}/receipts`;
  for (const { name } of await files.list(receipts)) await files.remove(`${receipts}/${name}`);
  await world.vault.rebuild();
  assert.deepEqual(await measures(), before);
});
