/*
 * The store of a site fails under an agent that sends over TLS: each operation of a run in turn, before or after it took effect, once or until somebody
 * mends it. What was acknowledged is there, the error is the store's own, and the next run goes through.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode, VaultSafe } from '@twinvault/protocol';
import { openRemoteVault } from '@twinvault/protocol/wire';
import { dayMs, toHex } from '@twinvault/std';
import type { Clock, Timers } from '@twinvault/std';
import {
  certificateFacts,
  makeServerKey,
  nodeNetwork,
  selfSignedCertificate,
  systemClock,
  systemRandom,
} from '@twinvault/std/node';
import { following, sessionOf, TestSafe } from '@twinvault/testkit';
import type { TestComputer } from '@twinvault/testkit';
import type { ObjectStore } from '../../src/index.ts';
import { MemorySite } from '../memory-site.ts';
import { impatient } from './client-place.ts';
import { servicePlace } from './service-place.ts';

interface FaultCase {
  readonly code: ProtocolErrorCode;
  readonly when: 'before' | 'after';
  /** Infinity: until it is mended. */
  readonly times: number;
  /** The client sends again what may pass by itself, and then the run is not to fail. */
  readonly passes: boolean;
}

const cases: readonly FaultCase[] = [
  { code: 'store-away', when: 'before', times: 1, passes: true },
  { code: 'store-away', when: 'after', times: 2, passes: true },
  { code: 'vault-full', when: 'before', times: 1, passes: false },
  { code: 'vault-failed', when: 'after', times: 1, passes: false },
  { code: 'vault-full', when: 'before', times: Infinity, passes: false },
  { code: 'store-away', when: 'before', times: Infinity, passes: false },
];

/** What a run does in the store and cannot do without. */
const operations: readonly (keyof ObjectStore)[] = ['put', 'replace', 'get', 'open', 'stat', 'list', 'listDeep'];

/** A store that can be spoilt and mended while a site uses it. */
function changeable(store: ObjectStore): { readonly store: ObjectStore; use: (other: ObjectStore) => void } {
  let current = store;
  return {
    store: new Proxy(store, {
      get: (_, name) => {
        const value: unknown = Reflect.get(current, name);
        return typeof value === 'function' ? (value.bind(current) as unknown) : value;
      },
    }),
    use: (other) => {
      current = other;
    },
  };
}

/** Pauses take no time, but are counted: who waits long enough gives up. */
function hasty(): { readonly clock: Clock; readonly timers: Timers } {
  let sleptMs = 0;
  const sleep: Timers['sleep'] = (durationMs, signal) => {
    sleptMs += durationMs;
    return impatient.sleep(durationMs, signal);
  };
  const clock = { nowMs: () => systemClock.nowMs(), monotonicMs: () => systemClock.monotonicMs() + sleptMs };
  return { clock, timers: { ...impatient, sleep } };
}

interface Acknowledged {
  readonly packs: Set<string>;
  readonly records: Set<string>;
}

interface Agent {
  readonly safe: VaultSafe;
  readonly mine: TestSafe;
  readonly computer: TestComputer;
  readonly acknowledged: Acknowledged;
}

async function run({ safe, mine, computer, acknowledged }: Agent): Promise<void> {
  await using session = await sessionOf(safe, mine, computer);
  const packs = [mine.pack(computer), mine.pack(computer)];
  for (const { name, bytes } of packs) {
    await session.putPack(name, bytes);
    acknowledged.packs.add(toHex(name));
  }
  const record = mine.record(computer, { ...following(session), packs });
  const { digest } = await session.commit(record.bytes);
  acknowledged.records.add(toHex(digest));
}

test('each operation of the store fails once under a run over TLS, and for good', async (t) => {
  const site = new MemorySite('service store faults');
  const spoilt = changeable(site.store);
  const vault = await site.create('one', spoilt.store);
  const key = makeServerKey();
  const nowMs = systemClock.nowMs();
  const chain = await selfSignedCertificate({ key, names: ['127.0.0.1'], fromMs: nowMs - dayMs, toMs: nowMs + dayMs });
  const place = await servicePlace({ vault, tls: { chain, key } });
  using network = nodeNetwork({ pins: [certificateFacts(chain, key)?.pin ?? ''] });
  const capability = await place.token({ verbs: ['create', 'write'] });
  const address = `https://127.0.0.1:${place.service.port}/a`;
  const remote = await openRemoteVault({ address, capability, ports: { network, random: systemRandom, ...hasty() } });
  const mine = new TestSafe('mine');
  const computer = mine.enrol('mine');
  await remote.createSafe(mine.newSafe);
  const agent = {
    safe: await remote.openSafe(mine.safe),
    mine,
    computer,
    acknowledged: { packs: new Set<string>(), records: new Set<string>() },
  };
  const counting = site.faulty({ failNth: null, error: () => null, operations });
  spoilt.use(counting);
  await run(agent);
  const { calls } = counting;
  let failed = 0;
  for (let turn = 0; turn < 2 * calls; turn += 1) {
    const nth = 1 + (turn % calls);
    const each = cases[(turn + Math.floor(turn / calls)) % cases.length] as FaultCase;
    const what = `${each.code} ${each.when} ${nth} of ${calls}, ${each.times} times`;
    const { code, ...how } = each;
    spoilt.use(site.faulty({ ...how, failNth: nth, operations, error: () => new ProtocolError(code) }));
    try {
      await run(agent);
    } catch (error) {
      failed += 1;
      assert.ok(error instanceof ProtocolError && error.code === code && !each.passes, `${what}: ${String(error)}`);
    }
    spoilt.use(site.store);
    await assert.doesNotReject(run(agent), what);
  }
  t.diagnostic(`${calls} operations of a run, ${failed} runs failed`);
  assert.ok(failed > calls / 2, 'runs did fail');
  const records = new Set((await agent.safe.records()).map(({ digest }) => toHex(digest)));
  assert.deepEqual(
    [...agent.acknowledged.records].filter((digest) => !records.has(digest)),
    [],
  );
  for (const name of agent.acknowledged.packs)
    assert.ok(await site.store.stat(`safes/${toHex(mine.safe)}/packs/${name.slice(0, 2)}/${name}`), name);
  const report = await (await site.open('two')).check({ readData: true });
  assert.deepEqual(report.problems, []);
});
