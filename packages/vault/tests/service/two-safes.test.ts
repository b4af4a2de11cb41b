/*
 * Two customers of one site. Whatever A asks with its own capability about the safe of B, by every route, with ids of B that it guessed right, the
 * answer is the one that it gets about a safe that is not there: byte for byte but for the id that A sent itself, and in the same time.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packFrames, routes } from '@twinvault/protocol/wire';
import { systemRandom } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestPack, TestRecord } from '@twinvault/testkit';
import { hex, servicePlace } from './service-place.ts';

const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
const newId = (): string => hex(systemRandom.bytes(16));

interface Customer {
  readonly safe: TestSafe;
  readonly computer: TestComputer;
  readonly token: string;
  readonly session: string;
  readonly reading: string;
  readonly pack: TestPack;
  readonly record: TestRecord;
}

function sessionBody({ safe, computer }: Pick<Customer, 'safe' | 'computer'>): Uint8Array {
  const { number, digest, root } = safe.head;
  const ledger = { number, digest: hex(digest), root: hex(root) };
  return json({ certificate: hex(computer.certificate), computer: hex(computer.computer), job: 'job', ledger });
}

const place = await servicePlace();

async function customer(name: string): Promise<Customer> {
  const safe = new TestSafe(name, `CANARY-${name}`);
  const computer = safe.enrol(`CANARY-computer-${name}`);
  await place.vault.createSafe(safe.newSafe, { anyLabel: true });
  const token = await place.token({ verbs: ['create', 'read', 'write'], safe: safe.safe });
  const path = `/safes/${hex(safe.safe)}`;
  const [session, reading] = [newId(), newId()];
  const pack = safe.pack(computer, { blobCount: 2 });
  const record = safe.record(computer, { packs: [pack] });
  const at = `${path}/sessions/${session}`;
  await place.send({ method: 'PUT', path: at, token, body: sessionBody({ safe, computer }) });
  await place.send({ method: 'PUT', path: `${at}/packs/${hex(pack.name)}`, token, body: packFrames(pack.bytes) });
  assert.equal((await place.send({ method: 'POST', path: `${at}/records`, token, body: record.bytes })).status, 200);
  await place.send({ method: 'PUT', path: `${path}/readings/${reading}`, token });
  return { safe, computer, token, session, reading, pack, record };
}

const mine = await customer('mine');
const other = await customer('other');

/** The path of a route in a safe, with ids that are right for `other`. */
function pathOf(template: string, safe: string): string {
  const values: Readonly<Record<string, string>> = {
    safe,
    session: other.session,
    reading: other.reading,
    kind: 'pack',
    name: hex(other.pack.name),
    digest: hex(other.record.digest),
    task: newId(),
  };
  return template.replaceAll(/\{(\w+)\}/gu, (_, name: string) => values[name] ?? '');
}

const perSafe = Object.entries(routes).filter(([, { path }]) => path.includes('{safe}'));

test('every route about the safe of another answers as one about a safe that is not there', async () => {
  assert.ok(perSafe.length >= 20, 'the table of routes was read');
  for (const [name, { method, path }] of perSafe) {
    const [theirs, nobodys] = [hex(other.safe.safe), newId()];
    const body = method === 'PUT' || method === 'POST' ? { body: sessionBody(other) } : {};
    const [about, nothing] = [
      await place.send({ method, path: pathOf(path, theirs), token: mine.token, ...body }),
      await place.send({ method, path: pathOf(path, nobodys), token: mine.token, ...body }),
    ];
    assert.equal(about.status, 404, name);
    assert.equal(about.status, nothing.status, name);
    const blind = (answer: typeof about): object => {
      const { date: _, ...headers } = answer.headers;
      return { headers, text: Buffer.from(answer.body).toString().replaceAll(theirs, '*').replaceAll(nobodys, '*') };
    };
    assert.deepEqual(blind(about), blind(nothing), name);
  }
});

