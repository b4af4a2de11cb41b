/*
 * Object lock as a site uses it, against a real Ceph gateway and in real time: what a young safeset needs cannot be removed with the bucket's own credentials before its
 * date and goes after it, and a lock is extended.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { hourMs, secondMs, toHex } from '@twinvault/std';
import { nodePlatform, systemClock } from '@twinvault/std/node';
import { s3Missing, TestSafe } from '@twinvault/testkit';
import type { TestPack } from '@twinvault/testkit';
import { bucketParts } from '../src/bucket-vault.ts';
import { careSafe } from '../src/care/care-parts.ts';
import { lockSafe } from '../src/care/lock.ts';
import { reconcileSafe } from '../src/care/reconcile.ts';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { Inventory } from '../src/database/inventory.ts';
import { Metering } from '../src/database/metering.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import { WorkQueue } from '../src/database/work-queue.ts';
import { createVault } from '../src/index.ts';
import type { SiteVault } from '../src/index.ts';
import { backup } from './harness.ts';
import { S3World } from './s3-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinvault-s3-lock-'));
after(() => rmSync(folder, { recursive: true }));

test('Ceph keeps what a young safeset needs until its date, and no longer', { skip: s3Missing() }, async () => {
  await using world = await S3World.start();
  const bucket = await world.makeBucket({ lock: true });
  const platform = nodePlatform();
  await using database = await openSiteDatabase({ config: { type: 'sqlite', path: join(folder, 'site.db') }, platform });
  const inventory = new Inventory(database);
  const leases = new DatabaseLeases({ database, timers: platform.timers, processes: platform.processes });
  const siteOf = async (minimumAgeMs: number): Promise<SiteVault> => {
    const paths = { cachePath: join(folder, 'cache'), keyPath: join(folder, 'key') };
    return createVault(await bucketParts({ bucket, lockMode: 'COMPLIANCE', leases, platform, minimumAgeMs, ...paths }));
  };
  /** Does what the site does each day. Until when the gateway was told to keep the pack. */
  const lockDaily = async (vault: SiteVault, mine: TestSafe, pack: TestPack): Promise<number> => {
    const queue = new WorkQueue(database);
    const rest = { metering: new Metering(database), policy: { keep: {} } };
    const parts = { vault, database, queue, inventory, ports: platform, ...rest };
    const safe = (await careSafe(parts, mine.safe)) ?? assert.fail();
    await reconcileSafe(safe.context, inventory);
    const { objects, refused } = await lockSafe(parts, safe);
    assert.ok(objects > 0 && refused === 0, `${objects} ${refused}`);
    return (await inventory.find(toHex(mine.safe), { kind: 'pack', name: toHex(pack.name) }))?.lockedMs ?? 0;
  };
  const place = (mine: TestSafe, pack: TestPack): string =>
    `safes/${toHex(mine.safe)}/packs/${toHex(pack.name).slice(0, 2)}/${toHex(pack.name)}`;
  const store = await world.open(bucket);
  /** With the bucket's own credentials. */
  const goes = async (name: string): Promise<boolean> => {
    try {
      return await store.removeThis(name, () => Promise.resolve());
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'vault-denied') return false;
      throw error;
    }
  };

  const young = await siteOf(30 * secondMs);
  assert.equal(store.locks, true);
  const backedUp = async (name: string): Promise<{ mine: TestSafe; pack: TestPack }> => {
    const mine = new TestSafe(name);
    const computer = mine.enrol();
    await young.createSafe(mine.newSafe);
    const pack = mine.pack(computer);
    await backup({ safe: await young.openSafe(mine.safe), mine, computer }, { packs: [pack] });
    return { mine, pack };
  };
  const [short, long] = [await backedUp('short'), await backedUp('long')];
  const endMs = await lockDaily(young, short.mine, short.pack);
  const firstMs = await lockDaily(young, long.mine, long.pack);
  assert.ok(endMs > systemClock.nowMs() && firstMs >= endMs);

  // Somebody wants things kept for longer from now on.
  const strict = await siteOf(20 * hourMs);
  const extendedMs = await lockDaily(strict, long.mine, long.pack);
  assert.ok(extendedMs > firstMs + 19 * hourMs);

  const shortPlace = place(short.mine, short.pack);
  const wasKept = !(await goes(shortPlace));
  assert.ok(wasKept || systemClock.nowMs() >= endMs);
  assert.ok(wasKept, 'the machine was too slow to look before the date: the test has to run again');
  while (!(await goes(shortPlace)));
  // Dates are kept to the second.
  assert.ok(systemClock.nowMs() >= Math.floor(endMs / secondMs) * secondMs, 'not before its date');
  assert.equal(await store.stat(shortPlace), null);

  assert.ok(systemClock.nowMs() > firstMs || !(await goes(place(long.mine, long.pack))));
  while (systemClock.nowMs() <= firstMs) await goes(place(long.mine, long.pack));
  assert.equal(await goes(place(long.mine, long.pack)), false, 'its first date is over, and it is kept for the second');
  const erased = await store.erase(place(long.mine, long.pack), () => Promise.resolve());
  assert.equal(erased?.lockedMs, Math.floor(extendedMs / secondMs) * secondMs);
});
