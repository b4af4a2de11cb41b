/* The minimum age of a vault: whoever opens it goes by it, it is only ever raised, and an erase order goes before it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs } from '@twinvault/std';
import { rejectsWith } from '@twinvault/testkit';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import type { SiteVault } from '../src/index.ts';
import { orderOf } from './erasing.ts';
import { backup, harness, root } from './harness.ts';
import type { Harness } from './harness.ts';

const asked = { keep: { others: { days: 0, copies: 1, intraday: true } }, quarantineMs: 0, minimumAgeMs: 0, shareMax: 1 };

function served({ platform }: Harness, days?: number): Promise<SiteVault> {
  return createDirectoryVault({ path: root, platform, ...(days === undefined ? {} : { minimumAgeMs: days * dayMs }) });
}

/** By whom a command on the directory is: nobody told it of an age. */
async function cleaned({ platform, mine }: Harness): Promise<{ readonly retired: number; readonly deleted: number }> {
  await using vault = await openDirectoryVault({ path: root, platform });
  const { records, packs } = await vault.clean(mine.safe, asked);
  return {
    retired: records.filter(({ action }) => action === 'retire').length,
    deleted: packs.filter(({ action }) => action === 'delete').length,
  };
}

test('a command on the directory of a site goes by the age that the site was given', async () => {
  const site = await harness('command');
  await served(site, 10);
  await backup(site);
  await site.platform.clock.advance(dayMs);
  await backup(site);
  for (let day = 1; day < 10; day += 1) {
    assert.deepEqual(await cleaned(site), { retired: 0, deleted: 0 }, `day ${day}`);
    await site.platform.clock.advance(dayMs);
  }
  await site.platform.clock.advance(hourMs);
  assert.deepEqual(await cleaned(site), { retired: 1, deleted: 1 });
});

test('it is raised and never lowered, but by removing it from the store', async () => {
  const site = await harness('raised');
  const ages: number[] = [];
  for (const days of [10, 20, 5, undefined, 0]) {
    const vault = await served(site, days);
    ages.push((await vault.minimumAgeMs()) / dayMs);
  }
  assert.deepEqual(ages, [10, 20, 20, 20, 20]);
  const { files } = site.platform;
  const folder = `${root}/site/minimum-age`;
  const names = (await files.list(folder)).map(({ name }) => name).sort();
  assert.equal(names.length, 2);
  for (const name of names) await files.remove(`${folder}/${name}`);
  assert.equal(await (await served(site, 5)).minimumAgeMs(), 5 * dayMs);
});

test('a vault that cannot tell its age deletes nothing', async () => {
  const site = await harness('damaged');
  await served(site, 1);
  await backup(site);
  await backup(site);
  await site.platform.clock.advance(9 * dayMs);
  const { files } = site.platform;
  const folder = `${root}/site/minimum-age`;
  const [entry] = await files.list(folder);
  await files.replace(`${folder}/${entry?.name ?? ''}`, [new Uint8Array(9)]);
  await rejectsWith(cleaned(site), 'vault-damaged');
  const { problems } = await site.vault.check();
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['minimum-age-unknown'],
  );
});

test('an erase order goes before it', async () => {
  const site = await harness('order');
  await served(site, 100);
  await backup(site);
  const { order, entry } = orderOf(site.mine);
  await site.safe.orderErase(order, entry);
  await site.platform.clock.advance(4 * dayMs);
  const [done] = await site.vault.erase(site.mine.safe);
  assert.equal(done?.state, 'done');
});
