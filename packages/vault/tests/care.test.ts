/*
 * What a site does by itself, on both databases and a store in memory, by a clock that the test moves. Proves: every flipped byte is found and
 * its pack set aside; nothing is unverified for longer than promised; nothing goes below the minimum age, whoever asks; the tables follow
 * the store and can all be lost.
 */

import assert from 'node:assert/strict';
import { dayMs, hourMs, toHex } from '@twinvault/std';
import { careHandlers } from '../src/care/care.ts';
import { reconcileSafe } from '../src/care/reconcile.ts';
import { scrub, unverifiedMsMax } from '../src/care/scrub.ts';
import type { ScrubParts } from '../src/care/scrub.ts';
import { careSafe } from '../src/care/care-parts.ts';
import type { KeptObject } from '../src/database/inventory.ts';
import type { Task } from '../src/database/tasks.ts';
import { Worker } from '../src/database/worker.ts';
import type { SiteTables } from '../src/database/tables.ts';
import { MemoryStore } from '@twinvault/testkit';
import { careWorld } from './care-world.ts';
import type { CareWorld } from './care-world.ts';
import { onEachDatabase } from './databases.ts';
import { backup } from './harness.ts';

const everythingGoes = { keep: { types: {}, others: { days: 0, copies: 0, intraday: true } }, quarantineMs: 0, shareMax: 1 };

async function runTask(site: CareWorld, kind: 'clean' | 'check' | 'rebuild', input: object): Promise<Task | null> {
  const safe = kind === 'rebuild' ? {} : { safe: site.hex };
  const id = await site.parts.queue.add({ kind, customer: 'operator', ...safe, input: input as Record<string, never> });
  await site.worker.runDue();
  return site.parts.queue.find(id);
}

async function inventoryOf({ parts, hex }: CareWorld): Promise<Omit<KeptObject, 'position' | 'verifiedMs'>[]> {
  const rows: Omit<KeptObject, 'position' | 'verifiedMs'>[] = [];
  for (const kind of ['ledger', 'slots', 'plan', 'pack', 'record', 'receipt', 'stub'] as const) {
    for (const { position: _, verifiedMs: __, ...row } of await parts.inventory.page(hex, kind)) rows.push(row);
  }
  return rows;
}

async function flip({ platform, hex }: CareWorld, pack: string, at: number): Promise<void> {
  const path = `/vault/safes/${hex}/packs/${pack.slice(0, 2)}/${pack}`;
  const bytes = await platform.files.read(path, 1 << 24);
  assert.ok(bytes);
  const flipped = bytes.slice();
  flipped[at % bytes.length] = (flipped[at % bytes.length] ?? 0) ^ (1 << (at % 8));
  await platform.files.replace(path, [flipped]);
}

onEachDatabase(
  'a flipped byte, wherever, is found by the scrub; the pack stands aside until it is stored again',
  async (world) => {
    const site = await careWorld(world);
    const { parts, mine, computer, platform, hex } = site;
    const packs = Array.from({ length: 6 }, () => mine.pack(computer));
    await backup(site, { packs });
    await reconcileSafe((await site.vault.partsOf(mine.safe)).context, parts.inventory);
    const hurt = packs.slice(0, 4);
    for (const [index, { name }] of hurt.entries()) await flip(site, toHex(name), [0, 40, 1000, 77_777][index] ?? 0);
    const [scrubTask] = [await parts.queue.findByKey('scrub')];
    assert.ok(scrubTask);
    await platform.clock.advance(hourMs);
    await site.worker.runDue();
    const report = (await parts.queue.find(scrubTask.id))?.report as { damaged: { name: string }[]; late: boolean };
    assert.deepEqual(report.damaged.map(({ name }) => name).toSorted(), hurt.map(({ name }) => toHex(name)).toSorted());
    assert.equal(report.late, false);
    for (const { name } of hurt) {
      assert.ok(await platform.files.stat(`/vault/safes/${hex}/damaged/${toHex(name)}`));
      assert.equal((await parts.inventory.find(hex, { kind: 'pack', name: toHex(name) }))?.state, 'damaged');
    }
    const feed = new Set((await parts.inventory.feed(hex, 0)).events.map(({ name }) => name));
    assert.ok(hurt.every(({ name }) => !feed.has(toHex(name))));
    // The next run stores them again, and the record is whole.
    await backup(site, { job: 'again', packs });
    const reconciled = await reconcileSafe((await site.vault.partsOf(mine.safe)).context, parts.inventory);
    assert.ok(reconciled.announced >= hurt.length);
    assert.equal((await parts.inventory.totals(hex)).damaged, 0);
  },
);

