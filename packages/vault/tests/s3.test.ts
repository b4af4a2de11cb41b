/*
 * The S3 store against a real Ceph RADOS Gateway: the conformance suite in a bucket that locks and in one that does not, and what a network and
 * a provider do to it.
 */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MiB, Prng, StdError, utf8Encode } from '@twinvault/std';
import type { Network } from '@twinvault/std';
import { nodeNetwork } from '@twinvault/std/node';
import { faulty, objectStoreConformance, rejectsWith, s3Missing } from '@twinvault/testkit';
import { S3Client } from '../src/store/s3/s3-client.ts';
import type { S3Bucket } from '../src/store/s3/s3-client.ts';
import { versionsOf } from '../src/store/s3/s3-versions.ts';
import { memoryLeases, S3World } from './s3-world.ts';

const skip = s3Missing();
const shared: { world: Promise<S3World> | null; buckets: Map<boolean, Promise<S3Bucket>> } = { world: null, buckets: new Map() };

function theWorld(): Promise<S3World> {
  shared.world ??= S3World.start();
  return shared.world;
}

after(async () => (await shared.world)?.[Symbol.asyncDispose]());

async function aBucket(lock: boolean): Promise<S3Bucket> {
  const world = await theWorld();
  const made = shared.buckets.get(lock) ?? world.makeBucket({ lock });
  shared.buckets.set(lock, made);
  return world.withPrefix(await made);
}

for (const lock of [false, true]) {
  objectStoreConformance(
    `Ceph${lock ? ', locking' : ''}`,
    async () => {
      const world = await theWorld();
      const bucket = await aBucket(lock);
      const leases = await memoryLeases();
      const partBytes = 5 * MiB;
      const store = await world.open(bucket, { leases, partBytes });
      assert.equal(store.locks, lock);
      return {
        store,
        another: () => world.open(bucket, { leases, partBytes }),
        timeStepMs: 2000,
        largeBytes: 2 * partBytes,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
    { skip },
  );
}

test('a put whose answer is lost is put once, and known as its own', { skip }, async () => {
  const world = await theWorld();
  const bucket = await aBucket(false);
  using network = nodeNetwork();
  for (const when of ['before', 'after'] as const) {
    const leases = await memoryLeases();
    await world.open(bucket, { leases });
    const counted = faulty<Network>({ request: (request) => network.request(request) }, { failNth: null, error: () => null });
    const store = await world.open(bucket, { leases, network: counted });
    const before = counted.calls;
    await store.put(`${when}/count`, [utf8Encode('x')]);
    const calls = counted.calls - before;
    for (let nth = 1; nth <= calls; nth += 1) {
      const error = (): StdError => new StdError('network-unreachable');
      const opened = faulty<Network>({ request: (request) => network.request(request) }, { failNth: before + nth, when, error });
      const failing = await world.open(bucket, { leases, network: opened });
      const name = `${when}/${nth}`;
      assert.equal(await failing.put(name, [utf8Encode(name)]), true);
      assert.deepEqual(await store.get(name, 100), utf8Encode(name));
      assert.equal(await store.put(name, [utf8Encode('other')]), false);
    }
  }
});

test('what was replaced is swept, and what was replaced lately is not', { skip }, async () => {
  const world = await theWorld();
  const bucket = await aBucket(false);
  const client = new S3Client(bucket, world.ports);
  const store = await world.open(bucket);
  for (let round = 0; round < 3; round += 1) await store.replace('a/note', [utf8Encode(String(round))]);
  await store.put('.tv-0000000000000000.tmp', [utf8Encode('left')]);
  const nowMs = await store.nowMs();
  assert.equal(await store.sweep('', { beforeMs: nowMs - 60_000, deep: true }), 0);
  assert.equal((await versionsOf(client, `${bucket.prefix}a/note`)).length, 3);
  assert.equal(await store.sweep('', { beforeMs: nowMs + 5000, deep: true }), 3);
  assert.equal((await versionsOf(client, `${bucket.prefix}a/note`)).length, 1);
  assert.deepEqual(await store.get('a/note', 10), utf8Encode('2'));
});

test('parts of an upload that died are swept', { skip }, async () => {
  const world = await theWorld();
  const bucket = await aBucket(false);
  using network = nodeNetwork();
  const state = { broken: false };
  // The whole node goes with its second part: it gives up nothing any more.
  const dying: Network = {
    request: (request) => {
      if (request.url.includes('partNumber=2')) state.broken = true;
      if (state.broken) throw new Error('gone');
      return network.request(request);
    },
  };
  const store = await world.open(bucket, { network: dying, partBytes: 5 * MiB });
  const bytes = new Prng('parts').bytes(11 * MiB);
  await assert.rejects(store.put('a/large', [bytes], { byContent: true }), /gone/);
  const later = await world.open(bucket);
  assert.equal(await later.stat('a/large'), null);
  const nowMs = await later.nowMs();
  assert.equal(await later.sweep('', { beforeMs: nowMs - 60_000, deep: true }), 0);
  assert.equal(await later.sweep('', { beforeMs: nowMs + 5000, deep: true }), 1);
  assert.equal(await later.sweep('', { beforeMs: nowMs + 5000, deep: true }), 0);
});

test('a bucket or key that is not there, and a bucket that is full, are told as what they are', { skip }, async () => {
  const world = await theWorld();
  await rejectsWith(world.open(world.bucketOf('no-such-bucket')), 'store-unfit');
  const bucket = await aBucket(false);
  await rejectsWith(world.open({ ...bucket, secretKey: 'wrong' }), 'vault-denied');
  const keys = await world.server.addUser({ name: 'small', bytesMax: 2 * MiB });
  const small = await world.open(await world.makeBucket({ lock: false, keys }));
  const put = async (): Promise<void> => {
    for (let index = 0; index < 40; index += 1) await small.put(`fill/${index}`, [new Uint8Array(MiB)]);
  };
  await rejectsWith(put(), 'vault-full');
  assert.deepEqual(await small.get('fill/0', MiB), new Uint8Array(MiB));
});

test('while the gateway is away nothing is believed, and when it is back everything is there', { skip }, async () => {
  await using world = await S3World.start();
  const store = await world.open(await world.makeBucket({ lock: false }));
  await store.put('a/b', [utf8Encode('there')]);
  await world.server.kill();
  await rejectsWith(store.get('a/b', 10), 'store-away');
  await rejectsWith(store.stat('a/b'), 'store-away');
  await rejectsWith(store.list('a'), 'store-away');
  await world.server.restart();
  assert.deepEqual(await store.get('a/b', 10), utf8Encode('there'));
  const waiting = store.put('a/c', [utf8Encode('hung')]);
  world.server.pause();
  const late = store.put('a/d', [utf8Encode('hung')]);
  world.server.resume();
  assert.deepEqual(await Promise.all([waiting, late]), [true, true]);
});
