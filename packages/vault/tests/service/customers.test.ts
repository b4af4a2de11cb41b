/* Whose safes are whose: kept with the safe from its making on, told to operators alone, changed by them alone, and counted by when the site is busy. */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { test } from 'node:test';
import { bodiesInFlightMax } from '@twinvault/protocol';
import { dayMs } from '@twinvault/std';
import { systemClock } from '@twinvault/std/node';
import { runOnce, TestSafe } from '@twinvault/testkit';
import { hex, newSafeFrames, servicePlace } from './service-place.ts';
import type { ServicePlace } from './service-place.ts';

const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));

async function make(place: ServicePlace, safe: TestSafe, customer?: string): Promise<number> {
  const token = await place.token({ verbs: ['create'], ...(customer === undefined ? {} : { customer }) });
  const { status } = await place.send({
    method: 'PUT',
    path: `/safes/${hex(safe.safe)}`,
    token,
    body: newSafeFrames(safe.newSafe),
  });
  return status;
}

async function listed(place: ServicePlace, token: string): Promise<Record<string, string | undefined>> {
  const { safes } = (await place.send({ method: 'GET', path: '/safes', token })).json() as {
    safes: { label: string; customer?: string }[];
  };
  return Object.fromEntries(safes.map(({ label, customer }) => [label, customer]));
}

async function metric(place: ServicePlace, name: string): Promise<number> {
  const { body } = await place.send({ method: 'GET', path: `http://127.0.0.1:${place.service.operationsPort}/metrics` });
  return Number(new RegExp(`^${name} (.*)$`, 'mu').exec(Buffer.from(body).toString())?.[1]);
}

test('a safe belongs to the customer whose token made it, until an operator says otherwise', async () => {
  const place = await servicePlace();
  const operator = await place.token({ verbs: ['operate'] });
  const [ada, alone] = [new TestSafe('ada'), new TestSafe('alone')];
  assert.equal(await make(place, ada, 'Ada & Co'), 201);
  assert.equal(await make(place, alone), 201);
  // The same making again, by somebody else's token, makes nothing new.
  assert.equal(await make(place, ada, 'Eve'), 200);
  const before = { [ada.label]: 'Ada & Co', [alone.label]: hex(alone.safe) };
  assert.deepEqual(await listed(place, operator), before);
  const late = await place.token({ verbs: ['read', 'write'], safe: ada.safe, customer: 'Eve' });
  assert.deepEqual(await listed(place, late), { [ada.label]: undefined });
  assert.deepEqual(await listed(place, operator), before);

  const path = `/safes/${hex(ada.safe)}/customer`;
  const denied = await place.send({ method: 'PUT', path, token: late, body: json({ customer: 'Eve' }) });
  assert.deepEqual([denied.status, denied.json()['code']], [403, 'verb-denied']);
  for (const customer of ['', 'two\nlines', 'x'.repeat(129)]) {
    const refused = await place.send({ method: 'PUT', path, token: operator, body: json({ customer }) });
    assert.deepEqual([refused.status, refused.json()['code']], [400, 'request-invalid'], JSON.stringify(customer));
  }
  const nobody = `/safes/${'7'.repeat(32)}/customer`;
  const unknown = await place.send({ method: 'PUT', path: nobody, token: operator, body: json({ customer: 'Bo' }) });
  assert.deepEqual([unknown.status, unknown.json()['code']], [404, 'safe-unknown']);
  assert.equal((await place.send({ method: 'PUT', path, token: operator, body: json({ customer: 'Bo' }) })).status, 204);
  assert.deepEqual(await listed(place, operator), { ...before, [ada.label]: 'Bo' });
  // Back to nobody but itself.
  assert.equal((await place.send({ method: 'PUT', path, token: operator, body: json({ customer: hex(ada.safe) }) })).status, 204);
  assert.deepEqual(await listed(place, operator), { ...before, [ada.label]: hex(ada.safe) });
});

test('metering names the customer, also after a rebuild', async () => {
  const place = await servicePlace();
  const operator = await place.token({ verbs: ['operate'] });
  const mine = new TestSafe('metered');
  const computer = mine.enrol();
  await make(place, mine, 'Ada & Co');
  await runOnce({ safe: await place.vault.openSafe(mine.safe), mine, computer });
  const started = await place.send({ method: 'POST', path: '/rebuild', token: operator, body: json({}) });
  const task = `/tasks/${String(started.json()['task'])}`;
  for (let state = ''; state !== 'done';) {
    state = String((await place.send({ method: 'GET', path: task, token: operator })).json()['state']);
    assert.notEqual(state, 'failed');
  }
  const today = Math.floor(systemClock.nowMs() / dayMs);
  const path = `/metering?from=${today - 399}&to=${today + 1}`;
  const { rows } = (await place.send({ method: 'GET', path, token: operator })).json() as { rows: { customer: string }[] };
  assert.ok(rows.length > 0);
  assert.ok(rows.every(({ customer }) => customer === 'Ada & Co'));
  assert.deepEqual(await listed(place, operator), { [mine.label]: 'Ada & Co' });
});

test('safes of one customer share its places, and those of another do not wait for them', async () => {
  const place = await servicePlace();
  const [first, second, other] = [new TestSafe('first'), new TestSafe('second'), new TestSafe('other')];
  for (const safe of [first, second]) await make(place, safe, 'Ada & Co');
  await make(place, other);
  const path = (safe: TestSafe): string => `/safes/${hex(safe.safe)}/readings/${'1'.repeat(32)}/ranges`;
  const tokenOf = (safe: TestSafe): Promise<string> => place.token({ verbs: ['read'], safe: safe.safe });
  const held: ClientRequest[] = [];
  for (let count = 0; count < bodiesInFlightMax; count += 1) {
    const headers = { authorization: `Bearer ${await tokenOf(first)}`, 'content-length': '100' };
    const open = request(`${place.base}${path(first)}`, { method: 'POST', headers, agent: false });
    open.on('error', () => {}).flushHeaders();
    held.push(open);
  }
  while ((await metric(place, 'twinvault_bodies_bytes')) < 100 * bodiesInFlightMax);
  let isAnswered = false;
  const waits = place
    .send({ method: 'POST', path: path(second), token: await tokenOf(second), body: json({}) })
    .finally(() => (isAnswered = true));
  const goes = await place.send({ method: 'POST', path: path(other), token: await tokenOf(other), body: json({}) });
  assert.ok(goes.status >= 400);
  while ((await metric(place, 'twinvault_bodies_waiting')) < 1);
  assert.equal(isAnswered, false);
  for (const open of held) open.destroy();
  assert.ok((await waits).status >= 400);
});
