import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8Encode } from '@twinvault/std';
import { memoryPlatform } from './memory-platform.ts';

test('one seed, one behaviour', async () => {
  const [one, two, other] = [memoryPlatform(1), memoryPlatform(1), memoryPlatform(2)] as const;
  assert.deepEqual(one.random.bytes(16), two.random.bytes(16));
  assert.notDeepEqual(one.random.bytes(16), other.random.bytes(16));
  assert.equal(one.clock.nowMs(), two.clock.nowMs());
  await one.files.create('/file', [utf8Encode('hello')]);
  one.disk.crash();
  assert.equal((await one.disk.mount().stat('/file'))?.sizeBytes, 5);
});

test('an origin can be cut off and come back', async () => {
  const { network } = memoryPlatform();
  const served = network.serve('https://vault.test', () => ({ status: 200, headers: {}, body: new Uint8Array(0) }));
  const ask = { method: 'GET', url: 'https://vault.test/', headers: {}, timeoutMs: 10, answerBytesMax: 0 };
  assert.equal((await network.request(ask)).status, 200);
  network.setReachable('https://vault.test', false);
  await assert.rejects(network.request(ask), { code: 'network-unreachable' });
  network.setReachable('https://vault.test', true);
  assert.equal((await network.request(ask)).status, 200);
  served[Symbol.dispose]();
  await assert.rejects(network.request(ask), { code: 'network-unreachable' });
});
