/* Leases in both databases, by a clock that the test moves: what the conformance suite of the port cannot ask. */

import assert from 'node:assert/strict';
import { minuteMs, secondMs } from '@twinvault/std';
import type { Processes } from '@twinvault/std';
import { rejectsWith } from '@twinvault/testkit';
import { DatabaseLeases } from '../src/database/database-leases.ts';
import { leaseLapseMs } from '../src/leases/leases.ts';
import type { Lease, LeaseAnswer } from '../src/leases/leases.ts';
import { onEachDatabase } from './databases.ts';
import type { DatabaseWorld } from './databases.ts';

const request = { name: 'safes/00/leases/write-1', lapseMs: leaseLapseMs, generation: '00' };
const unknown: Processes = { self: '', isGone: () => false };
/** A node that died: nothing renews what it held. */
const stopped = { sleep: () => Promise.resolve(), every: () => ({ cancel: () => undefined }) };

async function node(world: DatabaseWorld, processes: Processes = unknown): Promise<DatabaseLeases> {
  return new DatabaseLeases({ database: await world.open(), timers: stopped, processes });
}

function taken(answer: LeaseAnswer): Lease {
  assert.ok(answer.type === 'taken');
  return answer.lease;
}

onEachDatabase('of many nodes that take a lease at once one has it, also when it lapsed', async (world) => {
  const nodes = await Promise.all(Array.from({ length: 4 }, () => node(world)));
  for (const fence of [1, 2, 3]) {
    const answers = await Promise.all([...nodes, ...nodes, ...nodes].map((leases) => leases.take(request)));
    const winners = answers.filter(({ type }) => type === 'taken').map(taken);
    assert.deepEqual(
      winners.map((lease) => lease.fence),
      [fence],
    );
    await winners[0]?.check();
    await world.clock.advance(leaseLapseMs + 1);
  }
});

onEachDatabase('a lease that was taken over is lost to whoever had it', async (world) => {
  const [one, two] = [await node(world), await node(world)];
  const dead = taken(await one.take({ ...request, about: { job: 'ab' } }));
  const held = await two.take(request);
  assert.deepEqual(held.type === 'held' && held.by.about, { job: 'ab' });
  await world.clock.advance(leaseLapseMs - secondMs);
  assert.equal((await two.take(request)).type, 'held');
  await world.clock.advance(2 * secondMs);
  const next = taken(await two.take(request));
  await rejectsWith(dead.check(), 'lease-lost');
  await dead[Symbol.asyncDispose]();
  assert.equal(await one.resume(dead.handle), null);
  await next.check();
});

onEachDatabase('any node carries a lease on by its handle, until it lapses or is given back', async (world) => {
  const [one, two] = [await node(world), await node(world)];
  const first = taken(await one.take({ ...request, carried: true }));
  first.detach();
  await first[Symbol.asyncDispose]();
  await world.clock.advance(4 * minuteMs);
  const second = await two.resume(first.handle);
  assert.ok(second);
  assert.equal(second.fence, first.fence);
  second.detach();
  await world.clock.advance(4 * minuteMs);
  const third = await one.resume(first.handle);
  assert.ok(third);
  await third[Symbol.asyncDispose]();
  assert.equal(await two.resume(first.handle), null);
  taken(await two.take(request)).detach();
});

onEachDatabase('what a process held that is gone is free at once', async (world) => {
  const gone = new Set<string>();
  const processes = (self: string): Processes => ({ self, isGone: (name) => gone.has(name) });
  const [one, two] = [await node(world, processes('a:1')), await node(world, processes('a:2'))];
  await one.take(request);
  const carried = { ...request, name: 'safes/00/leases/read-1', carried: true };
  await one.take(carried);
  gone.add('a:1');
  assert.equal(taken(await two.take(request)).fence, 2);
  // No process holds that one: another node may have its next request.
  assert.equal((await two.take(carried)).type, 'held');
});

onEachDatabase(
  'those that are open are told by folder; those that lapsed are discarded, and a rebuild voids all',
  async (world) => {
    const leases = await node(world);
    const folder = 'safes/00/leases';
    taken(await leases.take({ ...request, name: `${folder}/read-1` }));
    taken(await leases.take({ ...request, name: 'safes/01/leases/read-1' }));
    await world.clock.advance(4 * minuteMs);
    const late = taken(await leases.take({ ...request, name: `${folder}/read-2` }));
    const names = async (): Promise<string[]> =>
      (await leases.open(folder, await leases.nowMs())).map(({ name }) => name).toSorted();
    assert.deepEqual(await names(), ['read-1', 'read-2']);
    await world.clock.advance(2 * minuteMs);
    assert.deepEqual(await names(), ['read-2']);
    assert.equal(await leases.discardLapsed(folder, await leases.nowMs()), 1);
    assert.equal(await leases.discardLapsed(folder, await leases.nowMs()), 0);
    assert.equal(await leases.voidAll(folder), 1);
    await rejectsWith(late.check(), 'lease-lost');
    assert.equal((await leases.open('safes/01/leases', 0)).length, 1);
  },
);
