/* Sites that come late, fail and come back, on a clock of the test; and how long a request is repeated while another site serves, and while none does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteId } from '@twinvault/format';
import { FakeClock, MemoryNetwork, seededRandom, settle } from '@twinvault/testkit';
import { ProtocolError } from '../errors.ts';
import { fallOverMsMax, retryMsMax } from '../limits.ts';
import type { SiteInfo, Vault } from '../vault-port.ts';
import { Exchange } from '../wire/client/exchange.ts';
import { secondSiteMsMax, siteRestMs, SiteSet } from './site-set.ts';
import type { SitePlace } from './site-set.ts';

interface FakePlace extends SitePlace {
  serves: boolean;
  opens: Promise<void> | null;
  closed: boolean;
}

function place(name: string, number: number): FakePlace {
  const info: SiteInfo = {
    site: siteId(new Uint8Array(16).fill(number)),
    publicKey: new Uint8Array(32),
    generation: new Uint8Array(16),
    nowMs: 0,
  };
  const made: FakePlace = {
    name,
    serves: true,
    opens: null,
    closed: false,
    open: async () => {
      await made.opens;
      if (!made.serves) throw new ProtocolError('network-unreachable');
      const vault: Partial<Vault> = {
        site: () => Promise.resolve(info),
        [Symbol.asyncDispose]: () => {
          made.closed = true;
          return Promise.resolve();
        },
      };
      return vault as Vault;
    },
    isReachable: () => Promise.resolve(made.serves),
  };
  return made;
}

interface Made {
  readonly clock: FakeClock;
  readonly a: FakePlace;
  readonly b: FakePlace;
  readonly set: SiteSet;
  readonly told: string[];
}

function makeSet(second = place('b', 2)): Made {
  const clock = new FakeClock(0);
  const [a, b] = [place('a', 1), second];
  const told: string[] = [];
  const set = new SiteSet({
    places: [a, b],
    ports: { clock, timers: clock },
    told: ({ type, name }) => told.push(`${name} ${type}`),
  });
  return { clock, a, b, set, told };
}

async function names(set: SiteSet): Promise<string[]> {
  return (await set.serving()).map(({ name }) => name);
}

test('both serve in the order in which they were named, and both are closed', async () => {
  const { a, b, set, told } = makeSet();
  assert.deepEqual(await names(set), ['a', 'b']);
  assert.deepEqual(told, []);
  await set[Symbol.asyncDispose]();
  assert.deepEqual([a.closed, b.closed], [true, true]);
});

test('a site that does not answer is waited for a little while once the other serves', async () => {
  const { clock, b, set, told } = makeSet();
  const { promise, resolve } = Promise.withResolvers<void>();
  b.opens = promise;
  const serving = names(set);
  await settle();
  await clock.advance(secondSiteMsMax);
  assert.deepEqual(await serving, ['a']);
  assert.deepEqual(told, ['b away']);
  // It came after all.
  resolve();
  await clock.advance(siteRestMs);
  await names(set);
  await settle();
  assert.deepEqual(await names(set), ['a', 'b']);
  assert.deepEqual(told, ['b away', 'b back']);
});

test('a site that fails is left alone for a while and told of once; when both fail both are asked again', async () => {
  const { clock, a, b, set, told } = makeSet();
  const [first] = await set.serving();
  assert.ok(first);
  a.serves = false;
  const answer = await set.any(await set.serving(), ({ name }) =>
    name === 'a' ? Promise.reject(new ProtocolError('network-timeout')) : Promise.resolve(name),
  );
  assert.equal(answer, 'b');
  assert.deepEqual([await names(set), set.isAway(first), told], [['b'], true, ['a away']]);
  await clock.advance(siteRestMs);
  assert.deepEqual(await names(set), ['b']);
  b.serves = false;
  const [second] = await set.serving();
  assert.ok(second);
  assert.equal(set.failed(second, new ProtocolError('store-away')), true);
  await assert.rejects(set.serving(), { code: 'network-timeout' });
  a.serves = true;
  assert.deepEqual(await names(set), ['a']);
  assert.deepEqual(told, ['a away', 'b away', 'a back']);
});

test('what is lacking at every site is said so, and an answer is no failure', async () => {
  const { set } = makeSet();
  const sites = await set.serving();
  const lacking = set.any(sites, ({ name }) =>
    Promise.reject(new ProtocolError(name === 'a' ? 'network-timeout' : 'pack-unknown')),
  );
  await assert.rejects(lacking, { code: 'pack-unknown' });
  const refused = set.any(sites, () => Promise.reject(new ProtocolError('job-busy')));
  await assert.rejects(refused, { code: 'job-busy' });
});

test('two places that are one site are refused', async () => {
  await assert.rejects(makeSet(place('b', 1)).set.serving(), { code: 'site-twice' });
});

test('a request is given up soon where another site serves, and repeated for long where none does', async () => {
  for (const [serves, wantedMs] of [
    [true, fallOverMsMax],
    [false, retryMsMax],
  ] as const) {
    const clock = new FakeClock(0);
    const exchange = new Exchange({
      address: 'https://nowhere.test',
      capability: '',
      ports: { network: new MemoryNetwork(clock), clock, timers: clock, random: seededRandom('exchange') },
      elsewhere: () => Promise.resolve(serves),
    });
    const call = assert.rejects(exchange.call('site'), { code: 'network-unreachable' });
    const state = { over: false };
    void call.finally(() => (state.over = true));
    while (!state.over) {
      await clock.advanceToNext();
      await settle();
    }
    await call;
    assert.ok(clock.monotonicMs() > wantedMs / 2 && clock.monotonicMs() <= wantedMs, `${clock.monotonicMs()} ms`);
  }
});
