/* Compaction at home: the twin makes the same packs from its own bytes, by the plan alone; only a site that has none of the origins takes the pack itself. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskedObject, TwinEvent } from '@twinvault/protocol';
import { dayMs, equalBytes } from '@twinvault/std';
import { memoryPlatform, TestSafe } from '@twinvault/testkit';
import type { TestRecord } from '@twinvault/testkit';
import { storedNames } from '../src/care/stored-objects.ts';
import { createDirectoryVault, vaultTwinSource } from '../src/index.ts';
import type { SiteVault } from '../src/index.ts';
import type { TakeInPlace } from '../src/twins/taking-in.ts';
import { writeTwinSites } from '../src/twins/twins.ts';
import { backup, root } from './harness.ts';
import { read, siteWith } from './two-sites.ts';
import type { TestSite } from './two-sites.ts';

interface Follower {
  readonly vault: SiteVault;
  /** Packs that were asked for, hexadecimal. */
  readonly asked: string[];
  /** From a place on, or all names. */
  take(from?: TakeInPlace): Promise<TakeInPlace>;
  /** What the feed names after a position. */
  events(after?: number): Promise<readonly TwinEvent[]>;
}

/** A site that has only what it took in from `home`. */
async function followerOf(home: TestSite, seed: string): Promise<Follower> {
  const platform = memoryPlatform(seed);
  const vault = await createDirectoryVault({ path: root, platform });
  const asked: string[] = [];
  const source = vaultTwinSource(home.vault, platform.random);
  const watched = new Proxy(source, {
    get: (target, key): unknown =>
      key === 'object'
        ? (safe: typeof home.mine.safe, name: AskedObject) => {
            if (name.kind === 'pack') asked.push(name.name);
            return target.object(safe, name);
          }
        : (Reflect.get(target, key) as () => unknown).bind(target),
  });
  // A safe that it has already names the store in which its twin stands.
  const other = new TestSafe(`${seed} other`);
  await vault.createSafe(other.newSafe);
  await writeTwinSites((await vault.partsOf(other.safe)).context.store, [home.self]);
  const take = async (from?: TakeInPlace): Promise<TakeInPlace> => {
    const report = await vault.takeIn(home.mine.safe, { source: watched, ...(from === undefined ? {} : { from }) });
    assert.deepEqual([report.held, report.left], [[], []]);
    return report.place;
  };
  const events = async (after = 0): Promise<readonly TwinEvent[]> =>
    (await source.feed(home.mine.safe, { after, waitMs: 0 })).events;
  return { vault, asked, take, events };
}

async function packsOf(vault: SiteVault, mine: TestSafe): Promise<string[]> {
  return storedNames((await vault.partsOf(mine.safe)).context, 'pack');
}

interface Compacted {
  readonly mine: TestSafe;
  readonly home: TestSite;
  /** Took the origins before home compacted them. */
  readonly early: Follower;
  /** Packs that home made, hexadecimal. */
  readonly made: readonly string[];
  readonly record: TestRecord;
}

async function compactedHome(seed: string): Promise<Compacted> {
  const mine = new TestSafe(seed);
  const computer = mine.enrol();
  const home = await siteWith(mine, computer, null);
  const early = await followerOf(home, 'early');
  const twin = { ...home, self: { ...(await early.vault.site()) } };
  await writeTwinSites(home.context.store, [twin.self]);

  const first = mine.pack(computer);
  await backup(home, { packs: [first] });
  await home.platform.clock.advance(dayMs);
  const part = { ...first, rows: first.rows.slice(1) };
  const record = await backup(home, { packs: [mine.pack(computer)], reused: [part] });
  await early.take();

  await home.platform.clock.advance(dayMs);
  await read(home, twin);
  const before = new Set(await packsOf(home.vault, mine));
  const keep = { others: { days: 0, copies: 1, intraday: false } };
  const clean = { keep, shareMax: 1, compact: { unusedMax: 0 }, quarantineMs: 0 };
  await home.vault.clean(mine.safe, clean);
  await read(home, twin);
  await home.vault.clean(mine.safe, clean);
  const made = (await packsOf(home.vault, mine)).filter((name) => !before.has(name));
  assert.ok(made.length > 0, 'home compacted');
  return { mine, home, early, made, record };
}

test('the same packs from its own bytes, and the pack itself where nothing of them is left', async () => {
  const { mine, home, early, made, record } = await compactedHome('twin compaction');
  early.asked.length = 0;
  await early.take();
  const [name = ''] = made;
  assert.ok((await packsOf(early.vault, mine)).includes(name), 'the twin has it');
  assert.deepEqual(early.asked, [], 'no pack was transferred');
  const { context } = await early.vault.partsOf(mine.safe);
  const [own, theirs] = [
    await context.store.get(context.layout.pack(name), 1e8),
    await home.context.store.get(home.context.layout.pack(name), 1e8),
  ];
  assert.ok(own !== null && theirs !== null && equalBytes(own, theirs), 'byte for byte');

  const late = await followerOf(home, 'late');
  await late.take();
  assert.ok(late.asked.includes(name), 'who never had the origin takes the pack');
  assert.deepEqual(await packsOf(late.vault, mine), await packsOf(home.vault, mine));
  for (const { vault } of [early, late]) {
    const { problems } = await vault.check({ safe: mine.safe, readData: true });
    const worse = problems.filter(({ severity }) => severity !== 'note').map(({ code, object }) => `${code} ${object}`);
    assert.deepEqual(worse, []);
    assert.ok((await (await vault.openSafe(mine.safe)).record(record.digest)).length > 0);
  }
});

test('a plan that was taken away here as spent is taken again when home has a pack of it again', async () => {
  const { mine, home, made } = await compactedHome('spent plan');
  const late = await followerOf(home, 'late');
  const { generation } = await late.take();
  const [name = ''] = made;
  const { context } = await late.vault.partsOf(mine.safe);
  const plans = await storedNames(context, 'plan');
  for (const plan of plans) await context.store.remove(context.layout.inFolder('plans', plan));
  await context.store.remove(context.layout.pack(name));
  const position = (await late.events()).find((event) => event.name === name)?.position ?? 0;
  assert.ok(plans.length > 0 && position > 1);
  await late.take({ generation, position: position - 1 });
  assert.deepEqual(await storedNames(context, 'plan'), plans);
  assert.deepEqual(await packsOf(late.vault, mine), await packsOf(home.vault, mine));
});