onEachDatabase('nothing is unverified for longer than promised, also when the site was off for days', async (world) => {
  const site = await careWorld(world);
  const { parts, mine, computer, platform } = site;
  const { scrub: handler } = careHandlers(parts);
  assert.ok(handler);
  const scrubber = new Worker({ queue: parts.queue, handlers: { scrub: handler }, node: 'one', ...parts.ports });
  const read: number[] = [];
  for (let day = 0; day < 50; day += 1) {
    if (day % 10 === 0) {
      await backup(site, { job: `job ${day}`, packs: [mine.pack(computer), mine.pack(computer)] });
      await reconcileSafe((await site.vault.partsOf(mine.safe)).context, parts.inventory);
    }
    await platform.clock.advance(dayMs);
    if (day >= 30 && day < 35) continue;
    await scrubber.runDue();
    const ran = await parts.queue.findByKey('scrub');
    assert.ok(ran);
    read.push((ran.report as { bytes: number }).bytes);
    const { oldestVerifiedMs } = await parts.inventory.totals();
    assert.ok(platform.clock.nowMs() - (oldestVerifiedMs ?? 0) < unverifiedMsMax, `day ${day}`);
  }
  assert.ok(read.every((bytes) => bytes > 0));
});

onEachDatabase('bytes are read no faster than the rate that was set', async (world) => {
  const site = await careWorld(world);
  const { parts, platform, hex, mine } = site;
  const context = (await careSafe(parts, mine.safe))?.context ?? null;
  const sleeps: number[] = [];
  const scrubParts: ScrubParts = {
    inventory: parts.inventory,
    safeOf: () => Promise.resolve(context),
    clock: platform.clock,
    timers: {
      sleep: async (ms) => {
        sleeps.push(ms);
        await platform.clock.advance(ms);
      },
      every: () => ({ cancel: () => undefined }),
    },
    nowMs: () => Promise.resolve(platform.clock.nowMs()),
  };
  const packs = Array.from({ length: 40 }, () => mine.pack(site.computer));
  await backup(site, { packs });
  await parts.inventory.clear(hex);
  await reconcileSafe((await site.vault.partsOf(mine.safe)).context, parts.inventory);
  await platform.clock.advance(1000);
  const bytes = packs.reduce((sum, pack) => sum + pack.bytes.length, 0);
  const startedMs = platform.clock.monotonicMs();
  const report = await scrub(scrubParts, { bytesPerSecondMax: 10_000 });
  assert.ok(report.bytes >= bytes);
  const seconds = (platform.clock.monotonicMs() - startedMs) / 1000;
  assert.ok(Math.abs(seconds - report.bytes / 10_000) < 2, `${seconds} s for ${report.bytes} bytes`);
  assert.ok(sleeps.length > 10);
});

