/* Leases on memory files and a fake clock: taking, renewing, lapsing, taking over, and every way in which that can be mistaken. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteMs, secondMs } from '@twinvault/std';
import type { Files, Processes } from '@twinvault/std';
import { memoryPlatform, rejectsWith } from '@twinvault/testkit';
import type { MemoryPlatform } from '@twinvault/testkit';
import { vaultFiles } from '../store/vault-files.ts';
import { FileLeases } from './file-leases.ts';
import type { FileLeasesParts } from './file-leases.ts';
import { FileTime } from './file-time.ts';
import { leaseLapseMs } from './leases.ts';
import type { Lease, LeaseAnswer } from './leases.ts';
import { withLock } from './locks.ts';

const name = 'leases/write-1';
const request = { name, lapseMs: leaseLapseMs, generation: '00' };

interface World {
  readonly platform: MemoryPlatform;
  readonly leases: FileLeases;
  /** Another process on the same files. */
  readonly other: (parts?: Partial<FileLeasesParts>) => FileLeases;
}

async function world(): Promise<World> {
  const platform = memoryPlatform('leases');
  const files = vaultFiles(platform.files);
  await files.makeDirectory('/v/leases');
  const parts = {
    files,
    time: new FileTime(files, platform.random, '/v/leases'),
    timers: platform.timers,
    random: platform.random,
    processes: { self: '', isGone: () => false },
    root: '/v',
  };
  const other = (changed: Partial<FileLeasesParts> = {}): FileLeases => new FileLeases({ ...parts, ...changed });
  return { platform, leases: other(), other };
}

function taken(answer: LeaseAnswer): Lease {
  assert.ok(answer.type === 'taken');
  return answer.lease;
}

test('one holder at a time; given back, it is free at once', async () => {
  const { leases } = await world();
  const first = taken(await leases.take(request));
  assert.equal((await leases.take(request)).type, 'held');
  await first[Symbol.asyncDispose]();
  const second = taken(await leases.take(request));
  await rejectsWith(first.check(), 'lease-lost');
  await second.check();
});

test('a lease lives as long as it is renewed, however long that is', async () => {
  const { platform, leases } = await world();
  const lease = taken(await leases.take(request));
  for (let minute = 0; minute < 60; minute += 1) {
    await platform.clock.advance(minuteMs);
    assert.equal((await leases.take(request)).type, 'held');
  }
  await lease.check();
});

test('without renewal it lapses after five minutes, and the next holder has the next fence', async () => {
  const { platform, leases, other } = await world();
  const dead = taken(await other({ timers: stopped }).take(request));
  await platform.clock.advance(5 * minuteMs - secondMs);
  assert.equal((await leases.take(request)).type, 'held');
  await platform.clock.advance(2 * secondMs);
  const next = taken(await leases.take(request));
  assert.equal(next.fence, 2);
  await rejectsWith(dead.check(), 'lease-lost');
  await dead[Symbol.asyncDispose]();
  await next.check();
});

const stopped = { sleep: () => Promise.resolve(), every: () => ({ cancel: () => undefined }) };

test('of many that take over one wins', async () => {
  const { platform, leases, other } = await world();
  await other({ timers: stopped }).take(request);
  await platform.clock.advance(6 * minuteMs);
  const answers = await Promise.all(Array.from({ length: 12 }, () => leases.take(request)));
  const winners = answers.filter(({ type }) => type === 'taken').map(taken);
  assert.equal(winners.length, 1);
  await winners[0]?.check();
});

test('a lease that was renewed between judging and moving is given back', async () => {
  const { platform, leases, other } = await world();
  await other({ timers: stopped }).take(request);
  await platform.clock.advance(6 * minuteMs);
  const files = vaultFiles(platform.files);
  const winners: Lease[] = [];
  const late: Files = {
    ...files,
    rename: async (from, to) => {
      if (winners.length === 0) winners.push(taken(await leases.take(request)));
      return files.rename(from, to);
    },
  };
  assert.equal((await other({ files: late }).take(request)).type, 'held');
  assert.equal(winners.length, 1);
  await winners[0]?.check();
});

