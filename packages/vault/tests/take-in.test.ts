/*
 * Taking a safe in from another site: everything that the other has and that checks out, and nothing else, from wherever it was broken off.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectDigest, parseReceipt, verifyReceipt } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { AskedObject, TwinSource } from '@twinvault/protocol';
import { dayMs, equalBytes, toHex } from '@twinvault/std';
import { faultyFiles, memoryPlatform, rejectsWith, sessionOf, settle, TestSafe } from '@twinvault/testkit';
import type { MemoryPlatform, TestComputer, TestPack } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault, vaultTwinSource } from '../src/index.ts';
import type { SiteVault, TakeInOptions, TakeInReport } from '../src/index.ts';
import type { NewObject } from '../src/database/inventory.ts';
import { objectKinds, storedNames, storeNameOf } from '../src/care/stored-objects.ts';
import { homeOf } from '../src/homes/homes.ts';
import { writeTwinSites } from '../src/twins/twins.ts';
import { backup, readsBack, root } from './harness.ts';

interface Place {
  readonly platform: MemoryPlatform;
  readonly vault: SiteVault;
}

interface Two {
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  /** Home, where the safe was made. */
  readonly a: Place;
  /** Knows of the safe nothing but from A. */
  readonly b: Place;
}

async function place(seed: string): Promise<Place> {
  const platform = memoryPlatform(seed);
  return { platform, vault: await createDirectoryVault({ path: root, platform }) };
}

async function storeOf({ vault }: Place, mine: TestSafe): ReturnType<typeof contextOf> {
  return contextOf(vault, mine);
}

async function contextOf(vault: SiteVault, mine: TestSafe): Promise<Awaited<ReturnType<SiteVault['partsOf']>>['context']> {
  return (await vault.partsOf(mine.safe)).context;
}

/** Two sites that name each other as twins; a safe at the first. */
async function two(seed: string): Promise<Two> {
  const mine = new TestSafe(seed);
  const computer = mine.enrol();
  const [a, b] = [await place(`${seed} a`), await place(`${seed} b`)];
  await a.vault.createSafe(mine.newSafe);
  const other = new TestSafe('another of b');
  await b.vault.createSafe(other.newSafe);
  await nameTwins(a, b, [mine, other]);
  return { mine, computer, a, b };
}

async function nameTwins(a: Place, b: Place, [mine, other]: readonly [TestSafe, TestSafe]): Promise<void> {
  const [siteA, siteB] = [await a.vault.site(), await b.vault.site()];
  await writeTwinSites((await storeOf(a, mine)).store, [siteB]);
  await writeTwinSites((await storeOf(b, other)).store, [siteA]);
}

function sourceOf({ vault, platform }: Place): TwinSource {
  return vaultTwinSource(vault, platform.random);
}

function take({ vault }: Place, mine: TestSafe, options: TakeInOptions): Promise<TakeInReport> {
  return vault.takeIn(mine.safe, options);
}

async function run(
  { vault }: Place,
  { mine, computer }: Two,
  job: string = 'job',
  packs?: readonly TestPack[],
): ReturnType<typeof backup> {
  const safe = await vault.openSafe(mine.safe);
  return backup({ safe, mine, computer }, { job, ...(packs === undefined ? {} : { packs }) });
}

/** Names and bytes of all objects but this site's own receipts. */
async function objectsOf(at: Place, mine: TestSafe): Promise<Map<string, string>> {
  const context = await storeOf(at, mine);
  const all = new Map<string, string>();
  for (const kind of objectKinds) {
    if (kind === 'receipt') continue;
    for (const name of await storedNames(context, kind)) {
      const bytes = await context.store.get(storeNameOf(context.layout, kind, name), 64_000_000);
      all.set(`${kind} ${name}`, toHex(objectDigest(bytes ?? new Uint8Array(0))));
    }
  }
  return all;
}