onEachDatabase('nothing younger than the minimum age is retired or deleted, whoever asks', async (world) => {
  const site = await careWorld(world, { minimumAgeMs: 10 * dayMs });
  const { platform, mine, computer, safe } = site;
  const loose = mine.pack(computer);
  await using session = await safe.openSession({
    certificate: computer.certificate,
    computer: computer.computer,
    job: 'broken off',
    ledger: mine.ledger.head,
  });
  await session.putPack(loose.name, loose.bytes);
  await session[Symbol.asyncDispose]();
  const first = await backup(site);
  await platform.clock.advance(dayMs);
  const second = await backup(site);
  await platform.clock.advance(dayMs);
  await backup(site);
  const standing = async (): Promise<string[]> =>
    (await safe.records()).filter(({ retired }) => !retired).map(({ digest }) => toHex(digest));
  const packCount = async (): Promise<number> => (await site.parts.inventory.page(site.hex, 'pack')).length;
  for (const [day, afterDays] of [
    [2, 0],
    [5, 3],
    [9, 4],
  ] as const) {
    await platform.clock.advance(afterDays * dayMs);
    const task = await runTask(site, 'clean', { ...everythingGoes, minimumAgeMs: 0 });
    assert.equal(task?.state, 'done', JSON.stringify(task?.problem));
    assert.equal((await standing()).length, 3, `day ${day}`);
    assert.equal(await packCount(), 4, `day ${day}`);
  }
  await platform.clock.advance(dayMs + hourMs);
  await runTask(site, 'clean', everythingGoes);
  assert.deepEqual((await standing()).includes(toHex(first.digest)), false);
  assert.equal((await standing()).includes(toHex(second.digest)), true);
  // Marked at the first, gone at the next: what the first safeset alone needed, and what no record ever named.
  await platform.clock.advance(hourMs);
  await runTask(site, 'clean', everythingGoes);
  assert.equal(await packCount(), 2);
});

onEachDatabase(
  'where the store locks, what a young safeset needs is locked to the end of its minimum age, and that is extended daily',
  async (world) => {
    const state: { store: MemoryStore | null } = { store: null };
    const site = await careWorld(
      world,
      { minimumAgeMs: 10 * dayMs },
      (clock) => (state.store = new MemoryStore({ clock, locks: true })),
    );
    const { platform, parts, mine, computer, hex } = site;
    const pack = mine.pack(computer);
    await backup(site, { packs: [pack] });
    const firstMs = platform.clock.nowMs();
    const lockedMs = async (): Promise<number> =>
      (await parts.inventory.find(hex, { kind: 'pack', name: toHex(pack.name) }))?.lockedMs ?? 0;
    await platform.clock.advance(dayMs);
    await site.worker.runDue();
    await platform.clock.advance(dayMs);
    await site.worker.runDue();
    assert.equal(await lockedMs(), firstMs + 10 * dayMs);
    // Used again by a later safeset: its lock runs to the end of that one's age.
    const secondMs = platform.clock.nowMs();
    await backup(site, { packs: [], reused: [pack] });
    await platform.clock.advance(dayMs);
    await site.worker.runDue();
    await platform.clock.advance(dayMs);
    await site.worker.runDue();
    assert.equal(await lockedMs(), secondMs + 10 * dayMs);
    const name = `safes/${hex}/packs/${toHex(pack.name).slice(0, 2)}/${toHex(pack.name)}`;
    assert.equal(await state.store?.lock(name, 0), true);
    const records = await parts.inventory.page(hex, 'record');
    assert.deepEqual(
      records.map((row) => row.lockedMs).toSorted((a, b) => a - b),
      [firstMs + 10 * dayMs, secondMs + 10 * dayMs],
    );
    assert.deepEqual(
      site.ends.filter(({ outcome }) => outcome !== 'done'),
      [],
    );
  },
);

onEachDatabase('the tables follow the store, whatever happened behind them', async (world) => {
  const site = await careWorld(world);
  const { parts, mine, platform, hex } = site;
  await site.worker.runDue();
  const record = await backup(site, { packs: [mine.pack(site.computer), mine.pack(site.computer)] });
  const { context } = await site.vault.partsOf(mine.safe);
  const first = await reconcileSafe(context, parts.inventory);
  assert.equal(first.announced, 4);
  assert.deepEqual(await reconcileSafe(context, parts.inventory), { ...first, announced: 0 });
  const rows = await inventoryOf(site);
  const lost = rows.find(({ kind }) => kind === 'pack');
  assert.ok(lost);
  await platform.files.remove(`/vault/safes/${hex}/packs/${lost.name.slice(0, 2)}/${lost.name}`);
  const second = await reconcileSafe(context, parts.inventory);
  assert.deepEqual([second.withdrawn, second.objects], [1, first.objects - 1]);
  assert.ok(rows.some(({ name }) => name === toHex(record.digest)));
});

