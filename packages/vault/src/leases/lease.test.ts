/* Leases on memory files and a fake clock: taking, renewing, lapsing, taking over, and every way in which that can be mistaken. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteMs, secondMs } from '@twinvault/std';
import type { Files, Processes } from '@twinvault/std';
import { memoryPlatform, rejectsWith } from '@twinvault/testkit';
import { vaultFiles } from '../store/vault-files.ts';
import { FileTime } from './file-time.ts';
import { discardLease, leaseLapseMs, readLease, takeLease } from './lease.ts';
import type { Lease, LeaseAnswer, LeasePorts } from './lease.ts';
import { withLock } from './locks.ts';

const path = '/leases/write-1';
const request = { path, lapseMs: leaseLapseMs, generation: '00' };

async function world(
  processes: Processes = { self: '', isGone: () => false },
): Promise<LeasePorts & { platform: ReturnType<typeof memoryPlatform> }> {
  const platform = memoryPlatform('leases');
  const files = vaultFiles(platform.files);
  await files.makeDirectory('/leases');
  return {
    platform,
    files,
    time: new FileTime(files, platform.random, '/leases'),
    timers: platform.timers,
    random: platform.random,
    processes,
  };
}

function taken(answer: LeaseAnswer): Lease {
  assert.ok(answer.type === 'taken');
  return answer.lease;
}

test('one holder at a time; given back, it is free at once', async () => {
  const ports = await world();
  const first = taken(await takeLease(ports, request));
  assert.equal((await takeLease(ports, request)).type, 'held');
  await first[Symbol.asyncDispose]();
  const second = taken(await takeLease(ports, request));
  await rejectsWith(first.check(), 'lease-lost');
  await second.check();
});

test('a lease lives as long as it is renewed, however long that is', async () => {
  const ports = await world();
  const lease = taken(await takeLease(ports, request));
  for (let minute = 0; minute < 60; minute += 1) {
    await ports.platform.clock.advance(minuteMs);
    assert.equal((await takeLease(ports, request)).type, 'held');
  }
  await lease.check();
});

test('without renewal it lapses after five minutes, and the next holder has the next fence', async () => {
  const ports = await world();
  const dead = taken(await takeLease({ ...ports, timers: stopped }, request));
  await ports.platform.clock.advance(5 * minuteMs - secondMs);
  assert.equal((await takeLease(ports, request)).type, 'held');
  await ports.platform.clock.advance(2 * secondMs);
  const next = taken(await takeLease(ports, request));
  assert.equal(next.fence, 2);
  await rejectsWith(dead.check(), 'lease-lost');
  await dead[Symbol.asyncDispose]();
  await next.check();
});

const stopped = { sleep: () => Promise.resolve(), every: () => ({ cancel: () => undefined }) };

test('of many that take over one wins', async () => {
  const ports = await world();
  await takeLease({ ...ports, timers: stopped }, request);
  await ports.platform.clock.advance(6 * minuteMs);
  const answers = await Promise.all(Array.from({ length: 12 }, () => takeLease(ports, request)));
  const winners = answers.filter(({ type }) => type === 'taken').map(taken);
  assert.equal(winners.length, 1);
  await winners[0]?.check();
});

test('a lease that was renewed between judging and moving is given back', async () => {
  const ports = await world();
  const dead = await takeLease({ ...ports, timers: stopped }, request);
  assert.equal(dead.type, 'taken');
  await ports.platform.clock.advance(6 * minuteMs);
  const judged = await readLease(ports.files, path);
  assert.ok(judged);
  const winner = taken(await takeLease(ports, request));
  assert.equal(await discardLease(ports, path, judged), false);
  await winner.check();
});

test('a note that cannot be read lapses by its time alone', async () => {
  const ports = await world();
  await ports.files.create(path, [new Uint8Array(0)]);
  assert.equal((await takeLease(ports, request)).type, 'held');
  await ports.platform.clock.advance(6 * minuteMs);
  assert.equal(taken(await takeLease(ports, request)).fence, 1);
});

test('what a process held that is gone is free at once; what is not known lapses', async () => {
  const gone = new Set<string>();
  const ports = await world();
  const processes = (self: string): Processes => ({ self, isGone: (name) => gone.has(name) });
  await takeLease({ ...ports, timers: stopped, processes: processes('a:1:1') }, request);
  assert.equal((await takeLease({ ...ports, processes: processes('a:2:1') }, request)).type, 'held');
  gone.add('a:1:1');
  assert.equal((await takeLease({ ...ports, processes: processes('a:2:1') }, request)).type, 'taken');
});

test('a failure to reach the file is no loss, and the lease goes on', async () => {
  const ports = await world();
  const state = { broken: false };
  const files: Files = {
    ...ports.files,
    read: (...inputs) => (state.broken ? Promise.reject(new Error('unplugged')) : ports.files.read(...inputs)),
  };
  const lease = taken(await takeLease({ ...ports, files }, request));
  state.broken = true;
  await ports.platform.clock.advance(2 * minuteMs);
  await assert.rejects(lease.check(), /unplugged/);
  state.broken = false;
  await lease.check();
});

test('a lock serves one after the other, and says so when it takes too long', async () => {
  const ports = await world();
  const { clock } = ports.platform;
  const lock = { path: '/locks/commit', generation: '00', clock, waitMs: minuteMs };
  const order: string[] = [];
  const hold = (name: string): Promise<void> =>
    withLock(ports, lock, async () => {
      order.push(`${name} in`);
      await clock.sleep(10 * secondMs);
      order.push(`${name} out`);
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
