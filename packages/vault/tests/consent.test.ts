/*
 * Clean-up of a safe that stands at two sites: what home may do alone, what the other may do with its consent, and every way to get a
 * deletion out of either that is not due.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefsBuilder } from '@twinvault/format';
import { dayMs, hourMs, toHex } from '@twinvault/std';
import { following, rejectsWith, sessionOf, TestSafe } from '@twinvault/testkit';
import type { TestPack, TestRecord } from '@twinvault/testkit';
import type { CleanReport } from '../src/index.ts';
import { readQuarantine, writeQuarantine } from '../src/clean/quarantine.ts';
import { backup, harness, readsBack } from './harness.ts';
import { giveTombstone, homeEntry, read, seedOf, twoOperators, twoSites } from './two-sites.ts';
import type { TestSite, TwoSites } from './two-sites.ts';

const keep = { others: { days: 0, copies: 1, intraday: false } };

function clean(site: TestSite, options: Parameters<TestSite['vault']['clean']>[1] = {}): Promise<CleanReport> {
  return site.vault.clean(site.mine.safe, { keep, shareMax: 1, compact: null, ...options });
}

/** The same two runs at both sites; retention lets go of the first. */
async function twoRuns(sites: TwoSites): Promise<{ old: TestRecord; dead: TestPack; live: TestPack }> {
  const { mine, computer } = sites.home;
  const [dead, live] = [mine.pack(computer), mine.pack(computer)];
  const old = mine.record(computer, { packs: [dead] });
  const next = mine.record(computer, { packs: [live], previous: [old.digest], sequence: 2 });
  for (const site of [sites.home, sites.twin]) {
    for (const [record, pack] of [
      [old, dead],
      [next, live],
    ] as const) {
      await using session = await sessionOf(site.safe, mine, computer);
      await session.putPack(pack.name, pack.bytes);
      await session.commit(record.bytes);
      await site.platform.clock.advance(dayMs);
    }
  }
  return { old, dead, live };
}

function recordReasons({ records }: CleanReport): string[] {
  return records.map(({ action, reason }) => `${action} ${reason}`);
}

function packReasons({ packs }: CleanReport): string[] {
  return packs.map(({ action, reason }) => `${action} ${reason}`);
}

async function retired(site: TestSite): Promise<boolean[]> {
  return (await site.safe.records()).map((record) => record.retired);
}

/** From the first mark over the delay to deletion, as far as it gets. */
async function cleanToTheEnd(site: TestSite, other: TestSite): Promise<CleanReport> {
  await clean(site);
  await site.platform.clock.advance(25 * hourMs);
  await read(site, other);
  return clean(site);
}

test('home retires by its own evaluation, and deletes once it has read its twin after the mark', async () => {
  const sites = await twoSites('home');
  const { home, twin } = sites;
  const { dead, live } = await twoRuns(sites);
  await read(home, twin);
  const first = await clean(home);
  assert.deepEqual(recordReasons(first), ['retire retention', 'keep newest-good']);
  assert.deepEqual(packReasons(first), ['quarantine dead']);
  await home.platform.clock.advance(25 * hourMs);
  await read(home, twin, { agoMs: 25 * hourMs });
  assert.deepEqual(packReasons(await clean(home)), ['wait apart']);
  await read(home, twin, { agoMs: hourMs });
  assert.deepEqual(packReasons(await clean(home)), ['delete dead']);
  assert.ok(await readsBack(home.safe, [live]));
  await using reading = await home.safe.openReading();
  assert.equal(await reading.packSize(dead.name), null);
});