onEachDatabase('all tables can be lost: a rebuild fills each anew', async (world) => {
  const site = await careWorld(world);
  const { parts, mine, platform, hex } = site;
  // Without clean-up: what packs had that are gone is what a rebuild cannot know.
  const { clean: _, ...handlers } = careHandlers(parts);
  const worker = new Worker({ queue: parts.queue, handlers, node: 'one', ...parts.ports });
  for (let day = 0; day < 4; day += 1) {
    await backup(site, { job: `job ${day % 2}` });
    await platform.clock.advance(dayMs);
    await worker.runDue();
  }
  await backup(site, { job: 'job 0' });
  await platform.clock.advance(hourMs);
  for (const key of ['reconcile', 'meter']) await parts.queue.drop(`${key} ${hex}`);
  await site.parts.queue.add({ kind: 'reconcile', customer: 'site', safe: hex });
  await site.parts.queue.add({ kind: 'meter', customer: 'site', safe: hex });
  await worker.runDue();
  const before = await everything(site);
  assert.ok(before.inventory.length > 15 && before.metering.length >= 5);
  assert.equal(before.metering.at(-1)?.safesets, 2);
  await site.parts.database.change(async (tables) => {
    const names: (keyof SiteTables)[] = ['facts', 'leases', 'exchanges', 'tasks', 'turns', 'inventory', 'positions', 'metering'];
    for (const name of names) await tables.deleteFrom(name).execute();
  });
  const task = await runTask(site, 'rebuild', {});
  assert.equal(task?.state, 'done', JSON.stringify(task?.problem));
  const after = await everything(site);
  assert.deepEqual(after, before);
  assert.ok(await parts.queue.findByKey(`clean ${hex}`));
  assert.ok(await parts.queue.findByKey('scrub'));
  assert.equal((await parts.inventory.totals(toHex(mine.safe))).damaged, 0);
});

async function everything(site: CareWorld): Promise<{ inventory: unknown[]; metering: { safesets: number }[] }> {
  const metering = await site.parts.metering.rows({ from: 0, to: 100_000, safe: site.hex });
  return { inventory: await inventoryOf(site), metering: [...metering] };
}

onEachDatabase('clean-up, check and metering run by themselves; what an operator asks has its report', async (world) => {
  const site = await careWorld(world, { keep: { others: { days: 1, copies: 1, intraday: true } } });
  const { parts, platform, safe } = site;
  for (let day = 0; day < 6; day += 1) {
    await backup(site);
    await platform.clock.advance(dayMs);
    await site.worker.runDue();
  }
  assert.deepEqual(
    site.ends.filter(({ outcome }) => outcome !== 'done'),
    [],
  );
  const standing = (await safe.records()).filter(({ retired }) => !retired);
  assert.ok(standing.length < 4, `${standing.length} stand`);
  const today = Math.floor(platform.clock.nowMs() / dayMs);
  const rows = await parts.metering.rows({ from: today - 3, to: today, safe: site.hex });
  assert.ok(rows.length >= 3, JSON.stringify(rows));
  assert.ok(
    rows.every(
      ({ protectedBytes, storedBytes, safesets, customer }) =>
        protectedBytes === 0 && storedBytes > 0 && safesets > 0 && customer === 'Ada & Co',
    ),
    JSON.stringify(rows),
  );
  const checked = await runTask(site, 'check', { readData: true });
  const report = checked?.report as { problems: unknown[]; packs: number };
  assert.deepEqual([checked?.state, report.problems, report.packs > 0], ['done', [], true]);
  const dry = await runTask(site, 'clean', { dryRun: true });
  assert.ok(dry);
  assert.equal((dry.report as { dryRun: boolean }).dryRun, true);
  const unknown = await parts.queue.add({ kind: 'clean', customer: 'operator', safe: '00'.repeat(16), input: {} });
  await site.worker.runDue();
  assert.equal((await parts.queue.find(unknown))?.problem?.code, 'safe-unknown');
});
