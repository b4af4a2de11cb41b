/*
 * Packs as they come in: refused as soon as they can be, answered to clients that still send, and in memory that is used again and again without a byte of one
 * customer's getting into what another stores or is answered.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { packTailBytes } from '@twinvault/format';
import { packFrames } from '@twinvault/protocol/wire';
import { systemRandom } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestPack } from '@twinvault/testkit';
import { hex, servicePlace } from './service-place.ts';

const place = await servicePlace();
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
after(() => agent.destroy());

interface Customer {
  readonly safe: TestSafe;
  readonly computer: TestComputer;
  readonly token: string;
  readonly session: string;
}

async function customer(name: string): Promise<Customer> {
  const safe = new TestSafe(name);
  const computer = safe.enrol();
  await place.vault.createSafe(safe.newSafe, { anyLabel: true });
  const token = await place.token({ verbs: ['write'], safe: safe.safe });
  const session = `/safes/${hex(safe.safe)}/sessions/${hex(systemRandom.bytes(16))}`;
  const { number, digest, root } = safe.head;
  const ledger = { number, digest: hex(digest), root: hex(root) };
  const asked = { certificate: hex(computer.certificate), computer: hex(computer.computer), job: 'job', ledger };
  assert.equal((await place.send({ method: 'PUT', path: session, token, body: Buffer.from(JSON.stringify(asked)) })).status, 200);
  return { safe, computer, token, session };
}

interface Upload {
  readonly request: ClientRequest;
  readonly answer: Promise<{ readonly status: number; readonly code: string; readonly connection: string }>;
}

/** Nothing of the body is sent; the answer may come before it is. */
function upload({ session, token }: Customer, name: Uint8Array, headers: Readonly<Record<string, string | number>>): Upload {
  const url = `${place.base}${session}/packs/${hex(name)}`;
  const sent = request(url, { method: 'PUT', agent, headers: { authorization: `Bearer ${token}`, ...headers } });
  sent.on('error', () => undefined);
  sent.flushHeaders();
  const heard = async (): Promise<{ status: number; code: string; connection: string }> => {
    const [message] = (await once(sent, 'response')) as [IncomingMessage];
    const text = Buffer.concat(await message.toArray()).toString();
    const { code = '' } = (text === '' ? {} : JSON.parse(text)) as { code?: string };
    return { status: message.statusCode ?? 0, code, connection: message.headers.connection ?? '' };
  };
  const answer = heard();
  answer.catch(() => undefined);
  return { request: sent, answer };
}

function framesOf(pack: TestPack): Buffer {
  return Buffer.concat(packFrames(pack.bytes));
}

const [mine, other] = [await customer('mine'), await customer('other')];

test('a pack of another safe is refused when its tail and header are here, before its blobs', async () => {
  const pack = other.safe.pack(other.computer, { blobCount: 4, blobBytes: 200_000 });
  const frames = framesOf(pack);
  const { request: sent, answer } = upload(mine, pack.name, { 'content-length': frames.length });
  sent.write(frames.subarray(0, 8 + packTailBytes(pack.bytes.subarray(-40)) + 1200));
  assert.deepEqual([(await answer).status, (await answer).code], [422, 'pack-foreign']);
  sent.destroy();
});

test('who sends on after a refusal hears it, and goes on with the same connection', async () => {
  const pack = mine.safe.pack(mine.computer, { blobCount: 4, blobBytes: 1_000_000 });
  const wrong = framesOf(pack);
  wrong[wrong.length - 3_000_000] = (wrong[wrong.length - 3_000_000] ?? 0) ^ 1;
  const first = upload(mine, pack.name, { 'content-length': wrong.length });
  first.request.end(wrong);
  assert.deepEqual(await first.answer, { status: 422, code: 'pack-damaged', connection: 'keep-alive' });
  const lost = upload({ ...mine, session: `${mine.session.slice(0, -4)}ffff` }, pack.name, { 'content-length': wrong.length });
  lost.request.end(wrong);
  assert.deepEqual(await lost.answer, { status: 409, code: 'lease-lost', connection: 'keep-alive' });
  const again = upload(mine, pack.name, { 'content-length': wrong.length });
  again.request.end(framesOf(pack));
  assert.equal((await again.answer).status, 201);
  assert.ok(first.request.socket === again.request.socket, 'one connection');
});