test('the other site needs the consent of home, and its own evaluation', async () => {
  const sites = await twoSites('other');
  const { home, twin } = sites;
  const { old, live } = await twoRuns(sites);
  await read(twin, home);
  const without = await clean(twin);
  assert.deepEqual(recordReasons(without), ['keep no-consent', 'keep newest-good']);
  assert.deepEqual(without.packs, []);
  await giveTombstone(twin, home.self.site, { record: old.digest, seed: await seedOf(home) });
  // Home says that it may go: the twin's own rule says that it may not.
  assert.deepEqual(recordReasons(await clean(twin, { keep: { others: { days: 99, copies: 0, intraday: false } } })), [
    'keep days',
    'keep newest-good',
  ]);
  assert.deepEqual(packReasons(await cleanToTheEnd(twin, home)), ['delete dead']);
  assert.deepEqual(await retired(twin), [true, false]);
  assert.ok(await readsBack(twin.safe, [live]));
});

test('checkpoints need consent as safesets do', async () => {
  const sites = await twoSites('checkpoints');
  const { home, twin } = sites;
  const { mine, computer } = home;
  const sent = mine.pack(computer);
  const checkpoint = mine.record(computer, { kind: 'checkpoint', packs: [sent] });
  for (const site of [home, twin]) {
    await using session = await sessionOf(site.safe, mine, computer);
    await session.putPack(sent.name, sent.bytes);
    await session.commit(checkpoint.bytes);
  }
  await backup(twin, { packs: [], reused: [sent] });
  await read(twin, home);
  assert.ok(recordReasons(await clean(twin)).includes('keep no-consent'));
  await giveTombstone(twin, home.self.site, { record: checkpoint.digest, seed: await seedOf(home) });
  assert.ok(recordReasons(await clean(twin)).includes('retire replaced'));
});

test('no forged tombstone is consent', async () => {
  const sites = await twoSites('forged');
  const { home, twin } = sites;
  const { old } = await twoRuns(sites);
  const [newest] = (await home.safe.records()).slice(-1);
  assert.ok(newest);
  const [homeSeed, twinSeed] = [await seedOf(home), await seedOf(twin)];
  const of = home.self.site;
  const tricks: readonly (() => Promise<void>)[] = [
    // Signed by the site itself, by a stranger, or by nobody.
    () => giveTombstone(twin, of, { record: old.digest, seed: twinSeed }),
    () => giveTombstone(twin, of, { record: old.digest, seed: home.mine.prng.bytes(32) }),
    () => twin.context.store.replace(twin.context.layout.twin(toHex(of), 'tombstones', toHex(old.digest)), [new Uint8Array(300)]),
    // By home, of another safe, or in the name of another site.
    () => giveTombstone(twin, of, { record: old.digest, seed: homeSeed, safe: new TestSafe('another') }),
    () => giveTombstone(twin, of, { record: old.digest, seed: homeSeed, site: twin.self.site }),
    // By home, in the place of a site that is not home.
    () => giveTombstone(twin, twin.self.site, { record: old.digest, seed: homeSeed }),
    // By home, of another record under this one's name.
    async () => {
      const { store, layout } = twin.context;
      await giveTombstone(twin, of, { record: newest.digest, seed: homeSeed });
      const place = layout.twin(toHex(of), 'tombstones', toHex(newest.digest));
      const bytes = await store.get(place, 65_536);
      assert.ok(bytes);
      await store.remove(place);
      await store.replace(layout.twin(toHex(of), 'tombstones', toHex(old.digest)), [bytes]);
    },
  ];
  for (const [index, trick] of tricks.entries()) {
    await trick();
    await read(twin, home);
    assert.deepEqual(recordReasons(await clean(twin)), ['keep no-consent', 'keep newest-good'], `trick ${index}`);
    await twin.context.store.clear(twin.context.layout.twin(toHex(of), 'tombstones'));
  }
});

