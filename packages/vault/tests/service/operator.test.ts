/* What operators ask of a site: tasks that go on by themselves, and nothing of it for anybody else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestSafe } from '@twinvault/testkit';
import { hex, servicePlace } from './service-place.ts';
import type { ServicePlace, TestAnswer } from './service-place.ts';

const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));

async function ended(place: ServicePlace, token: string, started: TestAnswer): Promise<Record<string, unknown>> {
  assert.equal(started.status, 202);
  const path = `/tasks/${String(started.json()['task'])}`;
  for (;;) {
    const answer = (await place.send({ method: 'GET', path, token })).json();
    if (answer['state'] === 'done' || answer['state'] === 'failed') return answer;
  }
}

test('an operator checks, cleans and rebuilds, and reads the reports', async () => {
  const place = await servicePlace();
  const safe = new TestSafe('operated');
  await place.vault.createSafe(safe.newSafe, { anyLabel: true });
  const token = await place.token({ verbs: ['operate'] });
  const path = `/safes/${hex(safe.safe)}`;
  const check = await place.send({ method: 'POST', path: `${path}/check`, token, body: json({ readData: true }) });
  const checked = await ended(place, token, check);
  assert.deepEqual([checked['state'], (checked['report'] as { problems: unknown[] }).problems], ['done', []]);
  const clean = await place.send({ method: 'POST', path: `${path}/clean`, token, body: json({ dryRun: true, keep: null }) });
  assert.equal((await ended(place, token, clean))['state'], 'done');
  const before = (await place.send({ method: 'GET', path: '/site' })).json()['generation'];
  const rebuild = await place.send({ method: 'POST', path: '/rebuild', token, body: json({}) });
  const rebuilt = await ended(place, token, rebuild);
  assert.equal(rebuilt['state'], 'done');
  const after = (await place.send({ method: 'GET', path: '/site' })).json()['generation'];
  assert.notEqual(after, before);
  assert.equal((rebuilt['report'] as { generation: string }).generation, after);
  const metering = await place.send({ method: 'GET', path: '/metering?from=20000&to=20010', token });
  assert.deepEqual(metering.json(), { rows: [] });
});

test('nobody else may, and a task that is not there is unknown', async () => {
  const place = await servicePlace();
  const safe = new TestSafe('guarded');
  await place.vault.createSafe(safe.newSafe, { anyLabel: true });
  const agent = await place.token({ verbs: ['create', 'read', 'write'] });
  const operator = await place.token({ verbs: ['operate'] });
  const path = `/safes/${hex(safe.safe)}`;
  const body = json({});
  for (const [method, asked] of [
    ['POST', `${path}/clean`],
    ['POST', `${path}/check`],
    ['POST', '/rebuild'],
    ['GET', '/tasks/'.padEnd(39, '0')],
    ['GET', '/metering?from=1&to=2'],
  ] as const) {
    const answer = await place.send({ method, path: asked, token: agent, ...(method === 'POST' ? { body } : {}) });
    assert.deepEqual([answer.status, answer.json()['code']], [403, 'verb-denied'], asked);
  }
  const unknown = await place.send({ method: 'GET', path: '/tasks/'.padEnd(39, '0'), token: operator });
  assert.deepEqual([unknown.status, unknown.json()['code']], [404, 'task-unknown']);
  const wrong = await place.send({ method: 'POST', path: `${path}/clean`, token: operator, body: json({ everything: true }) });
  assert.deepEqual([wrong.status, wrong.json()['code']], [400, 'request-invalid']);
});
