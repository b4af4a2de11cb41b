/* Leases on memory files and a fake clock: what the conformance suite of the port cannot ask, every way in which a file can be mistaken. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteMs, secondMs } from '@twinvault/std';
import type { Files } from '@twinvault/std';
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

/** A process whose timers do not run. */
const stopped = { sleep: () => Promise.resolve(), every: () => ({ cancel: () => undefined }) };

function taken(answer: LeaseAnswer): Lease {
  assert.ok(answer.type === 'taken');
  return answer.lease;
}

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

test('what was renewed by a clock that was set back since lapses from now on, unless somebody renews it', async () => {
  const { platform, leases, other } = await world();
  platform.clock.jump(365 * 24 * 60 * minuteMs);
  taken(await other({ timers: stopped }).take(request));
  platform.clock.jump(-365 * 24 * 60 * minuteMs);
  assert.equal((await leases.take(request)).type, 'held');
  await platform.clock.advance(leaseLapseMs - secondMs);
  assert.equal((await leases.take(request)).type, 'held');
  await platform.clock.advance(2 * secondMs);
  taken(await leases.take(request));
});
