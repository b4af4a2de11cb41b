/*
 * PostgreSQL stopped, and killed, under two nodes that work: by a real server and its own time. Proves that nothing acknowledged is lost,
 * nothing is done twice, nothing is stuck, and that what waits longer than allowed is told that the database is away.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { minuteMs } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { postgresMissing, startPostgres } from '@twinvault/testkit';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { Inventory } from '../src/database/inventory.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import { WorkQueue } from '../src/database/work-queue.ts';

const platform = nodePlatform();
const processes = { self: '', isGone: () => false };
const skip = postgresMissing();

test('a server that is restarted three times under two nodes loses nothing that it acknowledged', { skip }, async () => {
  await using server = await startPostgres();
  const config = server.config();
  await using one = await openSiteDatabase({ config, platform });
  await using two = await openSiteDatabase({ config, platform });
  const state = { working: true };
  const added: string[] = [];
  const done: string[] = [];
  const announced: string[] = [];
  const work = [one, two].map(async (database, node) => {
    const queue = new WorkQueue(database);
    const inventory = new Inventory(database);
    for (let round = 0; state.working; round += 1) {
      added.push(await queue.add({ kind: 'clean', customer: `c${round % 3}` }));
      const name = `${node}-${round}`;
      await inventory.announce('aa', [{ kind: 'pack', name, bytes: 1 }]);
      announced.push(name);
      const claim = await queue.claim({ kinds: ['clean'], node: String(node) });
      if (claim === null) continue;
      await claim.remember({ round });
      await claim.complete({ round });
      done.push(claim.task.id);
    }
  });
  const lock = await new DatabaseLeases({ database: one, timers: platform.timers, processes }).take({
    name: 'safes/aa/locks/clean',
    lapseMs: 5 * minuteMs,
    generation: '00',
  });
  assert.ok(lock.type === 'taken');
  for (const end of ['stop', 'kill', 'stop'] as const) {
    const before = done.length;
    await until(() => done.length > before + 10);
    await server[end]();
    await server.start();
  }
  const before = done.length;
  await until(() => done.length > before + 10);
  state.working = false;
  await Promise.all(work);
  await lock.lease.check();
  await lock.lease[Symbol.asyncDispose]();
  const queue = new WorkQueue(two);
  for (
    let claim = await queue.claim({ kinds: ['clean'], node: 'end' });
    claim;
    claim = await queue.claim({ kinds: ['clean'], node: 'end' })
  ) {
    await claim.complete();
    done.push(claim.task.id);
  }
  assert.equal(new Set(done).size, done.length, 'a task was done twice');
  assert.deepEqual(done.toSorted(), added.toSorted());
  assert.deepEqual(await queue.counts(), [{ kind: 'clean', state: 'done', count: added.length }]);
  assert.deepEqual((await feedOf(new Inventory(one))).toSorted(), announced.toSorted());
});

test('a server that stays away is told apart from one that comes back', { skip }, async () => {
  await using server = await startPostgres();
  await using database = await openSiteDatabase({ config: server.config(), platform, waitMs: 300 });
  const queue = new WorkQueue(database);
  await server.stop();
  await assert.rejects(queue.add({ kind: 'clean', customer: 'a' }), (error) => {
    assert.ok(error instanceof ProtocolError);
    assert.deepEqual([error.code, error.retry], ['database-away', 'later']);
    assert.doesNotMatch(JSON.stringify(error.context), /twinvault-pg/);
    return true;
  });
  await server.start();
  await queue.add({ kind: 'clean', customer: 'a' });
  assert.deepEqual(await queue.counts(), [{ kind: 'clean', state: 'waiting', count: 1 }]);
});

test('what the server refuses for good is not tried again', { skip }, async () => {
  await using server = await startPostgres();
  const config = { ...server.config(), user: 'nobody_of_this_name' };
  const startedMs = platform.clock.monotonicMs();
  await assert.rejects(openSiteDatabase({ config, platform }), { code: 'vault-denied' });
  assert.ok(platform.clock.monotonicMs() - startedMs < minuteMs / 4);
});

async function feedOf(inventory: Inventory): Promise<string[]> {
  const names: string[] = [];
  for (let page = await inventory.feed('aa', 0); page.events.length > 0; page = await inventory.feed('aa', page.next)) {
    names.push(...page.events.map(({ name }) => name));
  }
  return names;
}

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await new Promise((resolve) => void setImmediate(resolve));
}
