/* An erase order as a task of a site: carried out by itself, forgotten by the tables, named with its date where the store locks. */

import assert from 'node:assert/strict';
import { dayMs, hourMs } from '@twinvault/std';
import { MemoryStore } from '@twinvault/testkit';
import { eraseSoon } from '../src/care/erase.ts';
import { careWorld } from './care-world.ts';
import { onEachDatabase } from './databases.ts';
import { orderOf } from './erasing.ts';
import { backup } from './harness.ts';

onEachDatabase('a site carries an order out by itself, when its wait is over', async (world) => {
  const site = await careWorld(world, { eraseWaitMs: 90 * 60_000 });
  const { parts, mine, hex, platform, worker } = site;
  await backup(site);
  await worker.runDue();
  const { order, entry } = orderOf(mine);
  await site.safe.orderErase(order, entry);
  await eraseSoon(parts, hex);
  await worker.runDue();
  assert.deepEqual(
    (await site.safe.erases()).map(({ state }) => state),
    ['waiting'],
  );
  await platform.clock.advance(hourMs);
  await worker.runDue();
  await platform.clock.advance(hourMs);
  await worker.runDue();
  assert.deepEqual(
    (await site.safe.erases()).map(({ state }) => state),
    ['done'],
  );
  const kinds = await Promise.all((['pack', 'record', 'slots'] as const).map((kind) => parts.inventory.page(hex, kind)));
  assert.deepEqual(kinds, [[], [], []]);
  const day = Math.floor(platform.clock.nowMs() / dayMs);
  assert.deepEqual(await parts.metering.rows({ from: day - 1, to: day, safe: hex }), []);
});

onEachDatabase('what the store locks waits until then, and goes', async (world) => {
  const site = await careWorld(world, { eraseWaitMs: 0 }, (clock) => new MemoryStore({ clock, locks: true }));
  const { parts, mine, hex, platform, worker } = site;
  const { context } = await site.vault.partsOf(mine.safe);
  const pack = mine.pack(site.computer);
  await backup(site, { packs: [pack] });
  const untilMs = platform.clock.nowMs() + 2 * dayMs;
  assert.equal(await context.store.lock(context.layout.pack(pack.name), untilMs), true);
  const { order, entry } = orderOf(mine);
  await site.safe.orderErase(order, entry);
  await eraseSoon(parts, hex);
  await worker.runDue();
  const [waiting] = await site.vault.erase(mine.safe);
  assert.deepEqual(
    waiting?.certificate?.waiting.map(({ reason, untilMs: until, kind }) => [kind, reason, until]),
    [['packs', 'lock', untilMs]],
  );
  for (let hours = 0; hours < 50; hours += 1) {
    await platform.clock.advance(hourMs);
    await worker.runDue();
  }
  assert.deepEqual(
    (await site.safe.erases()).map(({ state }) => state),
    ['done'],
  );
});