/** A source whose objects pass through the test. */
function spoiled(source: TwinSource, between: (asked: AskedObject, bytes: Uint8Array | null) => Uint8Array | null): TwinSource {
  return {
    site: () => source.site(),
    safes: () => source.safes(),
    descriptor: (safe) => source.descriptor(safe),
    feed: (safe, options) => source.feed(safe, options),
    object: async (safe, asked) => between(asked, await source.object(safe, asked)),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

test('a safe is taken in whole: same objects, own receipts, and it is home where it was made', async () => {
  const all = await two('whole');
  const { mine, a, b } = all;
  const packs = [mine.pack(all.computer), mine.pack(all.computer)];
  const record = await run(a, all, 'job', packs);
  await run(a, all);
  b.platform.clock.jump(dayMs);
  const fresh: NewObject[] = [];
  const report = await take(b, mine, { source: sourceOf(a), announce: async (objects) => void fresh.push(...objects) });
  assert.deepEqual([report.held, report.left], [[], []]);
  assert.equal(report.place.position, report.last);
  assert.notEqual(report.endAskedMs, null);
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
  const safe = await b.vault.openSafe(mine.safe);
  assert.ok(await readsBack(safe, packs));
  const records = await safe.records();
  const [siteA, siteB] = [await a.vault.site(), await b.vault.site()];
  assert.deepEqual(
    records.map(({ sites }) => sites?.map(toHex)),
    [
      [toHex(siteB.site), toHex(siteA.site)],
      [toHex(siteB.site), toHex(siteA.site)],
    ],
  );
  const { context, records: stored } = await b.vault.partsOf(mine.safe);
  const receipt = verifyReceipt((await stored.receiptBytes(record.digest)) ?? new Uint8Array(0), siteB.publicKey);
  assert.ok(equalBytes(receipt.site, siteB.site));
  const theirs = parseReceipt(
    (await (await a.vault.partsOf(mine.safe)).records.receiptBytes(record.digest)) ?? new Uint8Array(0),
  );
  assert.ok(receipt.receivedMs > theirs.receivedMs, 'its own time');
  assert.ok(equalBytes(await homeOf(await b.vault.partsOf(mine.safe)), siteA.site));
  const names = new Set(fresh.map(({ kind, name }) => `${kind} ${name}`));
  for (const kind of objectKinds)
    for (const name of await storedNames(context, kind)) assert.ok(names.has(`${kind} ${name}`), `${kind} is announced`);
  assert.deepEqual((await b.vault.check({ safe: mine.safe, readData: true })).problems, []);
});

test('taken in again from where it was, only what came since is asked for', async () => {
  const all = await two('since');
  const { mine, a, b } = all;
  await run(a, all);
  const source = sourceOf(a);
  const before = await take(b, mine, { source });
  await run(a, all);
  const asked: string[] = [];
  const counted = spoiled(source, (object, bytes) => {
    asked.push(object.kind);
    return bytes;
  });
  const report = await take(b, mine, { source: counted, from: before.place });
  assert.equal(report.objects, 3);
  assert.deepEqual(asked.filter((kind) => kind === 'pack' || kind === 'record').sort(), ['pack', 'record']);
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
});

test('the ledger grows with its slots, and one that forks is never taken', async () => {
  const all = await two('ledger');
  const { mine, a, b } = all;
  const source = sourceOf(a);
  const before = await take(b, mine, { source });
  const slot = mine.makeSlot();
  const entry = mine.entry({ kind: 'slots', slots: [objectDigest(slot)] });
  await (await a.vault.openSafe(mine.safe)).replaceSlots([slot], entry);
  const rival = mine.append({ kind: 'feature', name: 'x', on: false });
  await take(b, mine, { source, from: before.place });
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
  assert.deepEqual((await (await b.vault.openSafe(mine.safe)).slots()).map(toHex), [toHex(slot)]);
  const forked = spoiled(source, ({ kind }, bytes) => (kind === 'ledger' ? rival : bytes));
  await rejectsWith(take(b, mine, { source: forked }), 'ledger-forked');
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
});

test('a record is never receipted before all its origins are here', async () => {
  const all = await two('origins');
  const { mine, a, b } = all;
  const [there, missing] = [mine.pack(all.computer), mine.pack(all.computer)];
  const record = await run(a, all, 'job', [there, missing]);
  const source = sourceOf(a);
  const hides = spoiled(source, ({ name }, bytes) => (name === toHex(missing.name) ? null : bytes));
  const report = await take(b, mine, { source: hides });
  assert.deepEqual(report.held, [{ kind: 'record', name: toHex(record.digest), code: 'origin-missing' }]);
  assert.equal(report.endAskedMs, null);
  assert.ok(report.place.position < report.last);
  const safe = await b.vault.openSafe(mine.safe);
  assert.deepEqual(await safe.records(), []);
  const { records } = await b.vault.partsOf(mine.safe);
  assert.equal(await records.receiptBytes(record.digest), null);
  const after = await take(b, mine, { source, from: report.place });
  assert.deepEqual(after.held, []);
  assert.equal((await safe.records()).length, 1);
  assert.ok(await readsBack(safe, [there, missing]));
});

test('what does not check out is not taken, whatever it is', async () => {
  const all = await two('lies');
  const { mine, a, b } = all;
  await run(a, all);
  const source = sourceOf(a);
  await take(b, mine, { source });
  const before = await objectsOf(b, mine);
  for (const kind of ['pack', 'record', 'receipt'] as const) {
    await run(a, all);
    const lies = spoiled(source, (asked, bytes) => {
      if (asked.kind !== kind || bytes === null) return bytes;
      const changed = bytes.slice();
      changed[Math.floor(bytes.length / 2)] = (changed[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
      return changed;
    });
    const report = await take(b, mine, { source: lies });
    assert.equal(report.endAskedMs, null, kind);
    assert.ok(
      report.held.some((held) => held.kind === kind),
      kind,
    );
  }
  assert.notDeepEqual(before, await objectsOf(a, mine));
  const swapped = spoiled(source, (asked, bytes) => (asked.kind === 'pack' ? new Uint8Array(40) : bytes));
  await take(b, mine, { source: swapped });
  await take(b, mine, { source });
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
  assert.deepEqual((await b.vault.check({ safe: mine.safe, readData: true })).problems, []);
});

test('a source that says it is the twin, and has another key, is not asked at all', async () => {
  const all = await two('impostor');
  const source = sourceOf(all.a);
  const impostor: TwinSource = {
    ...spoiled(source, (_, bytes) => bytes),
    site: async () => ({ ...(await source.site()), publicKey: new Uint8Array(32).fill(9) }),
  };
  await take(all.b, all.mine, { source });
  await rejectsWith(take(all.b, all.mine, { source: impostor }), 'answer-invalid');
});

test('what both wrote while apart stands at both afterwards, and the next run joins it', async () => {
  const all = await two('forks');
  const { mine, computer, a, b } = all;
  await run(a, all);
  const [fromA, fromB] = [sourceOf(a), sourceOf(b)];
  await take(b, mine, { source: fromA });
  const [one, other] = [await run(a, all), await run(b, all)];
  await take(b, mine, { source: fromA });
  await take(a, mine, { source: fromB });
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
  for (const { vault } of [a, b]) {
    await using session = await sessionOf(await vault.openSafe(mine.safe), mine, computer);
    assert.deepEqual(session.heads.map(({ digest }) => toHex(digest)).sort(), [toHex(one.digest), toHex(other.digest)].sort());
  }
  const joined = await run(b, all);
  assert.equal(joined.public.previous.length, 2);
  await take(a, mine, { source: fromB });
  assert.deepEqual(await objectsOf(b, mine), await objectsOf(a, mine));
});

test('a site that lost its disk and not its key gets its own receipts back', async () => {
  const all = await two('lost');
  const { mine, a, b } = all;
  const record = await run(a, all);
  await take(b, mine, { source: sourceOf(a) });
  await take(a, mine, { source: sourceOf(b) });
  const { context, records } = await b.vault.partsOf(mine.safe);
  const receipt = await records.receiptBytes(record.digest);
  assert.ok(receipt);
  await context.store.clear(context.layout.folder);
  b.platform.clock.jump(dayMs);
  const vault = await openDirectoryVault({ path: root, platform: b.platform });
  const { returned } = await vault.takeIn(mine.safe, { source: sourceOf(a) });
  assert.equal(returned, 1, 'and says that it had lost it');
  const again = await (await vault.partsOf(mine.safe)).records.receiptBytes(record.digest);
  assert.deepEqual(again, receipt);
});

test('broken off at any step and begun again, it ends the same', async () => {
  const all = await two('cut');
  const { mine, a } = all;
  for (let count = 0; count < 3; count += 1) await run(a, all, `job ${count % 2}`);
  const whole = await objectsOf(a, mine);
  for (let failAt = 1; ; failAt += 3) {
    const platform = memoryPlatform('cut b');
    const vault = await createDirectoryVault({ path: root, platform });
    const files = faultyFiles(platform.files, { failNth: failAt, times: 1_000_000 });
    const isCut = await openDirectoryVault({ path: root, platform: { ...platform, files } })
      .then((cut) => cut.takeIn(mine.safe, { source: sourceOf(a) }))
      .then(
        () => false,
        (error: unknown) => {
          assert.ok(error instanceof ProtocolError, String(error));
          return true;
        },
      );
    await settle();
    await platform.clock.advance(dayMs);
    const report = await vault.takeIn(mine.safe, { source: sourceOf(a) });
    assert.deepEqual(report.held, []);
    assert.deepEqual(await objectsOf({ platform, vault }, mine), whole, `cut at ${failAt}`);
    assert.deepEqual((await vault.check({ safe: mine.safe, readData: true })).problems, [], `cut at ${failAt}`);
    if (!isCut) return;
  }
});
