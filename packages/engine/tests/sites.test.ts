/*
 * Runs and restores at two sites that fail, lag, part and come together again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backupAtSites, compareAtSites, siteLagMsMax } from '@twinvault/engine';
import type { BackupAtSitesOptions, BackupAtSitesReport, FallOver, SiteFinding, SitesOfSafe } from '@twinvault/engine';
import { computerId } from '@twinvault/format';
import type { RecordSummary, SafeAtSites } from '@twinvault/protocol';
import { enrolHere, replayPinned } from '@twinvault/seal';
import { minuteMs, Prng, toHex } from '@twinvault/std';
import { memorySource, MemoryTree, rejectsWith } from '@twinvault/testkit';
import { assertRestored, cutOff, damage, placesOf, removePack, restored } from './restore-world.ts';
import { copyObjects, follow, sitesWorld } from './sites-world.ts';
import type { SitesWorld, TestSite } from './sites-world.ts';
import { assertSame, over, readBack } from './world.ts';

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

test('a site that still holds the claim of a run that was left there is passed by, and another run of the job is not', async () => {
  const sites = await sitesWorld('left');
  const tree = someTree('left');
  sites.a.onPut = () => {
    sites.a.fails = 'network-unreachable';
  };
  await run(sites, tree);
  sites.a.onPut = null;
  sites.a.fails = null;
  await follow(sites.world, sites.b, sites.a);
  const { agent, platform, safe } = sites.world;
  const { certificate, computer } = agent;
  const at = await sites.a.vault.openSafe(safe.safe);
  const ledger = await at.ledger(1);
  const head = replayPinned({ descriptor: await at.descriptor(), ledger }, { rootKey: agent.rootKey }).head;
  const claim = () => at.openSession({ certificate, computer, job: 'job', ledger: head });
  const told: string[] = [];
  const fallsOver = ({ from, to, code }: FallOver): unknown => told.push(`${from.name} ${to.name} ${code}`);
  {
    await using _left = await claim();
    sites.safe = await sites.again();
    assert.equal((await run(sites, tree, { fallsOver: (each) => void fallsOver(each) })).site.name, 'b');
    assert.deepEqual(told, ['a b job-busy']);
  }
  await follow(sites.world, sites.b, sites.a);
  await platform.clock.advance(11 * minuteMs);
  await using _other = await claim();
  sites.safe = await sites.again();
  await rejectsWith(run(sites, tree), 'job-busy');
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

/** Brings a site back to what it was when the copy was made. */
async function imageOf(sites: SitesWorld, site: TestSite): Promise<() => Promise<void>> {
  const { files } = sites.world.platform;
  const kept = new Map<string, Uint8Array>();
  const walk = async (folder: string, seen: (path: string) => Promise<void>): Promise<void> => {
    for (const { name, kind } of await files.list(folder)) {
      if (kind === 'directory') await walk(`${folder}/${name}`, seen);
      else await seen(`${folder}/${name}`);
    }
  };
  await walk(site.path, async (path) => void kept.set(path, (await files.read(path, 1 << 30)) ?? new Uint8Array()));
  return async () => {
    await walk(site.path, async (path) => void (kept.has(path) || (await files.remove(path))));
    for (const [path, bytes] of kept) await files.replace(path, [bytes]);
    await site.vault.rebuild();
  };
}

function findings(found: readonly SiteFinding[]): string[] {
  return found.map((finding) => {
    if (finding.type === 'forked') return `forked ${finding.job} ${finding.heads.length}`;
    if (finding.type === 'contradicting') return `contradicting ${finding.view.name} ${finding.other.name}`;
    if (finding.type === 'unreadable') return `unreadable ${finding.site.name}`;
    return `${finding.type} ${finding.view.name} ${finding.safesets}`;
  });
}

async function compare(sites: SitesWorld, safe: SitesOfSafe = sites.safe): Promise<string[]> {
  using state = sites.world.state.safe(sites.world.agent.safe);
  return findings(await compareAtSites(safe, state));
}

/** A safe of which the first site says this of its records. */
function withRecords(safe: SafeAtSites, told: (records: readonly RecordSummary[]) => readonly RecordSummary[]): SitesOfSafe {
  return over<SitesOfSafe>(safe, {
    atSites: async () => {
      const [first, ...others] = await safe.atSites();
      assert.ok(first);
      const { site, safe: at } = first;
      return [{ site, safe: over(at, { records: async (filter) => told(await at.records(filter)) }) }, ...others];
    },
  });
}

test('a lagging site takes a run while the other is away, the job forks, and the next run joins it', async () => {
  const sites = await sitesWorld('fork');
  const tree = someTree('fork');
  const first = await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  tree.file('root/second', 'second');
  const second = await run(sites, tree);
  assert.equal(second.site.name, 'a');
  // Home is away before the other has got the second one.
  sites.a.fails = 'network-unreachable';
  tree.file('root/third', 'third');
  const lagging: string[] = [];
  const third = await run(sites, tree, { lags: ({ name }) => lagging.push(name) });
  assert.deepEqual([third.site.name, third.sequence, lagging], ['b', 2, ['b']]);
  const atB = await sites.b.vault.openSafe(sites.world.safe.safe);
  const read = await readBack({ ...sites.world, safe: atB }, third.record);
  assertSame(read, tree);
  assert.deepEqual(read.record.public.previous.map(toHex), [toHex(first.record)]);
  // Both serve again, and follow each other.
  sites.a.fails = null;
  sites.safe = await sites.again();
  assert.deepEqual(await compare(sites), ['forked job 2']);
  await follow(sites.world, sites.a, sites.b);
  await follow(sites.world, sites.b, sites.a);
  const fourth = await run(sites, tree);
  assert.deepEqual(fourth.joined.map(({ digest }) => toHex(digest)).sort(), [toHex(second.record), toHex(third.record)].sort());
  assert.deepEqual(findings(fourth.findings), ['forked job 2']);
  await follow(sites.world, sites.a, sites.b);
  assert.deepEqual(await compare(sites), []);
});

