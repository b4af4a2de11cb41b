/*
 * Sessions and readings that no process holds, as requests over the network have them: opened at one node, carried on at another by
 * their state alone, over when nobody renews them.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteMs, toHex } from '@twinvault/std';
import { following, rejectsWith } from '@twinvault/testkit';
import type { OpenedSession, SessionState } from '../src/index.ts';
import { harness } from './harness.ts';
import type { Harness } from './harness.ts';

function open({ safe, mine, computer }: Harness, id?: Uint8Array): Promise<OpenedSession> {
  const { certificate, computer: of } = computer;
  const request = { certificate, computer: of, job: 'job', ledger: mine.head };
  return safe.openSession(request, { carried: true, ...(id === undefined ? {} : { id }) });
}

function throughJson<T>(state: T): T {
  return JSON.parse(JSON.stringify(state)) as T;
}

test('a session goes on at another node, pack by pack, and its commit is one', async () => {
  const parts = await harness();
  const { mine, computer } = parts;
  const id = new Uint8Array(16).fill(7);
  const opened = await open(parts, id);
  assert.deepEqual(opened.id, id);
  const state: SessionState = throughJson(opened.state);
  await opened[Symbol.asyncDispose]();
  const packs = [mine.pack(computer), mine.pack(computer)];
  for (const { name, bytes } of packs) {
    await using node = await parts.open();
    const session = await (await node.openSafe(mine.safe)).resumeSession(state);
    assert.equal(await session.hasPack(name), false);
    assert.equal(await session.putPack(name, bytes), 'stored');
    assert.equal(await session.hasPack(name), true);
    await session[Symbol.asyncDispose]();
  }
  const session = await parts.safe.resumeSession(state);
  assert.deepEqual(throughJson(session.state), state);
  const record = mine.record(computer, { ...following(opened), job: 'job', packs });
  await session.commit(record.bytes);
  assert.deepEqual(
    (await session.currentHeads()).map(({ digest }) => toHex(digest)),
    [toHex(record.digest)],
  );
  await rejectsWith(open(parts), 'job-busy');
  await session.end();
  await session.end();
  await rejectsWith(parts.safe.resumeSession(state), 'lease-lost');
  await (await open(parts)).end();
});

test('a session that nobody renews is over after its time, and one that is renewed is not', async () => {
  const parts = await harness();
  const { clock } = parts.platform;
  const { state } = await open(parts);
  for (let round = 0; round < 4; round += 1) {
    await clock.advance(4 * minuteMs);
    await (await parts.safe.resumeSession(state)).renew();
  }
  const held = await parts.safe.resumeSession(state);
  await clock.advance(6 * minuteMs);
  await rejectsWith(parts.safe.resumeSession(state), 'lease-lost');
  const next = await open(parts);
  await rejectsWith(held.renew(), 'lease-lost');
  await next.end();
});

test('a rebuild ends sessions and readings wherever they are', async () => {
  const parts = await harness();
  const session = await open(parts);
  const reading = await parts.safe.openReading({ carried: true });
  await parts.vault.rebuild({ voidLeases: true });
  await rejectsWith(session.renew(), 'lease-lost');
  await rejectsWith(parts.safe.resumeSession(session.state), 'lease-lost');
  await rejectsWith(parts.safe.resumeReading(reading.state), 'lease-lost');
});

test('a reading goes on at another node and keeps what it may read', async () => {
  const parts = await harness();
  const { mine, computer, safe, platform } = parts;
  const pack = mine.pack(computer);
  await using session = await open(parts);
  await session.putPack(pack.name, pack.bytes);
  await session.end();
  const reading = await safe.openReading({ carried: true });
  const state = throughJson(reading.state);
  await platform.clock.advance(4 * minuteMs);
  await using node = await parts.open();
  const again = await (await node.openSafe(mine.safe)).resumeReading(state);
  assert.deepEqual(await again.readPack(pack.name, 4, 9), pack.bytes.slice(4, 13));
  await platform.clock.advance(4 * minuteMs);
  await again.renew();
  await again.end();
  await rejectsWith(safe.resumeReading(state), 'lease-lost');
});
