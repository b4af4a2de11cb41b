/*
 * Runs and restores at two sites that fail, lag, part and come together again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupAtSites } from '@twinvault/engine';
import type { BackupAtSitesOptions, BackupAtSitesReport } from '@twinvault/engine';
import { Prng, toHex } from '@twinvault/std';
import { memorySource, MemoryTree } from '@twinvault/testkit';
import { assertRestored, cutOff, damage, placesOf, removePack, restored } from './restore-world.ts';
import { follow, sitesWorld } from './sites-world.ts';
import type { SitesWorld } from './sites-world.ts';
import { assertSame, readBack } from './world.ts';

function someTree(seed: string): MemoryTree {
  const prng = new Prng(seed);
  const tree = new MemoryTree();
  tree.directory('root/a');
  for (let index = 0; index < 20; index += 1) tree.file(`root/a/small-${index}`, prng.bytes(prng.below(20_000)));
  tree.file('root/large', prng.bytes(3_000_000));
  return tree;
}

async function run(
  sites: SitesWorld,
  tree: MemoryTree,
  options: Partial<BackupAtSitesOptions> = {},
): Promise<BackupAtSitesReport> {
  const { platform, agent, state } = sites.world;
  const report = await backupAtSites({
    safe: sites.safe,
    agent,
    job: 'job',
    retention: 'standard',
    source: memorySource(tree),
    state,
    platform,
    signal: new AbortController().signal,
    ...options,
  });
  await platform.clock.advance(60_000);
  return report;
}

test('a run whose site fails in the middle ends at the other one, and says so', async () => {
  const sites = await sitesWorld('fall-over');
  const tree = someTree('fall-over');
  let puts = 0;
  sites.a.onPut = () => {
    puts += 1;
    if (puts === 1) sites.a.fails = 'network-unreachable';
  };
  const told: string[] = [];
  const report = await run(sites, tree, {
    fallsOver: ({ from, to, code }) => told.push(`${from.name} ${to.name} ${code}`),
  });
  assert.equal(report.site.name, 'b');
  assert.deepEqual(told, ['a b network-unreachable']);
  assert.deepEqual(sites.told, ['a away network-unreachable']);
  const atB = await sites.b.vault.openSafe(sites.world.safe.safe);
  assertSame(await readBack({ ...sites.world, safe: atB }, report.record), tree);
});

test('what is damaged or missing at one site comes from the other, piece by piece', async () => {
  const sites = await sitesWorld('copies');
  const tree = someTree('copies');
  const report = await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  const [large] = await placesOf(sites.world, report.record, 'root/large');
  assert.ok(large);
  await damage(sites.world, large);
  const both = { ...sites.world, safe: sites.safe };
  const healed = await restored(both, report.record);
  assert.equal(healed.report.damagedChunks, 0);
  assertRestored(tree, healed.target);
  await cutOff(sites.world, large);
  const short = await restored(both, report.record);
  assert.equal(short.report.damagedChunks, 0);
  assertRestored(tree, short.target);
  await removePack(sites.world, large);
  const found = await restored(both, report.record);
  assert.equal(found.report.damagedChunks, 0);
  assertRestored(tree, found.target);
});

test('a site that goes away in the middle of a restore is left for the other', async () => {
  const sites = await sitesWorld('restore');
  const tree = someTree('restore');
  const report = await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  const both = { ...sites.world, safe: sites.safe };
  const { target } = await restored(both, report.record, {
    onTotals: () => {
      sites.a.fails = 'network-timeout';
    },
  });
  assertRestored(tree, target);
  assert.deepEqual(sites.told, ['a away network-timeout']);
});

test('lists are united, and say where each safeset stands', async () => {
  const sites = await sitesWorld('lists');
  const tree = someTree('lists');
  const first = await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  const second = await run(sites, tree);
  const records = await sites.safe.records({ kind: 'safeset' });
  const [a, b] = [(await sites.a.vault.site()).site, (await sites.b.vault.site()).site];
  assert.deepEqual(
    records.map(({ digest, sites: at }) => [toHex(digest), at]),
    [
      [toHex(first.record), [a, b]],
      [toHex(second.record), [a]],
    ],
  );
});
