/*
 * The S3 store on providers that differ, each in memory: those that do all that is needed, in either spelling, pass the conformance suite; those
 * that lack something, or say that they do it and do not, are found out when the store is opened.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB, secondMs, StdError, utf8Encode } from '@twinvault/std';
import type { Network } from '@twinvault/std';
import {
  FakeClock,
  MemoryNetwork,
  MemoryS3,
  objectStoreConformance,
  rejectsWith,
  seededRandom,
  settle,
} from '@twinvault/testkit';
import type { MemoryS3Options } from '@twinvault/testkit';
import type { PutGate } from '../src/store/put-gate.ts';
import { openS3Store } from '../src/store/s3/open-s3-store.ts';
import type { S3Store } from '../src/store/s3/s3-store.ts';
import { gateOf, memoryLeases } from './s3-world.ts';

interface Provider {
  readonly clock: FakeClock;
  readonly network: Network;
  readonly open: (options?: {
    readonly network?: Network;
    readonly gate?: PutGate;
    readonly endpoint?: string;
  }) => Promise<S3Store>;
}

const noGate: PutGate = () => Promise.reject(new Error('no lease is needed here'));

function provider(options: Omit<MemoryS3Options, 'clock'> = {}): Provider {
  const clock = new FakeClock();
  const network = new MemoryNetwork(clock);
  const random = seededRandom('provider');
  const s3 = new MemoryS3({ ...options, clock });
  for (const origin of ['https://s3.test', 'http://s3.test']) network.serve(origin, s3.handle);
  const bucket = { region: 'r', bucket: 'bucket', prefix: 'p/', addressing: 'path', accessKey: 'k', secretKey: 's' } as const;
  return {
    clock,
    network,
    open: ({ network: way = network, gate = noGate, endpoint = 'https://s3.test' } = {}) => {
      const timers = { sleep: settle, every: clock.every.bind(clock) };
      const ports = { network: way, clock, timers, random };
      return openS3Store({ bucket: { ...bucket, endpoint }, ports, gate, lockMode: 'COMPLIANCE', partBytes: MiB });
    },
  };
}

const fit: Readonly<Record<string, Omit<MemoryS3Options, 'clock'>>> = {
  'conditions held': {},
  'conditions overlooked, tags without quotes': { conditions: 'overlooked', bareTags: true },
  'conditions refused, short pages': { conditions: 'refused', pageMax: 7 },
  'locks kept': { locks: 'kept' },
};

for (const [name, options] of Object.entries(fit)) {
  objectStoreConformance(`S3 in memory, ${name}`, async () => {
    const { open } = provider(options);
    const hasConditions = options.conditions === undefined;
    const leases = await memoryLeases();
    // Where conditions hold no lease is ever taken.
    const gate = hasConditions ? noGate : gateOf(leases);
    const store = await open({ gate });
    assert.equal(store.locks, options.locks === 'kept');
    return {
      store,
      another: () => open({ gate }),
      timeStepMs: secondMs,
      largeBytes: 3 * MiB,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  });
}

const unfit: Readonly<Record<string, { readonly options: Omit<MemoryS3Options, 'clock'>; readonly lacks: string }>> = {
  'no versions': { options: { versions: 'refused' }, lacks: 'versions' },
  'versions that are not kept': { options: { versions: 'lost' }, lacks: 'versions' },
  'a retention of everything': {
    options: { locks: 'kept', defaultRetention: true },
    lacks: 'freedom from a default retention',
  },
};

for (const [name, { options, lacks }] of Object.entries(unfit)) {
  test(`a provider with ${name} is refused, and told what it lacks`, async () => {
    await assert.rejects(provider(options).open(), { code: 'store-unfit', context: { lacks } });
  });
}

test('a lock that is only pretended is not relied on', async () => {
  const store = await provider({ locks: 'pretended' }).open();
  assert.equal(store.locks, false);
  await store.put('a', [utf8Encode('x')]);
  assert.equal(await store.lock('a', 1e15), false);
});

test('a locked object that was set aside goes with the sweep when its time is over', async () => {
  const { clock, open } = provider({ locks: 'kept' });
  const store = await open();
  await store.put('a/pack', [utf8Encode('x')]);
  await store.lock('a/pack', clock.nowMs() + 100 * secondMs);
  await store.move('a/pack', 'damaged/pack');
  const sweep = async (): Promise<number> => store.sweep('a', { beforeMs: clock.nowMs() - secondMs, deep: true });
  await clock.advance(50 * secondMs);
  assert.equal(await sweep(), 0);
  assert.equal(await store.stat('a/pack'), null);
  await clock.advance(60 * secondMs);
  // The locked version, then the marker over it.
  assert.equal(await sweep(), 2);
  assert.equal(await sweep(), 0);
  assert.equal(await store.stat('a/pack'), null);
});

test('bodies are signed where nothing else guards them', async () => {
  const { network, open } = provider();
  for (const [endpoint, isSigned] of [
    ['https://s3.test', false],
    ['http://s3.test', true],
  ] as const) {
    const digests = new Set<boolean>();
    const seen: Network = {
      request: (request) => {
        digests.add(request.headers['x-amz-content-sha256'] !== 'UNSIGNED-PAYLOAD');
        return network.request(request);
      },
    };
    await (await open({ network: seen, endpoint })).put(`a/${isSigned}`, [utf8Encode('x')]);
    assert.deepEqual([...digests], [isSigned]);
  }
});

test('what passes is repeated, what does not is not, and what lasts is told', async () => {
  const { network, open } = provider();
  const state = { fail: 0, calls: 0, status: 503 };
  const flaky: Network = {
    request: async (request) => {
      state.calls += 1;
      if (state.fail === 0) return network.request(request);
      state.fail -= 1;
      if (state.status === 0) throw new StdError('network-timeout');
      return { status: state.status, headers: {}, body: utf8Encode('<Error><Code>Told</Code></Error>') };
    },
  };
  const store = await open({ network: flaky });
  const ask = async (status: number, fail: number): Promise<number> => {
    Object.assign(state, { status, fail, calls: 0 });
    await store.stat('a');
    return state.calls;
  };
  assert.equal(await ask(503, 3), 4);
  assert.equal(await ask(0, 5), 6);
  await rejectsWith(ask(503, 6), 'store-away');
  await rejectsWith(ask(0, 6), 'store-away');
  await rejectsWith(ask(403, 1), 'vault-denied');
  assert.equal(state.calls, 1);
  await rejectsWith(ask(507, 1), 'vault-full');
  await rejectsWith(ask(418, 1), 'vault-failed');
});

test('who loses the lease of a put takes back what it put', async () => {
  const { open } = provider({ conditions: 'overlooked' });
  const state = { lost: false };
  const losing: PutGate = (_name, body) => {
    let asked = 0;
    return body(() => {
      asked += 1;
      return state.lost && asked > 1 ? Promise.reject(new Error('lost')) : Promise.resolve();
    });
  };
  const store = await open({ gate: losing });
  state.lost = true;
  await assert.rejects(store.put('ledger/1', [utf8Encode('late')]), /lost/);
  assert.equal(await store.stat('ledger/1'), null);
  state.lost = false;
  assert.equal(await store.put('ledger/1', [utf8Encode('first')]), true);
  assert.equal(await store.put('ledger/1', [utf8Encode('second')]), false);
  assert.deepEqual(await store.get('ledger/1', 10), utf8Encode('first'));
});
