/* A store that locks keeps what clean-up would delete: nothing is stuck meanwhile, and when the lock is over it goes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectDigest } from '@twinvault/format';
import { hourMs, toHex } from '@twinvault/std';
import { sessionOf, TestSafe } from '@twinvault/testkit';
import type { CleanReport } from '../src/index.ts';
import { backup, pump, readsBack } from './harness.ts';
import { MemorySite } from './memory-site.ts';

test('a dead pack that is locked waits, can be used again, and goes when its lock is over', async () => {
  const site = new MemorySite('locked', { locks: true });
  const { platform, store } = site;
  const vault = await site.create();
  const mine = new TestSafe('locked');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const safe = await vault.openSafe(mine.safe);
  const dead = mine.pack(computer);
  const hex = toHex(dead.name);
  const place = `safes/${toHex(mine.safe)}/packs/${hex.slice(0, 2)}/${hex}`;
  const put = async (): Promise<string> => {
    await using session = await sessionOf(safe, mine, computer);
    return session.putPack(dead.name, dead.bytes);
  };
  await put();
  await backup({ safe, mine, computer });
  assert.ok(await store.lock(place, platform.clock.nowMs() + 100 * hourMs));
  const clean = async (): Promise<CleanReport> => {
    await platform.clock.advance(26 * hourMs);
    return pump(platform, vault.clean(mine.safe, { shareMax: 1, compact: null }));
  };
  const deleted = ({ packs }: CleanReport): string[] => packs.filter(({ action }) => action === 'delete').map(({ pack }) => pack);
  await clean();
  await clean();
  assert.notEqual(await store.stat(place), null);
  assert.deepEqual((await vault.check({ readData: true })).problems, []);
  assert.equal(await put(), 'present');
  assert.ok(await readsBack(safe, [dead]));
  const reports: CleanReport[] = [];
  for (let round = 0; round < 4; round += 1) reports.push(await clean());
  assert.equal(await store.stat(place), null);
  assert.deepEqual(reports.flatMap(deleted).slice(-1), [hex]);
  assert.equal(await pump(platform, put()), 'stored');
});

test('slots and records that are locked are replaced and retired all the same', async () => {
  const site = new MemorySite('locked notes', { locks: true });
  const { platform, store } = site;
  const vault = await site.create();
  const mine = new TestSafe('locked notes');
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const safe = await vault.openSafe(mine.safe);
  for (const text of ['one', 'two']) await backup({ safe, mine, computer }, { job: text });
  await backup({ safe, mine, computer }, { job: 'two' });
  for (const name of await store.listDeep('safes')) await store.lock(`safes/${name}`, platform.clock.nowMs() + 100 * hourMs);
  const slot = mine.makeSlot();
  const entry = mine.entry({ kind: 'slots', slots: [objectDigest(slot)] });
  await safe.replaceSlots([slot], entry);
  mine.accept(entry);
  assert.equal((await store.list(`safes/${toHex(mine.safe)}/slots`)).length, 1);
  await platform.clock.advance(30 * hourMs);
  const keep = { others: { days: 0, copies: 1, intraday: true } };
  const report = await pump(platform, vault.clean(mine.safe, { keep, shareMax: 1 }));
  assert.equal(report.records.filter(({ action }) => action === 'retire').length, 1);
  assert.deepEqual((await vault.check({ readData: true })).problems, []);
});
