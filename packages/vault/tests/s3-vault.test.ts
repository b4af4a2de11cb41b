/*
 * A whole vault in a bucket of a real Ceph gateway: the vault port's conformance suite, and a life of it with clean-up, check and rebuild.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { toHex } from '@twinvault/std';
import { nodeNetwork, nodePlatform } from '@twinvault/std/node';
import { rejectsWith, s3Missing, TestSafe, vaultConformance } from '@twinvault/testkit';
import { bucketParts } from '../src/bucket-vault.ts';
import { createVault, openVault } from '../src/index.ts';
import type { SiteVault } from '../src/index.ts';
import type { S3Bucket } from '../src/store/s3/s3-client.ts';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import type { SiteDatabase } from '../src/database/site-database.ts';
import { backup, readsBack } from './harness.ts';
import { S3World } from './s3-world.ts';

const skip = s3Missing();
const network = nodeNetwork();
const folder = mkdtempSync(join(tmpdir(), 'twinvault-s3-vault-'));
const shared: {
  world: Promise<S3World> | null;
  bucket: Promise<S3Bucket> | null;
  count: number;
  readonly databases: SiteDatabase[];
} = {
  world: null,
  bucket: null,
  count: 0,
  databases: [],
};

after(async () => {
  network[Symbol.dispose]();
  for (const database of shared.databases) await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  await (await shared.world)?.[Symbol.asyncDispose]();
});

interface Site {
  readonly vault: SiteVault;
  readonly keyPath: string;
  readonly bucket: S3Bucket;
  /** Another node. */
  readonly again: () => Promise<SiteVault>;
}

async function newSite(): Promise<Site> {
  shared.world ??= S3World.start();
  const world = await shared.world;
  shared.bucket ??= world.makeBucket({ lock: false });
  const bucket = world.withPrefix(await shared.bucket);
  const platform = { ...nodePlatform(), network };
  shared.count += 1;
  const site = shared.count;
  const config = { type: 'sqlite', path: join(folder, `site-${site}.db`) } as const;
  // Two connections, as two nodes have them.
  const databases = [await openSiteDatabase({ config, platform }), await openSiteDatabase({ config, platform })] as const;
  shared.databases.push(...databases);
  const keyPath = join(folder, `key-${site}`);
  let nodes = 0;
  const partsOf = (): ReturnType<typeof bucketParts> => {
    const database = databases[nodes % 2] ?? databases[0];
    const leases = new DatabaseLeases({ database, timers: platform.timers, processes: { self: '', isGone: () => false } });
    nodes += 1;
    const cachePath = join(folder, `site-${site}-node-${nodes}`);
    return bucketParts({ bucket, lockMode: 'COMPLIANCE', leases, cachePath, keyPath, platform });
  };
  return { vault: await createVault(await partsOf()), keyPath, bucket, again: async () => openVault(await partsOf()) };
}

vaultConformance(
  'bucket',
  async () => {
    const { vault, again } = await newSite();
    return { vault, again, [Symbol.asyncDispose]: () => vault[Symbol.asyncDispose]() };
  },
  { skip },
);

test('a vault in a bucket is backed up to, cleaned, checked and rebuilt by several nodes', { skip }, async () => {
  const { vault, again, keyPath } = await newSite();
  const mine = new TestSafe('bucket');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const [one, two] = [vault, await again()];
  const safe = await one.openSafe(mine.safe);
  const [gone, kept] = [mine.pack(computer), mine.pack(computer)];
  await backup({ safe, mine, computer }, { packs: [gone] });
  const other = await two.openSafe(mine.safe);
  await backup({ safe: other, mine, computer }, { packs: [kept] });
  assert.ok(await readsBack(safe, [gone, kept]));
  assert.deepEqual((await one.check({ readData: true })).problems, []);
  const keep = { others: { days: 0, copies: 1, intraday: true } };
  const report = await two.clean(mine.safe, { keep, quarantineMs: 0, minimumAgeMs: 0, shareMax: 1, compact: null });
  assert.deepEqual(report.records.filter(({ action }) => action === 'retire').length, 1);
  assert.ok(await readsBack(safe, [kept]));
  const left = report.packs.map(({ pack, action }) => `${pack} ${action}`);
  assert.deepEqual(left, [`${toHex(gone.name)} delete`]);
  // What is gone can be put again.
  await backup({ safe, mine, computer }, { packs: [gone], reused: [kept] });
  assert.ok(await readsBack(other, [gone, kept]));
  const { safes } = await one.rebuild();
  assert.deepEqual(
    safes.map(({ packs, damaged }) => [packs, damaged]),
    [[2, 0]],
  );
  assert.deepEqual((await two.check({ readData: true })).problems, []);
  assert.equal(readFileSync(keyPath).length, 32);
});

test('the site key is in no object of the bucket, and another key is not taken for it', { skip }, async () => {
  const { keyPath, bucket, again, vault } = await newSite();
  const mine = new TestSafe('key');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  await backup({ safe: await vault.openSafe(mine.safe), mine, computer });
  const world = await (shared.world ?? assert.fail());
  const store = await world.open(bucket);
  const seed = toHex(readFileSync(keyPath));
  const names = await store.listDeep('');
  assert.ok(names.length > 5);
  assert.ok(!names.includes('site/key'));
  for (const name of names) {
    const bytes = await store.get(name, 1e8);
    assert.ok(bytes !== null && !toHex(bytes).includes(seed) && !new TextDecoder().decode(bytes).includes(seed), name);
  }
  rmSync(keyPath);
  const node = await again();
  assert.deepEqual(
    (await node.check()).problems.map(({ code }) => code),
    ['site-key-damaged'],
  );
  await rejectsWith(backup({ safe: await node.openSafe(mine.safe), mine, computer }), 'vault-damaged');
});
