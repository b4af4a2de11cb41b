/* The return of a former home: what it appended while it was away has lost, unless something that it acknowledged rests on it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError, Ledger } from '@twinvault/format';
import type { TwinSource } from '@twinvault/protocol';
import { equalBytes, minuteMs } from '@twinvault/std';
import { faultyFiles, rejectsWith, TestSafe } from '@twinvault/testkit';
import { homeOf } from '../src/homes/homes.ts';
import { adoptMovedHome, voidedEntries } from '../src/homes/moved-home.ts';
import { openDirectoryVault, vaultTwinSource } from '../src/index.ts';
import { backup, code, pump, root } from './harness.ts';
import { homeEntry, siteWith, twoOperators, twoSites } from './two-sites.ts';
import type { TwoSites } from './two-sites.ts';

interface Split extends TwoSites {
  /** Of the new home, from entry 1. */
  readonly theirs: readonly Uint8Array[];
  readonly operators: readonly [Uint8Array, Uint8Array];
}

/** Both sites as they were when the first went away; then the other was made home, and `late` entries were appended at the first. */
async function split(seed: string, late: number): Promise<Split> {
  const sites = await twoSites(seed);
  const { home, twin } = sites;
  const operators = await twoOperators(sites);
  const before = await home.safe.ledger(1);
  const { ledger } = await twin.vault.partsOf(twin.mine.safe);
  for (const entry of before) await ledger.append(entry);
  const moved = homeEntry(home.mine, twin.self.site, operators);
  for (let index = 0; index < late; index += 1)
    await home.safe.appendLedger(home.mine.append({ kind: 'feature', name: `late ${index}`, on: false }));
  await twin.safe.appendLedger(moved);
  return { ...sites, theirs: await twin.safe.ledger(1), operators };
}

async function numbers({ home }: TwoSites): Promise<number[]> {
  return (await voidedEntries(await home.vault.partsOf(home.mine.safe))).map(({ number }) => number);
}

test('a former home takes the ledger of the new one, and keeps what lost beside it', async () => {
  for (const late of [0, 1, 3]) {
    const parts = await split(`returns ${late}`, late);
    const { home, twin, theirs } = parts;
    const own = await home.vault.partsOf(home.mine.safe);
    // Read before, as by a session that is open meanwhile.
    const open = await home.vault.partsOf(home.mine.safe);
    await open.ledger.current();
    const lost = await adoptMovedHome(own, theirs);
    assert.equal(lost.length, late);
    assert.deepEqual(
      await numbers(parts),
      lost.map(({ number }) => number),
    );
    assert.deepEqual(await home.safe.ledger(1), theirs);
    for (const each of [own, open]) assert.ok(equalBytes(await homeOf(each), twin.self.site));
    assert.equal((await open.ledger.current()).head.number, theirs.length);
    await rejectsWith(home.safe.appendLedger(home.mine.entry({ kind: 'feature', name: 'x', on: false })), 'not-home');
    assert.deepEqual(await adoptMovedHome(own, theirs), []);
    const { problems } = await home.vault.check({ safe: home.mine.safe });
    assert.deepEqual(
      problems.map((problem) => problem.code),
      Array.from({ length: late }, () => 'ledger-lost'),
    );
  }
});

test('no other ledger takes an entry away', async () => {
  const parts = await split('refused', 2);
  const { home, theirs, operators } = parts;
  const own = await home.vault.partsOf(home.mine.safe);
  const before = await home.safe.ledger(1);
  // Shorter, and it moves no home.
  await rejectsWith(adoptMovedHome(own, theirs.slice(0, -1)), 'ledger-forked');
  // Another entry in the place of the one that moves it.
  const shared = theirs.slice(0, -1);
  const prefix = shared.reduce((ledger, entry) => ledger.append(entry), Ledger.replay(home.mine.descriptor, []));
  const fake = new TestSafe('refused');
  for (const entry of prefix.entries().slice(2).keys()) fake.accept(shared[entry + 2] ?? new Uint8Array(0));
  const other = fake.entry({ kind: 'feature', name: 'other', on: false });
  await rejectsWith(adoptMovedHome(own, [...shared, other]), 'ledger-forked');
  // One operator alone, twice.
  const [one] = operators;
  await refused(adoptMovedHome(own, [...shared, homeEntry(fake, parts.twin.self.site, [one, one])]), 'ledger-signer');
  // Another safe's.
  await refused(adoptMovedHome(own, new TestSafe('stranger').newSafe.ledger), 'safe-mismatch');
  assert.deepEqual(await home.safe.ledger(1), before);
  assert.deepEqual(await numbers(parts), []);
});

async function refused(work: Promise<unknown>, expected: string): Promise<void> {
  await assert.rejects(work, (error) => error instanceof FormatError && error.code === expected);
}

test('of two moves neither takes the other away', async () => {
  const parts = await split('two moves', 0);
  const { home, twin, theirs, operators } = parts;
  await home.safe.appendLedger(homeEntry(home.mine, home.self.site, operators));
  await rejectsWith(adoptMovedHome(await home.vault.partsOf(home.mine.safe), theirs), 'ledger-forked');
  await rejectsWith(adoptMovedHome(await twin.vault.partsOf(twin.mine.safe), await home.safe.ledger(1)), 'ledger-forked');
});

