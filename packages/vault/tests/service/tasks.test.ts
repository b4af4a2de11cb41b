/* How a site shares the places for its own work: a customer whose tasks fill them up leaves one to the others. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { openSiteDatabase } from '../../src/database/open-database.ts';
import { WorkQueue } from '../../src/database/work-queue.ts';
import { servicePlace } from './service-place.ts';

test('two tasks of a customer run at once and no third, while others get their turn', async () => {
  const ports = { clock: systemClock, timers: systemTimers, random: systemRandom };
  await using database = await openSiteDatabase({ config: { type: 'sqlite', path: ':memory:' }, platform: ports });
  const queue = new WorkQueue(database);
  for (let count = 0; count < 2; count += 1) await queue.add({ kind: 'reconcile', customer: 'greedy' });
  const claims = [];
  for (let count = 0; count < 2; count += 1) claims.push(await queue.claim({ kinds: ['reconcile'], node: 'another' }));
  const third = await queue.add({ kind: 'housekeeping', customer: 'greedy' });
  await using service = (await servicePlace({ database })).service;
  assert.ok(service.port > 0);
  const state = async (id: string): Promise<string | undefined> => (await queue.find(id))?.state;
  const until = async (id: string, wanted: string): Promise<void> => {
    while ((await state(id)) !== wanted) await new Promise((resolve) => setImmediate(resolve));
  };
  for (const customer of ['small', 'other', 'small']) {
    await until(await queue.add({ kind: 'housekeeping', customer }), 'done');
    assert.equal(await state(third), 'waiting');
  }
  await claims[0]?.complete();
  await until(third, 'done');
});