test('a run at a lagging site that gets the newest safeset meanwhile begins again and follows it', async () => {
  const sites = await sitesWorld('overtaken');
  const tree = someTree('overtaken');
  await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  tree.file('root/second', 'second');
  const second = await run(sites, tree);
  sites.a.fails = 'network-unreachable';
  tree.file('root/third', 'third');
  sites.b.onPut = async () => {
    sites.b.onPut = null;
    await copyObjects(sites.world, sites.a, sites.b);
  };
  const told: string[] = [];
  const third = await run(sites, tree, {
    lags: ({ name }) => told.push(`${name} lags`),
    overtaken: ({ name }) => told.push(`${name} overtaken`),
  });
  assert.deepEqual(told, ['b lags', 'b overtaken']);
  assert.deepEqual([third.site.name, third.sequence, third.joined], ['b', 3, []]);
  const atB = await sites.b.vault.openSafe(sites.world.safe.safe);
  const read = await readBack({ ...sites.world, safe: atB }, third.record);
  assertSame(read, tree);
  assert.deepEqual(read.record.public.previous.map(toHex), [toHex(second.record)]);
});

test('a run goes to the site that knows the newest safeset, though home comes first', async () => {
  const sites = await sitesWorld('newest');
  const tree = someTree('newest');
  await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  sites.a.fails = 'network-unreachable';
  const second = await run(sites, tree);
  assert.equal(second.site.name, 'b');
  sites.a.fails = null;
  sites.safe = await sites.again();
  const third = await run(sites, tree);
  assert.deepEqual([third.site.name, third.sequence, third.joined], ['b', 3, []]);
});

test('a site that was set back is named and left out; the other takes the run', async () => {
  const sites = await sitesWorld('back');
  const tree = someTree('back');
  await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  const setBack = await imageOf(sites, sites.a);
  const second = await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  assert.deepEqual(await compare(sites), []);
  await setBack();
  sites.safe = await sites.again();
  assert.deepEqual(await compare(sites), ['rolled-back a 1']);
  const third = await run(sites, tree);
  assert.deepEqual([third.site.name, third.sequence], ['b', second.sequence + 1]);
  assert.deepEqual(findings(third.findings), ['rolled-back a 1']);
  // With that site alone there is no run at all.
  sites.b.fails = 'network-unreachable';
  sites.safe = await sites.again();
  await assert.rejects(run(sites, tree), { code: 'head-rolled-back' });
  // It follows the other, and is what it was.
  sites.b.fails = null;
  await follow(sites.world, sites.b, sites.a);
  sites.safe = await sites.again();
  assert.deepEqual(await compare(sites), []);
});

test('when neither site knows the newest safeset, nothing is stored', async () => {
  const sites = await sitesWorld('stop');
  const tree = someTree('stop');
  await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  const back = [await imageOf(sites, sites.a), await imageOf(sites, sites.b)];
  await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  for (const setBack of back) await setBack();
  sites.safe = await sites.again();
  await assert.rejects(run(sites, tree), { code: 'head-unknown' });
});

test('lagging is told after its limit, frozen when the other holds receipts of what a site does not show', async () => {
  const sites = await sitesWorld('lag');
  const tree = someTree('lag');
  const { clock } = sites.world.platform;
  await run(sites, tree);
  await follow(sites.world, sites.a, sites.b);
  const report = await run(sites, tree);
  assert.deepEqual(await compare(sites), []);
  await clock.advance(siteLagMsMax);
  assert.deepEqual(await compare(sites), ['lagging b 1']);
  const site = (await sites.b.vault.site()).site;
  const claimed = withRecords(sites.safe, (records) =>
    records.map((record) => (toHex(record.digest) === toHex(report.record) ? { ...record, sites: [site] } : record)),
  );
  assert.deepEqual(await compare(sites, claimed), ['frozen b 1']);
});

test('a ledger that does not verify is named and left out; two that contradict each other stop everything', async () => {
  const sites = await sitesWorld('ledgers');
  const { world } = sites;
  const tree = someTree('ledgers');
  await run(sites, tree);
  const path = `${sites.b.path}/safes/${toHex(world.safe.safe)}/ledger/0000000002`;
  const bytes = (await world.platform.files.read(path, 1 << 20))?.slice();
  assert.ok(bytes);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await world.platform.files.replace(path, [bytes]);
  assert.deepEqual(await compare(sites), ['unreadable b']);
  assert.equal((await run(sites, tree)).site.name, 'a');
  // Whoever has the root key may sign two entries of one number: each ledger verifies, and they contradict each other.
  const forked = await sitesWorld('ledgers');
  const entryOf = (name: string): Uint8Array =>
    enrolHere({ ...forked.world, ...forked.world.platform, computer: computerId(new Uint8Array(16).fill(7)), name }).entry;
  await forked.a.vault.openSafe(world.safe.safe).then(async (safe) => await safe.appendLedger(entryOf('one')));
  await forked.b.vault.openSafe(world.safe.safe).then(async (safe) => await safe.appendLedger(entryOf('two')));
  await assert.rejects(forked.safe.ledger(1), { code: 'ledger-forked' });
  assert.deepEqual(await compare(forked), ['contradicting a b']);
});