test('what was acknowledged on an entry that would be lost keeps the ledger as it is', async () => {
  const parts = await split('rests', 0);
  const { home, theirs } = parts;
  const { mine } = home;
  const computer = mine.enrol('late');
  await home.safe.appendLedger(mine.newSafe.ledger.at(-1) ?? new Uint8Array(0));
  const record = await backup({ safe: home.safe, mine, computer }, { job: 'late' });
  const before = await home.safe.ledger(1);
  const { context } = await rejectsWith(adoptMovedHome(await home.vault.partsOf(mine.safe), theirs), 'ledger-forked');
  assert.equal(context['records'], 1);
  assert.deepEqual(await home.safe.ledger(1), before);
  assert.deepEqual(await home.safe.record(record.digest), record.bytes);
});

test('a record from before the fork does not keep it', async () => {
  const sites = await twoSites('before');
  await backup(sites.home);
  const operators = await twoOperators(sites);
  const shared = await sites.home.safe.ledger(1);
  const moved = homeEntry(sites.home.mine, sites.twin.self.site, operators);
  await sites.home.safe.appendLedger(sites.home.mine.append({ kind: 'feature', name: 'late', on: false }));
  const own = await sites.home.vault.partsOf(sites.home.mine.safe);
  assert.equal((await adoptMovedHome(own, [...shared, moved])).length, 1);
});

test('killed at any step, it has a whole ledger, and goes on', async () => {
  for (let failAt = 1; ; failAt += 1) {
    const parts = await split(`killed ${failAt}`, 2);
    const { home, theirs } = parts;
    const files = faultyFiles(home.platform.files, { failNth: failAt, times: Infinity, when: 'before', error: 'file-failed' });
    const adopt = async (): Promise<string> => {
      const dying = await openDirectoryVault({ path: root, platform: { ...home.platform, files } });
      await adoptMovedHome(await dying.partsOf(home.mine.safe), theirs);
      return 'done';
    };
    const outcome = await pump(home.platform, adopt()).catch((error: unknown) => code(error));
    await home.platform.clock.advance(3 * minuteMs);
    const own = await home.vault.partsOf(home.mine.safe);
    const after = await own.ledger.current();
    assert.ok(after.head.number >= theirs.length - 1, `step ${failAt}`);
    if (outcome === 'done') break;
    await pump(home.platform, adoptMovedHome(own, theirs));
    assert.deepEqual(await home.safe.ledger(1), theirs, `step ${failAt}`);
    assert.deepEqual(await numbers(parts), [theirs.length, theirs.length + 1], `step ${failAt}`);
  }
});

test('a former home that follows its twin finds out by itself, and what it committed goes on', async () => {
  for (const late of [1, 3]) {
    const { home, twin, theirs } = await split(`follows ${late}`, late);
    const lines = await home.safe.ledger(1);
    // Of a session that began before: its record rests on entries that both have.
    const shared = new TestSafe(`follows ${late}`);
    const computer = shared.enrol();
    for (const entry of lines.slice(shared.head.number, theirs.length - 1)) shared.accept(entry);
    const record = await backup({ safe: home.safe, mine: shared, computer }, { job: 'before' });
    const source = vaultTwinSource(twin.vault, twin.platform.random);
    await home.vault.takeIn(home.mine.safe, { source });
    assert.deepEqual(await home.safe.ledger(1), theirs);
    assert.ok(equalBytes(await homeOf(await home.vault.partsOf(home.mine.safe)), twin.self.site));
    await twin.vault.takeIn(twin.mine.safe, { source: vaultTwinSource(home.vault, home.platform.random) });
    assert.deepEqual(await twin.safe.record(record.digest), record.bytes);
  }
});

test('a twin that lies about the ledger moves nothing', async () => {
  const { home, twin } = await split('lies', 1);
  const before = await home.safe.ledger(1);
  const honest = vaultTwinSource(twin.vault, twin.platform.random);
  const forged = home.mine.entry({ kind: 'feature', name: 'forged', on: false }, home.mine.prng.bytes(32));
  const lying: TwinSource = {
    site: () => honest.site(),
    safes: () => honest.safes(),
    descriptor: (safe) => honest.descriptor(safe),
    feed: (safe, options) => honest.feed(safe, options),
    object: async (safe, asked) =>
      asked.kind === 'ledger' && Number(asked.name) === before.length ? forged : honest.object(safe, asked),
    [Symbol.asyncDispose]: () => honest[Symbol.asyncDispose](),
  };
  await assert.rejects(home.vault.takeIn(home.mine.safe, { source: lying }));
  assert.deepEqual(await home.safe.ledger(1), before);
});

test('a site that was not there at all needs no such thing', async () => {
  const parts = await split('fresh', 0);
  const third = await siteWith(parts.home.mine, parts.home.computer, parts.home.self.site);
  assert.deepEqual(await adoptMovedHome(await third.vault.partsOf(third.mine.safe), parts.theirs), []);
});
