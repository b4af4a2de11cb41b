/* Erase orders carried out: what goes, what stays, what waits, and that nothing brings it back. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEraseCertificate } from '@twinvault/format';
import type { EraseJob } from '@twinvault/format';
import { dayMs, toHex } from '@twinvault/std';
import { rejectsWith, sessionOf } from '@twinvault/testkit';
import { takeOrder } from '../src/erases/orders.ts';
import { orderOf } from './erasing.ts';
import { backup, harness, readsBack, root } from './harness.ts';
import type { Harness } from './harness.ts';

async function ordered(site: Harness, jobs: readonly EraseJob[] | null = null): Promise<void> {
  const { order, entry } = orderOf(site.mine, { jobs });
  await site.safe.orderErase(order, entry);
  site.mine.accept(entry);
}

/** Files of the safe, without the folders of digits that packs lie in. */
async function foldersLeft({ platform, mine }: Harness): Promise<string[]> {
  const folder = `${root}/safes/${toHex(mine.safe)}`;
  const found = new Set<string>();
  const look = async (place: string): Promise<void> => {
    for (const { name, kind } of await platform.files.list(`${folder}/${place}`)) {
      if (kind === 'directory') await look(`${place}${name}/`);
      else found.add(`${place}${name}`.split('/')[0] ?? '');
    }
  };
  await look('');
  return [...found].sort();
}

test('a whole safe goes, but for its proof', async () => {
  const site = await harness('whole');
  await backup(site);
  await backup(site, { job: 'second' });
  await site.vault.assignCustomer(site.mine.safe, 'Ada & Co');
  await ordered(site);
  assert.deepEqual(
    (await site.vault.erase(site.mine.safe)).map(({ state }) => state),
    ['waiting'],
  );
  await backup(site);
  await site.platform.clock.advance(4 * dayMs);
  const [done] = await site.vault.erase(site.mine.safe);
  assert.equal(done?.state, 'done');
  const left = (await foldersLeft(site)).filter((folder) => folder !== 'locks');
  assert.deepEqual(left, ['customer', 'descriptor', 'erased', 'erases', 'ledger']);
  const removed = new Map(done.certificate?.removed.map(({ kind, objects }) => [kind, objects]));
  assert.deepEqual([removed.get('slots'), removed.get('packs'), removed.get('records')], [1, 3, 3]);
  const [summary] = await site.safe.erases();
  const certificate = parseEraseCertificate(summary?.certificate ?? '');
  assert.deepEqual([certificate.state, certificate.waiting, certificate.problems], ['done', [], []]);
  assert.deepEqual(certificate.kept, ['descriptor', 'ledger', 'erases', 'erased', 'customer']);
  assert.deepEqual([...certificate.key], [...(await site.vault.site()).publicKey]);
});

test('what is erased is answered so, and does not come back', async () => {
  const site = await harness('answers');
  const record = await backup(site);
  await ordered(site);
  await using session = await sessionOf(site.safe, site.mine, site.computer, 'job');
  await site.platform.clock.advance(4 * dayMs);
  await site.vault.erase(site.mine.safe);
  const { safe, mine, computer } = site;
  for (const work of [
    () => safe.records(),
    () => safe.record(record.digest),
    () => safe.slots(),
    () => safe.openReading(),
    () => sessionOf(safe, mine, computer, 'job'),
    () => safe.appendLedger(mine.entry({ kind: 'feature', name: 'x', on: false })),
    () => site.vault.createSafe(mine.newSafe),
  ]) {
    await rejectsWith(work(), 'erased');
  }
  await rejectsWith(session.commit(mine.record(computer).bytes), 'lease-lost');
  assert.equal((await safe.ledger(1)).length, mine.head.number);
  assert.deepEqual(
    (await site.vault.safes()).filter(({ erased }) => erased === true).map(({ label }) => label),
    [mine.label],
  );
  const { problems } = await site.vault.check({ safe: mine.safe });
  assert.deepEqual(problems, []);
  assert.equal((await site.vault.rebuild()).safes.length, 2);
  assert.deepEqual(
    (await site.vault.erase(mine.safe, { again: true })).map(({ state }) => state),
    ['done'],
  );
});