test('a note that cannot be read lapses by its time alone', async () => {
  const { platform, leases } = await world();
  await platform.files.create(`/v/${name}`, [new Uint8Array(0)]);
  assert.equal((await leases.take(request)).type, 'held');
  await platform.clock.advance(6 * minuteMs);
  assert.equal(taken(await leases.take(request)).fence, 1);
});

test('what a process held that is gone is free at once; what is not known lapses', async () => {
  const gone = new Set<string>();
  const { other } = await world();
  const processes = (self: string): Processes => ({ self, isGone: (each) => gone.has(each) });
  await other({ timers: stopped, processes: processes('a:1:1') }).take(request);
  assert.equal((await other({ processes: processes('a:2:1') }).take(request)).type, 'held');
  gone.add('a:1:1');
  assert.equal((await other({ processes: processes('a:2:1') }).take(request)).type, 'taken');
});

test('a failure to reach the file is no loss, and the lease goes on', async () => {
  const { platform, other } = await world();
  const state = { broken: false };
  const there = vaultFiles(platform.files);
  const files: Files = {
    ...there,
    read: (...inputs) => (state.broken ? Promise.reject(new Error('unplugged')) : there.read(...inputs)),
  };
  const lease = taken(await other({ files }).take(request));
  state.broken = true;
  await platform.clock.advance(2 * minuteMs);
  await assert.rejects(lease.check(), /unplugged/);
  state.broken = false;
  await lease.check();
});

test('a lock serves one after the other, and says so when it takes too long', async () => {
  const { platform, leases } = await world();
  const { clock } = platform;
  const ports = { leases, clock, timers: platform.timers, random: platform.random };
  const lock = { name: 'locks/commit', generation: '00', waitMs: minuteMs };
  const order: string[] = [];
  const hold = (who: string): Promise<void> =>
    withLock(ports, lock, async () => {
      order.push(`${who} in`);
      await clock.sleep(10 * secondMs);
      order.push(`${who} out`);
    });
  const both = Promise.all([hold('a'), hold('b')]);
  await clock.advance(30 * secondMs);
  await both;
  assert.deepEqual(order.filter((_, index) => index % 2 === 0).length, 2);
  assert.equal(order[0]?.slice(0, 1), order[1]?.slice(0, 1));
  const long = withLock(ports, lock, () => clock.sleep(10 * minuteMs));
  await clock.advance(secondMs);
  const busy = rejectsWith(
    withLock(ports, lock, () => Promise.resolve()),
    'vault-busy',
  );
  await clock.advance(2 * minuteMs);
  await busy;
  await clock.advance(10 * minuteMs);
  await long;
});

test('a detached lease lapses unless somebody carries it on by its handle', async () => {
  const { platform, leases, other } = await world();
  const first = taken(await leases.take({ ...request, carried: true }));
  first.detach();
  await first[Symbol.asyncDispose]();
  await platform.clock.advance(4 * minuteMs);
  const again = await other().resume(first.handle);
  assert.deepEqual([again?.fence, again?.sinceMs, again?.handle], [first.fence, first.sinceMs, first.handle]);
  again?.detach();
  await platform.clock.advance(4 * minuteMs);
  assert.equal((await leases.take(request)).type, 'held');
  await platform.clock.advance(2 * minuteMs);
  assert.equal(await leases.resume(first.handle), null);
  assert.equal(taken(await leases.take(request)).fence, 2);
  assert.equal(await leases.resume(first.handle), null);
});

test('a carried lease outlives the process that took it, and whoever carries it on can give it back', async () => {
  const { leases, other } = await world();
  const processes = { self: 'a:1:1', isGone: (each: string) => each === 'a:1:1' };
  const lease = taken(await other({ processes }).take({ ...request, carried: true }));
  lease.detach();
  assert.equal((await other({ processes }).take(request)).type, 'held');
  await (await leases.resume(lease.handle))?.[Symbol.asyncDispose]();
  assert.equal(await leases.resume(lease.handle), null);
  assert.equal((await leases.take(request)).type, 'taken');
});
