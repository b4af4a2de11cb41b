/* What every request to a site meets, whatever it asks: capabilities, limits, forms, and an end in order. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrames } from '@twinvault/protocol/wire';
import { dayMs } from '@twinvault/std';
import { makeServerKey, nodeNetwork, selfSignedCertificate, systemClock } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import { hex, newSafeFrames, servicePlace } from './service-place.ts';

test('a site says who it is, and is alive, ready and counted', async () => {
  const place = await servicePlace();
  const { site, publicKey } = await place.vault.site();
  const answer = await place.send({ method: 'GET', path: '/site' });
  assert.equal(answer.status, 200);
  assert.equal(answer.json()['site'], Buffer.from(site).toString('hex'));
  assert.equal(answer.json()['publicKey'], Buffer.from(publicKey).toString('hex'));
  const operations = `http://127.0.0.1:${place.service.operationsPort}`;
  for (const path of ['/health', '/ready']) {
    assert.equal((await place.send({ method: 'GET', path: operations + path })).status, 200);
  }
  const metrics = Buffer.from((await place.send({ method: 'GET', path: `${operations}/metrics` })).body).toString();
  for (const name of ['unverified_seconds', 'damaged_objects', 'stored_bytes', 'failed_tasks']) {
    assert.match(metrics, new RegExp(`^twinvault_${name} 0$`, 'mu'));
  }
  assert.match(metrics, /^twinvault_requests_total\{route="site",status="200"\} 1$/mu);
});

test('the certificate is exchanged while it serves, and its days are counted', async () => {
  const [key, fromMs] = [makeServerKey(), systemClock.nowMs() - dayMs];
  const made = (days: number): Promise<string> =>
    selfSignedCertificate({ key, names: ['127.0.0.1'], fromMs, toMs: fromMs + days * dayMs });
  const [first, next] = await Promise.all([made(3), made(90)]);
  const place = await servicePlace({
    tls: { chain: first, key },
    certificate: { toMs: fromMs + 3 * dayMs, failures: 2 },
  });
  const { port, operationsPort } = place.service;
  const status = async (chain: string): Promise<number> => {
    using network = nodeNetwork({ authorities: [chain], onlyTheseAuthorities: true });
    const url = `https://127.0.0.1:${port}/a/v1/site`;
    return (await network.request({ method: 'GET', url, headers: {}, timeoutMs: 30_000, answerBytesMax: 10_000 })).status;
  };
  assert.equal(await status(first), 200);
  place.service.useCertificate({ chain: next, key });
  assert.equal(await status(next), 200);
  await assert.rejects(status(first), /network-untrusted/u);
  const metrics = await place.send({ method: 'GET', path: `http://127.0.0.1:${operationsPort}/metrics` });
  const text = Buffer.from(metrics.body).toString();
  assert.match(text, /^twinvault_certificate_days_left 1\.99\d*$/mu);
  assert.match(text, /^twinvault_certificate_failed_renewals 2$/mu);
});

test('a safe is made once, made again without harm, and read as it was made', async () => {
  const place = await servicePlace();
  const safe = new TestSafe('made');
  const token = await place.token({ verbs: ['create', 'write'] });
  const path = `/safes/${hex(safe.safe)}`;
  const body = newSafeFrames(safe.newSafe);
  assert.equal((await place.send({ method: 'PUT', path, token, body })).status, 201);
  assert.equal((await place.send({ method: 'PUT', path, token, body })).status, 200);
  const descriptor = await place.send({ method: 'GET', path: `${path}/descriptor`, token });
  assert.deepEqual(Buffer.from(descriptor.body), Buffer.from(safe.descriptor));
  const slots = await place.send({ method: 'GET', path: `${path}/slots`, token });
  assert.deepEqual(Buffer.from(slots.body), Buffer.from(encodeFrames(safe.newSafe.slots)));
  const ledger = await place.send({ method: 'GET', path: `${path}/ledger?from=2`, token });
  assert.deepEqual(Buffer.from(ledger.body), Buffer.from(encodeFrames(safe.newSafe.ledger.slice(1))));
  assert.deepEqual((await place.send({ method: 'GET', path: `${path}/records`, token })).json(), { records: [] });
  const own = await place.token({ verbs: ['read'], safe: safe.safe });
  const listed = [{ safe: hex(safe.safe), label: safe.label }];
  assert.deepEqual((await place.send({ method: 'GET', path: '/safes', token: own })).json(), { safes: listed });
});

test('an invitation makes a safe and shows nothing of those that are there', async () => {
  const place = await servicePlace();
  const [mine, other] = [new TestSafe('mine'), new TestSafe('other')];
  await place.vault.createSafe(other.newSafe, { anyLabel: true });
  const token = await place.token({ verbs: ['create'] });
  assert.deepEqual((await place.send({ method: 'GET', path: '/safes', token })).json(), { safes: [] });
  const made = await place.send({ method: 'PUT', path: `/safes/${hex(mine.safe)}`, token, body: newSafeFrames(mine.newSafe) });
  assert.equal(made.status, 201);
  // With an entry in between that another root has signed, as whoever does not know the other's ledger would have to make one up.
  const { slots, ledger } = mine.newSafe;
  const body = newSafeFrames({ descriptor: other.descriptor, slots, ledger });
  const [taken, free] = [other.safe, new TestSafe('nobody').safe];
  const answers = [];
  for (const id of [taken, free]) answers.push(await place.send({ method: 'PUT', path: `/safes/${hex(id)}`, token, body }));
  assert.deepEqual(
    answers.map((answer) => [answer.status, answer.json()['code']]),
    [
      [422, 'safe-mismatch'],
      [422, 'safe-mismatch'],
    ],
  );
  for (const path of ['descriptor', 'ledger?from=1', 'records']) {
    const answer = await place.send({ method: 'GET', path: `/safes/${hex(other.safe)}/${path}`, token });
    assert.deepEqual([answer.status, answer.json()['code']], [403, 'verb-denied']);
  }
});

test('without a good capability nothing is answered', async () => {
  const place = await servicePlace({ refuseBeforeMs: Date.parse('2020-01-01') });
  const good = await place.token({ verbs: ['read'] });
  const ended = await place.token({ verbs: ['read'], notBeforeMs: 0, endsMs: 1000 });
  const forged = `${good.slice(0, -8)}AAAAAAAA`;
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'capability-invalid'],
    ['', 'capability-invalid'],
    ['nonsense', 'capability-invalid'],
    [forged, 'capability-invalid'],
    [ended, 'capability-ended'],
  ];
  for (const [token, code] of cases) {
    const answer = await place.send({ method: 'GET', path: '/safes', ...(token === undefined ? {} : { token }) });
    assert.deepEqual([answer.status, answer.json()['code']], [401, code]);
  }
  assert.equal((await place.send({ method: 'GET', path: '/safes', token: good })).status, 200);
  assert.ok(
    place.log.every((line) => !line.includes(good.slice(20, 60))),
    'no capability in the log',
  );
});

test('a site refuses what was issued before the time that its operator set', async () => {
  const place = await servicePlace({ refuseBeforeMs: Date.parse('2100-01-01') });
  const answer = await place.send({ method: 'GET', path: '/safes', token: await place.token({ verbs: ['read'] }) });
  assert.deepEqual([answer.status, answer.json()['code']], [401, 'capability-invalid']);
});

test('a body above the limit of its route is refused before it is read', async () => {
  const place = await servicePlace();
  const token = await place.token({ verbs: ['write'] });
  const path = `/safes/${'00'.repeat(16)}/ledger`;
  const answer = await place.send({ method: 'POST', path, token, body: new Uint8Array(2_000_000) });
  assert.deepEqual([answer.status, answer.json()['code']], [413, 'request-too-large']);
  assert.equal(answer.headers['connection'], 'close');
});

test('paths, parameters and queries that are none are refused without a word of them', async () => {
  const place = await servicePlace();
  const token = await place.token({ verbs: ['read'] });
  const safe = '00'.repeat(16);
  const cases: readonly (readonly [string, number, string])[] = [
    ['/nothing', 404, 'route-unknown'],
    ['/safes/SECRET-name/descriptor', 400, 'request-invalid'],
    [`/safes/${safe.replaceAll('0', 'A')}/descriptor`, 400, 'request-invalid'],
    [`/safes/${safe}/ledger?from=-1`, 400, 'request-invalid'],
    [`/safes/${safe}/ledger?from=1&from=2`, 400, 'request-invalid'],
    [`/safes/${safe}/ledger?from=1&job=SECRET-name`, 400, 'request-invalid'],
    [`/safes/${safe}/descriptor`, 404, 'safe-unknown'],
  ];
  for (const [path, status, code] of cases) {
    const answer = await place.send({ method: 'GET', path, token });
    assert.deepEqual([answer.status, answer.json()['code']], [status, code], path);
  }
  assert.ok(
    place.log.every((line) => !line.includes('SECRET')),
    'no name in the log',
  );
});

test('a site that stops lets go of its port and is not ready', async () => {
  const place = await servicePlace();
  await place.send({ method: 'GET', path: '/site' });
  await place.service.stop();
  await assert.rejects(place.send({ method: 'GET', path: '/site' }), { code: 'network-unreachable' });
});
