/* Sessions, readings and the feed over HTTP, at one node and at two that know each other by database and store alone. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrames, packFrames, parseFrames } from '@twinvault/protocol/wire';
import { parseReceipt } from '@twinvault/format';
import { systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { MiB } from '@twinvault/std';
import { TestSafe } from '@twinvault/testkit';
import type { TestComputer } from '@twinvault/testkit';
import { openSiteDatabase } from '../../src/database/open-database.ts';
import { hex, servicePlace } from './service-place.ts';
import type { ServicePlace } from './service-place.ts';

const limits = { countMax: 1000, bytesMax: 64 * MiB };

function json(value: object): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

interface World {
  readonly place: ServicePlace;
  readonly safe: TestSafe;
  readonly computer: TestComputer;
  readonly token: string;
  readonly path: string;
}

async function world(name: string, place?: ServicePlace): Promise<World> {
  const at = place ?? (await servicePlace());
  const safe = new TestSafe(name);
  const computer = safe.enrol('first');
  await at.vault.createSafe(safe.newSafe, { anyLabel: true });
  const token = await at.token({ verbs: ['write'], safe: safe.safe });
  return { place: at, safe, computer, token, path: `/safes/${hex(safe.safe)}` };
}

function sessionBody({ safe, computer }: World, job: string = 'job'): Uint8Array {
  const { number, digest, root } = safe.head;
  const ledger = { number, digest: hex(digest), root: hex(root) };
  return json({ certificate: hex(computer.certificate), computer: hex(computer.computer), job, ledger });
}

const newId = (): string => hex(systemRandom.bytes(16));

test('what an agent sends is stored, committed, announced, and read back', async () => {
  const it = await world('round');
  const { place, safe, computer, token, path } = it;
  const session = `${path}/sessions/${newId()}`;
  const opened = await place.send({ method: 'PUT', path: session, token, body: sessionBody(it) });
  assert.deepEqual([opened.status, opened.json()['heads']], [200, []]);
  assert.equal((await place.send({ method: 'PUT', path: session, token, body: sessionBody(it) })).status, 200);
  const pack = safe.pack(computer, { blobCount: 5 });
  const packPath = `/packs/${hex(pack.name)}`;
  const put = { method: 'PUT', path: `${session}${packPath}`, token, body: packFrames(pack.bytes) };
  assert.equal((await place.send({ method: 'HEAD', path: `${session}${packPath}`, token })).status, 404);
  assert.equal((await place.send(put)).status, 201);
  assert.equal((await place.send(put)).status, 200);
  assert.equal((await place.send({ method: 'HEAD', path: `${session}${packPath}`, token })).status, 200);
  const record = safe.record(computer, { packs: [pack] });
  const committed = await place.send({ method: 'POST', path: `${session}/records`, token, body: record.bytes });
  assert.deepEqual(hex(parseReceipt(committed.body).record), hex(record.digest));
  assert.equal((await place.send({ method: 'DELETE', path: session, token })).status, 204);
  assert.equal((await place.send({ method: 'POST', path: `${session}/renew`, token })).json()['code'], 'lease-lost');

  const next = `${path}/sessions/${newId()}`;
  const again = await place.send({ method: 'PUT', path: next, token, body: sessionBody(it) });
  assert.equal((again.json()['heads'] as unknown[]).length, 1);
  const live = await place.send({ method: 'GET', path: `${next}/live`, token });
  const [frame] = parseFrames(live.body, limits);
  assert.ok(frame);
  assert.equal(hex(frame.subarray(0, 32)), hex(pack.name));

  const reading = `${path}/readings/${newId()}`;
  assert.equal((await place.send({ method: 'PUT', path: reading, token })).status, 200);
  const size = await place.send({ method: 'HEAD', path: `${reading}${packPath}`, token });
  assert.equal(size.headers['content-length'], String(pack.bytes.length));
  const whole = await place.send({ method: 'GET', path: `${reading}${packPath}`, token });
  assert.deepEqual(Buffer.from(whole.body), Buffer.from(pack.bytes));
  const part = await place.send({ method: 'GET', path: `${reading}${packPath}`, token, headers: { range: 'bytes=10-19' } });
  assert.deepEqual([part.status, Buffer.from(part.body)], [206, Buffer.from(pack.bytes.slice(10, 20))]);
  const ranges = { ranges: [0, 7].map((offset) => ({ pack: hex(pack.name), offset, length: 16 })) };
  const batch = await place.send({ method: 'POST', path: `${reading}/ranges`, token, body: json(ranges) });
  assert.deepEqual(Buffer.from(batch.body), Buffer.from(encodeFrames([pack.bytes.slice(0, 16), pack.bytes.slice(7, 23)])));
  const holders = await place.send({
    method: 'POST',
    path: `${reading}/holders`,
    token,
    body: json({ origins: [hex(pack.name)] }),
  });
  assert.deepEqual(holders.json(), { holders: [[hex(pack.name)]] });

  const feed = await place.send({ method: 'GET', path: `${path}/feed`, token });
  const events = feed.json()['events'] as readonly { kind: string; name: string }[];
  assert.deepEqual(
    events.map(({ kind, name }) => [kind, name]),
    [
      ['pack', hex(pack.name)],
      ['record', hex(record.digest)],
      ['receipt', hex(record.digest)],
    ],
  );
});

test('who waits at the feed hears of a pack as soon as it is there', async () => {
  const it = await world('feed');
  const { place, safe, computer, token, path } = it;
  const session = `${path}/sessions/${newId()}`;
  await place.send({ method: 'PUT', path: session, token, body: sessionBody(it) });
  const heard = place.send({ method: 'GET', path: `${path}/feed?wait=30000`, token });
  const pack = safe.pack(computer);
  await place.send({ method: 'PUT', path: `${session}/packs/${hex(pack.name)}`, token, body: packFrames(pack.bytes) });
  const { events, next } = (await heard).json() as { events: { name: string }[]; next: string };
  assert.equal(events[0]?.name, hex(pack.name));
  const after = await place.send({ method: 'GET', path: `${path}/feed?after=${next}`, token });
  assert.deepEqual(after.json()['events'], []);
});

test('a session goes on at another node, and what one node ended is over at both', async () => {
  const ports = { clock: systemClock, timers: systemTimers, random: systemRandom };
  await using database = await openSiteDatabase({ config: { type: 'sqlite', path: ':memory:' }, platform: ports });
  const here = await world('nodes', await servicePlace({ database }));
  const { safe, computer, token, path } = here;
  const there = await servicePlace({ database, vault: here.place.vault });
  const session = `${path}/sessions/${newId()}`;
  assert.equal((await here.place.send({ method: 'PUT', path: session, token, body: sessionBody(here) })).status, 200);
  const packs = [safe.pack(computer), safe.pack(computer)];
  for (const [index, pack] of packs.entries()) {
    const node = index === 0 ? here.place : there;
    const answer = await node.send({
      method: 'PUT',
      path: `${session}/packs/${hex(pack.name)}`,
      token,
      body: packFrames(pack.bytes),
    });
    assert.equal(answer.status, 201);
  }
  const record = safe.record(computer, { packs });
  const body = record.bytes;
  const [first, second] = [
    await there.send({ method: 'POST', path: `${session}/records`, token, body }),
    await here.place.send({ method: 'POST', path: `${session}/records`, token, body }),
  ];
  assert.deepEqual([first.status, Buffer.from(first.body)], [200, Buffer.from(second.body)]);
  await there.send({ method: 'DELETE', path: session, token });
  const over = await here.place.send({ method: 'POST', path: `${session}/renew`, token });
  assert.deepEqual([over.status, over.json()['code']], [409, 'lease-lost']);
  await there.service.stop();
});

test('a job has one session, and the one that has it can be opened again by its id alone', async () => {
  const it = await world('busy');
  const { place, token, path } = it;
  const ids = [newId(), newId()];
  const open = (id: string): ReturnType<ServicePlace['send']> =>
    place.send({ method: 'PUT', path: `${path}/sessions/${id}`, token, body: sessionBody(it) });
  const answers = await Promise.all([open(ids[0] ?? ''), open(ids[0] ?? '')]);
  assert.ok(answers.some(({ status }) => status === 200));
  assert.equal((await open(ids[0] ?? '')).status, 200);
  const busy = await open(ids[1] ?? '');
  assert.deepEqual([busy.status, busy.json()['code']], [409, 'job-busy']);
});

test('a capability of one computer opens and finds sessions of this one alone', async () => {
  const it = await world('computers');
  const { place, safe, token, path } = it;
  const other = safe.enrol('second');
  for (const entry of safe.newSafe.ledger.slice(-1)) {
    await place.send({ method: 'POST', path: `${path}/ledger`, token, body: entry });
  }
  const session = `${path}/sessions/${newId()}`;
  await place.send({ method: 'PUT', path: session, token, body: sessionBody(it) });
  const narrow = await place.token({ verbs: ['write'], safe: safe.safe, computer: other.computer });
  const own = { ...it, computer: other };
  const open = await place.send({ method: 'PUT', path: `${path}/sessions/${newId()}`, token: narrow, body: sessionBody(own) });
  assert.equal(open.status, 200);
  const foreign = await place.send({ method: 'PUT', path: `${path}/sessions/${newId()}`, token: narrow, body: sessionBody(it) });
  assert.deepEqual([foreign.status, foreign.json()['code']], [403, 'verb-denied']);
  for (const [method, below] of [
    ['POST', '/renew'],
    ['GET', '/live'],
    ['DELETE', ''],
  ] as const) {
    const answer = await place.send({ method, path: `${session}${below}`, token: narrow });
    assert.deepEqual([answer.status, answer.json()['code']], [409, 'lease-lost'], method);
  }
  assert.equal((await place.send({ method: 'POST', path: `${session}/renew`, token })).status, 204);
});