test('frames that are none are refused: lengths that do not add up, none announced, nothing there', async () => {
  const pack = mine.safe.pack(mine.computer, { blobCount: 2, blobBytes: 1000 });
  const good = framesOf(pack);
  const tailBytes = good.readUInt32LE(0);
  const changes: readonly ((frames: Buffer) => Buffer)[] = [
    () => Buffer.alloc(0),
    () => Buffer.alloc(8),
    (frames) => frames.subarray(0, 7),
    (frames) => frames.fill(0xff, 0, 4),
    (frames) => (frames.writeUInt32LE(tailBytes - 1, 0), frames),
    (frames) => (frames.writeUInt32LE(tailBytes + 1, 0), frames),
    (frames) => (frames.writeUInt32LE(1, 4 + tailBytes), frames),
    (frames) => Buffer.concat([frames, Buffer.alloc(1)]),
    (frames) => frames.subarray(0, -1),
  ];
  for (const [index, change] of changes.entries()) {
    const frames = change(Buffer.from(good));
    const { request: sent, answer } = upload(mine, pack.name, { 'content-length': frames.length });
    sent.end(frames);
    const { status, code } = await answer;
    assert.ok(['frames-invalid', 'request-invalid', 'pack-damaged'].includes(code), `${index}: ${status} ${code}`);
  }
  const chunked = upload(mine, pack.name, { 'transfer-encoding': 'chunked' });
  chunked.request.end(good);
  assert.deepEqual([(await chunked.answer).status, (await chunked.answer).code], [400, 'frames-invalid']);
  const { status } = await place.send({ method: 'HEAD', path: `${mine.session}/packs/${hex(pack.name)}`, token: mine.token });
  assert.equal(status, 404);
});

/** Of these bytes there is nothing in those. */
function holds(bytes: Uint8Array, part: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let offset = 0; offset + 64 <= part.length; offset += 4096) {
    if (text.includes(Buffer.from(part.subarray(offset, offset + 64)))) return true;
  }
  return false;
}

test('memory that had a pack of one safe shows nothing of it to another, however its uploads break off', async () => {
  const theirs = other.safe.pack(other.computer, { blobCount: 4, blobBytes: 300_000 });
  const own = mine.safe.pack(mine.computer, { blobCount: 4, blobBytes: 300_000 });
  assert.ok(holds(theirs.bytes, theirs.bytes.subarray(5000)), 'what is looked for can be found');
  const frames = framesOf(own);
  const tailBytes = frames.readUInt32LE(0);
  for (const cut of [4, 4 + tailBytes, 8 + tailBytes, 10_000, 600_000, frames.length - 1]) {
    const first = upload(other, theirs.name, { 'content-length': framesOf(theirs).length });
    first.request.end(framesOf(theirs));
    assert.ok([200, 201].includes((await first.answer).status));
    const broken = upload(mine, own.name, { 'content-length': frames.length });
    await new Promise((resolve) => broken.request.write(frames.subarray(0, cut), resolve));
    broken.request.destroy();
    const head = { method: 'HEAD', path: `${mine.session}/packs/${hex(own.name)}`, token: mine.token };
    assert.equal((await place.send(head)).status, 404, `cut at ${cut}`);
  }
  const whole = upload(mine, own.name, { 'content-length': frames.length });
  whole.request.end(frames);
  assert.equal((await whole.answer).status, 201);
  const reading = `/safes/${hex(mine.safe.safe)}/readings/${hex(systemRandom.bytes(16))}`;
  assert.equal((await place.send({ method: 'PUT', path: reading, token: mine.token })).status, 200);
  const back = await place.send({ method: 'GET', path: `${reading}/packs/${hex(own.name)}`, token: mine.token });
  assert.ok(Buffer.from(back.body).equals(own.bytes));
  const live = await place.send({ method: 'GET', path: `${mine.session}/live`, token: mine.token });
  for (const answer of [back, live]) assert.ok(!holds(answer.body, theirs.bytes.subarray(1200)));
});
