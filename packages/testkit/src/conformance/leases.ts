/*
 * What every implementation of the vault's Leases port must do. Each test gets leases of its own, in a time that it moves; several of
 * `another` are processes of one site.
 */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import { minuteMs, secondMs } from '@twinvault/std';
import type { Processes } from '@twinvault/std';
import type { Lease, LeaseAnswer, LeaseRequest, Leases } from '@twinvault/vault';

export interface LeasesUnderTest extends AsyncDisposable {
  /** Of a process that lives, or, with `isStopped`, of one whose timers do not run. */
  readonly another: (options?: { readonly processes?: Processes; readonly isStopped?: boolean }) => Promise<Leases>;
  /** Moves the time of the leases, and the timers of processes that are not stopped. */
  readonly advance: (durationMs: number) => Promise<void>;
}

const lapseMs: number = 5 * minuteMs;
const folder = 'safes/00/leases';
const request: LeaseRequest = { name: `${folder}/write-1`, lapseMs, generation: '00' };

function taken(answer: LeaseAnswer): Lease {
  assert.ok(answer.type === 'taken');
  return answer.lease;
}

async function isLost(work: Promise<void>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof ProtocolError && error.code === 'lease-lost');
}

type Body = (given: LeasesUnderTest) => Promise<void>;

const holding: Readonly<Record<string, Body>> = {
  'one holder at a time; given back, it is free at once': async ({ another }) => {
    const [one, two] = [await another(), await another()];
    const first = taken(await one.take({ ...request, about: { certificate: 'ab' } }));
    const held = await two.take(request);
    assert.ok(held.type === 'held');
    assert.equal(held.by.about['certificate'], 'ab');
    assert.equal(held.by.sinceMs, first.sinceMs);
    assert.equal((await two.take({ ...request, name: `${folder}/write-2` })).type, 'taken');
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    const second = taken(await two.take(request));
    await isLost(first.check());
    await second.check();
  },

  'a lease lives as long as it is renewed, however long that is': async ({ another, advance }) => {
    const lease = taken(await (await another()).take(request));
    const other = await another();
    for (let minute = 0; minute < 30; minute += 1) {
      await advance(minuteMs);
      assert.equal((await other.take(request)).type, 'held');
    }
    await lease.check();
  },

  'without renewal it lapses, and each next holder has the next fence': async ({ another, advance }) => {
    const [stopped, live] = [await another({ isStopped: true }), await another()];
    const dead = taken(await stopped.take(request));
    await advance(lapseMs - secondMs);
    assert.equal((await live.take(request)).type, 'held');
    await advance(2 * secondMs);
    const next = taken(await live.take(request));
    assert.equal(next.fence, dead.fence + 1);
    await isLost(dead.check());
    assert.equal(await dead.renew(), false);
    await dead[Symbol.asyncDispose]();
    await next.check();
  },

  'of many that take it over one wins': async ({ another, advance }) => {
    await (await another({ isStopped: true })).take(request);
    await advance(lapseMs + secondMs);
    const takers = [await another(), await another(), await another()];
    const answers = await Promise.all([...takers, ...takers, ...takers].map((leases) => leases.take(request)));
    const winners = answers.filter(({ type }) => type === 'taken').map(taken);
    assert.equal(winners.length, 1);
    await winners[0]?.check();
  },

  'what a process held that is gone is free at once; what none holds lapses': async ({ another }) => {
    const gone = new Set<string>();
    const processes = (self: string): Processes => ({ self, isGone: (name) => gone.has(name) });
    const dying = await another({ processes: processes('a:1:1'), isStopped: true });
    const other = await another({ processes: processes('a:2:1') });
    taken(await dying.take(request));
    const carried = { ...request, name: `${folder}/session-1`, carried: true };
    taken(await dying.take(carried));
    assert.equal((await other.take(request)).type, 'held');
    gone.add('a:1:1');
    assert.equal((await other.take(request)).type, 'taken');
    assert.equal((await other.take(carried)).type, 'held');
  },
};

const carrying: Readonly<Record<string, Body>> = {
  'detached, it lapses unless somebody carries it on by its handle': async ({ another, advance }) => {
    const [one, two] = [await another(), await another()];
    const first = taken(await one.take({ ...request, carried: true }));
    first.detach();
    await first[Symbol.asyncDispose]();
    await advance(4 * minuteMs);
    const again = await two.resume(first.handle);
    assert.deepEqual([again?.fence, again?.sinceMs, again?.handle], [first.fence, first.sinceMs, first.handle]);
    again?.detach();
    await advance(4 * minuteMs);
    assert.equal((await one.take(request)).type, 'held');
    await again?.check();
    await advance(lapseMs + secondMs);
    assert.equal(await two.resume(first.handle), null);
    taken(await one.take(request));
    assert.equal(await two.resume(first.handle), null);
    assert.equal(await again?.renew(), false);
  },

  'whoever carries it on can give it back': async ({ another }) => {
    const [one, two] = [await another(), await another()];
    const lease = taken(await one.take({ ...request, carried: true }));
    lease.detach();
    await (await two.resume(lease.handle))?.[Symbol.asyncDispose]();
    assert.equal(await one.resume(lease.handle), null);
    assert.equal((await one.take(request)).type, 'taken');
  },
};

const folders: Readonly<Record<string, Body>> = {
  'those of a folder are told, those that lapsed discarded, all voided': async ({ another, advance }) => {
    const [live, stopped] = [await another(), await another({ isStopped: true })];
    taken(await stopped.take({ ...request, name: `${folder}/read-1` }));
    taken(await stopped.take({ ...request, name: 'safes/01/leases/read-1' }));
    await advance(4 * minuteMs);
    const late = taken(await live.take({ ...request, name: `${folder}/session-2` }));
    const open = async (): Promise<string[]> => {
      return (await live.open(folder, await live.nowMs()))
        .map(({ name, sinceMs }) => `${name} ${sinceMs === late.sinceMs}`)
        .toSorted();
    };
    assert.deepEqual(await open(), ['read-1 false', 'session-2 true']);
    await advance(2 * minuteMs);
    assert.deepEqual(await open(), ['session-2 true']);
    assert.equal(await live.discardLapsed(folder, await live.nowMs()), 1);
    assert.equal(await live.discardLapsed(folder, await live.nowMs()), 0);
    assert.equal(await live.voidAll(folder), 1);
    await isLost(late.check());
    assert.deepEqual(await open(), []);
    assert.equal(await live.discardLapsed('safes/01/leases', await live.nowMs()), 1);
  },
};

/** Declares the suite; `open` gives leases of its own to each test. */
export function leasesConformance(
  name: string,
  open: () => Promise<LeasesUnderTest>,
  options: { readonly skip?: string | false } = {},
): void {
  suite(`leases: ${name}`, { skip: options.skip ?? false }, () => {
    for (const [title, body] of Object.entries({ ...holding, ...carrying, ...folders })) {
      test(title, async () => {
        await using given = await open();
        await body(given);
      });
    }
  });
}