test('jobs go with all that they alone stored; what others use stays, in new packs', async () => {
  const site = await harness('jobs');
  const { mine, computer, vault } = site;
  const shared = mine.pack(computer, { blobCount: 4 });
  const alone = mine.pack(computer, { blobCount: 2 });
  await backup(site, { job: 'gone', packs: [shared, alone] });
  const [first] = shared.rows;
  assert.ok(first);
  const own = mine.pack(computer);
  await backup(site, { job: 'stays', packs: [own], reused: [{ ...shared, rows: [first] }] });
  await ordered(site, [{ computer: computer.computer, job: 'gone' }]);
  await site.platform.clock.advance(4 * dayMs);
  const [done] = await vault.erase(mine.safe);
  assert.equal(done?.state, 'done', JSON.stringify(done?.certificate?.waiting));
  const records = await site.safe.records();
  assert.deepEqual(
    records.map(({ public: facts }) => facts.job),
    ['stays'],
  );
  await using reading = await site.safe.openReading();
  assert.equal(await reading.packSize(alone.name), null);
  assert.equal(await reading.packSize(shared.name), null);
  const [holders] = await reading.holdersOf([shared.name]);
  assert.equal(holders?.length, 1);
  assert.ok(await readsBack(site.safe, [own]));
  assert.deepEqual((await vault.check({ safe: mine.safe, readData: true })).problems, []);
  await rejectsWith(sessionOf(site.safe, mine, computer, 'gone'), 'erased');
  await backup(site, { job: 'stays' });
});

test('what retired safesets and broken-off runs of a job left goes too', async () => {
  const site = await harness('left over');
  const { mine, computer } = site;
  const broken = mine.pack(computer);
  {
    await using session = await sessionOf(site.safe, mine, computer, 'gone');
    await session.putPack(broken.name, broken.bytes);
  }
  const kept = mine.pack(computer);
  const other = mine.enrol('other');
  for (const entry of mine.newSafe.ledger.slice(-1)) await site.safe.appendLedger(entry);
  const foreign = mine.pack(other);
  await backup({ ...site, computer: other }, { job: 'stays', packs: [foreign] });
  await backup(site, { job: 'gone', packs: [kept] });
  await ordered(site, [{ computer: computer.computer, job: 'gone' }]);
  await site.platform.clock.advance(4 * dayMs);
  const [done] = await site.vault.erase(mine.safe);
  assert.equal(done?.state, 'done');
  await using reading = await site.safe.openReading();
  assert.deepEqual(await Promise.all([broken, kept].map(({ name }) => reading.packSize(name))), [null, null]);
  assert.ok(await readsBack(site.safe, [foreign]));
});

test('a reading that is open is waited for', async () => {
  const site = await harness('readers');
  await backup(site, { job: 'gone' });
  await ordered(site, [{ computer: site.computer.computer, job: 'gone' }]);
  await site.platform.clock.advance(4 * dayMs);
  const reading = await site.safe.openReading();
  const [waiting] = await site.vault.erase(site.mine.safe);
  assert.deepEqual([waiting?.state, waiting?.certificate?.waiting.map(({ reason }) => reason)], ['begun', ['lease']]);
  await reading[Symbol.asyncDispose]();
  const [done] = await site.vault.erase(site.mine.safe);
  assert.equal(done?.state, 'done');
});

test('an order that another site gives is waited for anew', async () => {
  const site = await harness('again');
  await backup(site);
  const { order, entry } = orderOf(site.mine);
  const parts = await site.vault.partsOf(site.mine.safe);
  await site.platform.clock.advance(30 * dayMs);
  await takeOrder(parts, order);
  await parts.ledger.append(entry);
  assert.deepEqual(
    (await site.vault.erase(site.mine.safe)).map(({ state }) => state),
    ['waiting'],
  );
});
