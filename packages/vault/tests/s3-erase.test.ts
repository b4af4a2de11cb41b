/*
 * Erasing in a bucket, against a real Ceph gateway and in real time: older versions, delete markers and unfinished uploads go with the objects; one that is locked
 * is named with its date, and goes after it.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseEraseCertificate } from '@twinvault/format';
import { secondMs, toHex, utf8Decode } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { s3Missing, TestSafe } from '@twinvault/testkit';
import type { TestPack } from '@twinvault/testkit';
import { bucketParts } from '../src/bucket-vault.ts';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import { createVault } from '../src/index.ts';
import { S3Client } from '../src/store/s3/s3-client.ts';
import { versionsUnder } from '../src/store/s3/s3-versions.ts';
import { uploadsOf } from '../src/store/s3/s3-xml.ts';
import { orderOf } from './erasing.ts';
import { backup } from './harness.ts';
import { S3World } from './s3-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinvault-s3-erase-'));
after(() => rmSync(folder, { recursive: true }));
const lockMs: number = 30 * secondMs;

test('Ceph: every version and upload of a safe goes, what is locked after its date', { skip: s3Missing() }, async () => {
  await using world = await S3World.start();
  const bucket = await world.makeBucket({ lock: true });
  const platform = nodePlatform();
  await using database = await openSiteDatabase({ config: { type: 'sqlite', path: join(folder, 'site.db') }, platform });
  const leases = new DatabaseLeases({ database, timers: platform.timers, processes: platform.processes });
  const paths = { cachePath: join(folder, 'cache'), keyPath: join(folder, 'key') };
  const parts = await bucketParts({ bucket, lockMode: 'COMPLIANCE', leases, platform, eraseWaitMs: 0, ...paths });
  const vault = await createVault(parts);
  const mine = new TestSafe('erased in a bucket');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const safe = await vault.openSafe(mine.safe);
  const packs = [mine.pack(computer), mine.pack(computer), mine.pack(computer)] as [TestPack, TestPack, TestPack];
  await backup({ safe, mine, computer }, { packs });

  const home = `safes/${toHex(mine.safe)}`;
  const client = new S3Client(bucket, world.ports);
  const place = ({ name }: TestPack): string => `${home}/packs/${toHex(name).slice(0, 2)}/${toHex(name)}`;
  const [locked, twice, gone] = packs;
  const untilMs = platform.clock.nowMs() + lockMs;
  assert.equal(await parts.store.lock(place(locked), untilMs), true);
  // An older version, a version under a delete marker, and an upload that nobody ended.
  await client.send({ method: 'PUT', key: place(twice), body: twice.bytes, statuses: [200] });
  await client.send({ method: 'DELETE', key: place(gone), statuses: [204] });
  await client.send({ method: 'POST', key: `${home}/packs/00/${'00'.repeat(32)}`, query: { uploads: '' }, statuses: [200] });
  const left = async (): Promise<string[]> => {
    const keys = new Set<string>();
    for await (const { key } of versionsUnder(client, `${home}/`, { deep: true })) keys.add(key.slice(home.length + 1));
    return [...keys].filter((key) => !/^(descriptor|(ledger|erases|erased|locks)\/.*|cleaned)$/u.test(key));
  };
  const uploads = async (): Promise<number> => {
    const { body } = await client.send({ method: 'GET', key: null, query: { uploads: '', prefix: home }, statuses: [200] });
    return uploadsOf(utf8Decode(body) ?? '').length;
  };
  assert.equal(await uploads(), 1);

  const { order, entry } = orderOf(mine);
  await safe.orderErase(order, entry);
  // The times of a bucket are whole seconds.
  let [state] = await vault.erase(mine.safe);
  while (state?.state === 'waiting') [state] = await vault.erase(mine.safe);
  if (platform.clock.nowMs() < untilMs - secondMs) {
    assert.equal(state?.state, 'begun');
    const waits = state.certificate?.waiting ?? [];
    assert.deepEqual(
      waits.map(({ kind, name, reason, untilMs: until }) => [
        kind,
        `${home}/${name}`,
        reason,
        Math.floor((until ?? 0) / secondMs),
      ]),
      [['packs', place(locked), 'lock', Math.floor(untilMs / secondMs)]],
    );
    assert.deepEqual(await left(), [place(locked).slice(home.length + 1)]);
    assert.equal(await uploads(), 0);
    await assert.rejects(safe.slots(), { code: 'erased' });
  }
  while (state?.state === 'begun') [state] = await vault.erase(mine.safe);
  assert.ok(platform.clock.nowMs() >= Math.floor(untilMs / secondMs) * secondMs, 'not before its date');
  assert.equal(state?.state, 'done');
  assert.deepEqual(await left(), []);
  const [summary] = await safe.erases();
  const certificate = parseEraseCertificate(summary?.certificate ?? '');
  assert.deepEqual([certificate.store, certificate.waiting, certificate.problems], [{ type: 'bucket' }, [], []]);
  assert.deepEqual((await vault.check({ safe: mine.safe })).problems, []);
});