test('ids of another are not there under the own safe', async () => {
  const own = hex(mine.safe.safe);
  for (const [name, { method, path, bodyBytesMax }] of perSafe) {
    if (!/\{(?:session|reading|digest)\}/u.test(path) || name === 'openSession' || name === 'openReading') continue;
    if (method === 'DELETE') continue;
    const body = bodyBytesMax > 0 ? { body: other.pack.bytes } : {};
    const answer = await place.send({ method, path: pathOf(path, own), token: mine.token, ...body });
    assert.ok(answer.status === 409 || answer.status === 404, `${name}: ${answer.status}`);
    const code = method === 'HEAD' ? '' : String(answer.json()['code']);
    assert.ok(['', 'lease-lost', 'record-unknown'].includes(code), `${name}: ${code}`);
  }
  const closed = await place.send({ method: 'DELETE', path: `/safes/${own}/sessions/${other.session}`, token: mine.token });
  assert.equal(closed.status, 204);
  const renewed = `/safes/${hex(other.safe.safe)}/sessions/${other.session}/renew`;
  assert.equal((await place.send({ method: 'POST', path: renewed, token: other.token })).status, 204, 'it goes on');
});

test('packs of another are in no list, feed, batch, and in no answer about holders', async () => {
  const path = `/safes/${hex(mine.safe.safe)}`;
  const { token } = mine;
  const name = hex(other.pack.name);
  const session = `${path}/sessions/${mine.session}`;
  const reading = `${path}/readings/${mine.reading}`;
  const asked = [
    { method: 'GET', path: '/safes' },
    { method: 'GET', path: `${path}/records` },
    { method: 'GET', path: `${path}/feed` },
    { method: 'GET', path: `${session}/live` },
    { method: 'POST', path: `${reading}/holders`, body: json({ origins: [name] }) },
    { method: 'POST', path: `${reading}/ranges`, body: json({ ranges: [{ pack: name, offset: 0, length: 10 }] }) },
    { method: 'GET', path: `${reading}/packs/${name}` },
  ];
  for (const request of asked) {
    const answer = await place.send({ ...request, token });
    const text = Buffer.from(answer.body).toString('latin1');
    assert.ok(!text.includes('CANARY-other'), request.path);
    assert.ok(!text.includes(Buffer.from(other.pack.name).toString('latin1')), request.path);
    assert.ok(!text.includes(hex(other.safe.safe)), request.path);
  }
  assert.equal((await place.send({ method: 'HEAD', path: `${session}/packs/${name}`, token })).status, 404);
  assert.equal((await place.send({ method: 'HEAD', path: `${reading}/packs/${name}`, token })).status, 404);
  const put = await place.send({ method: 'PUT', path: `${session}/packs/${name}`, token, body: packFrames(other.pack.bytes) });
  assert.deepEqual([put.status, put.json()['code']], [422, 'pack-foreign']);
});

test('the log says nothing that a customer named', () => {
  assert.ok(place.log.length > 20);
  for (const line of place.log) assert.ok(!line.includes('CANARY') && !line.includes('"job"'), line);
});

/** Median of the time to an answer, ns, over interleaved requests: what else the machine does hits both alike. */
async function medians(paths: readonly string[], count: number): Promise<number[]> {
  const times = paths.map((): number[] => []);
  for (let round = 0; round < count; round += 1) {
    for (const [index, path] of paths.entries()) {
      const begin = process.hrtime.bigint();
      await place.send({ method: 'GET', path, token: mine.token });
      times[index]?.push(Number(process.hrtime.bigint() - begin));
    }
  }
  return times.map((all) => all.toSorted((a, b) => a - b)[Math.floor(count / 2)] ?? Number.NaN);
}

test('the answer about the safe of another takes as long as one about a safe that is not there', async (t) => {
  const theirs = `/safes/${hex(other.safe.safe)}/descriptor`;
  const nobodys = `/safes/${newId()}/descriptor`;
  await medians([theirs, nobodys], 50);
  const [about = 0, nothing = 0, again = 0] = await medians([theirs, nobodys, theirs], 400);
  // How much one and the same path differs from itself is what cannot be told apart from chance on this machine.
  const noise = Math.abs(again - about);
  t.diagnostic(
    `theirs ${Math.round(about / 1000)} us, nobody's ${Math.round(nothing / 1000)} us, noise ${Math.round(noise / 1000)} us`,
  );
  assert.ok(Math.abs(about - nothing) < Math.max(4 * noise, 0.1 * about), `${about} ${nothing} ${again}`);
});