test('a home that retires everything gets nothing that the twin keeps by its own rules', async () => {
  const sites = await twoSites('greedy');
  const { home, twin } = sites;
  const { dead, live } = await twoRuns(sites);
  const seed = await seedOf(home);
  // Whatever time it puts into them.
  for (const { digest } of await home.safe.records())
    await giveTombstone(twin, home.self.site, { record: digest, seed, retiredMs: Number.MAX_SAFE_INTEGER });
  await read(twin, home);
  const rules = { others: { days: 31, copies: 7, intraday: false } };
  assert.deepEqual(recordReasons(await clean(twin, { keep: rules })), ['keep days', 'keep newest-good']);
  assert.deepEqual(recordReasons(await clean(twin)), ['retire retention', 'keep newest-good']);
  assert.ok(await readsBack(twin.safe, [dead, live]));
});

test('tombstones of a former home are no consent any more, and the new home needs none', async () => {
  const sites = await twoSites('former');
  const { home, twin } = sites;
  const operators = await twoOperators(sites);
  const entries = await home.safe.ledger(1);
  const { ledger } = await twin.vault.partsOf(twin.mine.safe);
  for (const entry of entries) await ledger.append(entry);
  const { old } = await twoRuns(sites);
  const moved = twin.mine.accept(homeEntry(twin.mine, twin.self.site, operators));
  await twin.safe.appendLedger(moved);
  await read(twin, home);
  assert.deepEqual(recordReasons(await clean(twin)), ['retire retention', 'keep newest-good']);
  // The former home, back with the new ledger: it has its own tombstone lying around, and that is not the new home's.
  await home.safe.appendLedger(moved);
  await read(home, twin);
  await giveTombstone(home, twin.self.site, { record: old.digest, seed: await seedOf(home) });
  assert.deepEqual(recordReasons(await clean(home)), ['keep no-consent', 'keep newest-good']);
  await giveTombstone(home, twin.self.site, { record: old.digest, seed: await seedOf(twin) });
  assert.deepEqual(recordReasons(await clean(home)), ['retire retention', 'keep newest-good']);
});

test('while the sites are apart neither retires or deletes anything; orphans are marked at most', async () => {
  for (const who of ['home', 'twin'] as const) {
    const sites = await twoSites(`apart ${who}`);
    const [site, other] = who === 'home' ? [sites.home, sites.twin] : [sites.twin, sites.home];
    const { old, dead, live } = await twoRuns(sites);
    await giveTombstone(site, other.self.site, { record: old.digest, seed: await seedOf(other) });
    const never = await clean(site);
    assert.deepEqual(recordReasons(never), ['keep apart', 'keep newest-good']);
    assert.equal(never.heldBack, 'apart');
    await read(site, other, { agoMs: dayMs + 1 });
    assert.deepEqual(recordReasons(await clean(site)), ['keep apart', 'keep newest-good']);
    await read(site, other);
    assert.deepEqual(recordReasons(await clean(site)), ['retire retention', 'keep newest-good']);
    // Cut off from now on: the pack that was marked stays for as long as that lasts.
    for (let day = 0; day < 40; day += 1) {
      await site.platform.clock.advance(dayMs);
      assert.deepEqual(packReasons(await clean(site)), ['wait apart'], `day ${day}`);
    }
    assert.ok(await readsBack(site.safe, [dead, live]));
    assert.equal((await cleanToTheEnd(site, other)).deletedPacks, 1);
  }
});

test('a clock that is off at either site holds back retirement and deletion', async () => {
  const sites = await twoSites('clocks');
  const { home, twin } = sites;
  const { dead, live } = await twoRuns(sites);
  for (const skewMs of [366 * dayMs, -366 * dayMs, hourMs + 1, -hourMs - 1]) {
    await read(home, twin, { skewMs });
    const report = await clean(home);
    assert.deepEqual(recordReasons(report), ['keep clock', 'keep newest-good']);
    assert.equal(report.heldBack, 'clock');
  }
  await read(home, twin);
  await clean(home);
  // Its own clock jumps after it read: what it read then is too long ago by the same clock.
  home.platform.clock.jump(40 * dayMs);
  assert.deepEqual(packReasons(await clean(home)), ['wait apart']);
  // It reads again, and sees that the twin has another time.
  await read(home, twin, { skewMs: -40 * dayMs });
  assert.deepEqual(packReasons(await clean(home)), ['wait clock']);
  assert.ok(await readsBack(home.safe, [dead, live]));
  home.platform.clock.jump(-40 * dayMs);
  await rejectsWith(clean(home), 'clock-jumped');
  await read(home, twin);
  await clean(home, { clockOk: true });
});

test('a clock that jumps by a year stops a site alone, too, until somebody says that it is right', async () => {
  const parts = await harness('alone');
  const options = { keep, shareMax: 1 };
  await backup(parts);
  await parts.platform.clock.advance(dayMs);
  await backup(parts);
  await parts.vault.clean(parts.mine.safe, { shareMax: 1 });
  parts.platform.clock.jump(366 * dayMs);
  const { context } = await rejectsWith(parts.vault.clean(parts.mine.safe, options), 'clock-jumped');
  assert.equal(context['direction'], 'ahead by more than two months');
  assert.deepEqual(
    (await parts.safe.records()).map((record) => record.retired),
    [false, false],
  );
  // Set right again it is as if nothing had been.
  parts.platform.clock.jump(-366 * dayMs);
  await parts.vault.clean(parts.mine.safe, {});
  parts.platform.clock.jump(-2 * hourMs);
  assert.equal((await rejectsWith(parts.vault.clean(parts.mine.safe, options), 'clock-jumped')).context['direction'], 'back');
  await parts.vault.clean(parts.mine.safe, { ...options, clockOk: true });
  await parts.vault.clean(parts.mine.safe, options);
  assert.deepEqual(
    (await parts.safe.records()).map((record) => record.retired),
    [true, false],
  );
});

test('a store that is put back from an image forgets what it read, and deletes nothing before it read again', async () => {
  const sites = await twoSites('image');
  const { home, twin } = sites;
  const { dead, live } = await twoRuns(sites);
  await read(home, twin);
  await clean(home);
  await read(home, twin);
  const { store, layout } = home.context;
  const note = layout.twinProgress(toHex(twin.self.site));
  const image = await store.get(note, 65_536);
  assert.ok(image);
  await home.platform.clock.advance(7 * dayMs);
  await read(home, twin);
  await store.replace(note, [image]);
  assert.deepEqual(packReasons(await clean(home)), ['wait apart']);
  assert.ok(await readsBack(home.safe, [dead, live]));
});

test('a pack whose deletion had begun is gone for everybody: it is ended while the sites are apart, too', async () => {
  const sites = await twoSites('begun');
  const { home, twin } = sites;
  const { dead } = await twoRuns(sites);
  await read(home, twin);
  await clean(home);
  const place = home.context.layout.inFolder('quarantine', toHex(dead.name));
  const note = await readQuarantine(home.context, toHex(dead.name));
  assert.ok(note !== null && note !== 'unreadable');
  await writeQuarantine(home.context, toHex(dead.name), { ...note, state: 'deleting' });
  await home.platform.clock.advance(30 * dayMs);
  assert.deepEqual(packReasons(await clean(home)), ['delete dead']);
  assert.equal(await home.context.store.stat(place), null);
});

test('the site that is not home makes no plans', async () => {
  const sites = await twoSites('plans');
  const { mine, computer } = sites.home;
  const pack = mine.pack(computer, { blobCount: 40 });
  for (const site of [sites.home, sites.twin]) {
    await using session = await sessionOf(site.safe, mine, computer);
    await session.putPack(pack.name, pack.bytes);
    const refs = new RefsBuilder();
    refs.add(pack.name, 0);
    await session.commit(mine.record(computer, { ...following(session), refs: refs.finish() }).bytes);
    await read(site, site === sites.home ? sites.twin : sites.home);
  }
  const compact = { unusedMax: 0.05 };
  assert.equal((await clean(sites.twin, { compact })).compaction.plans, 0);
  assert.equal((await clean(sites.home, { compact })).compaction.plans, 1);
});
