/* Fifty agents at once, and one customer that sends without end: all of them come through, and none waits until the greedy one is done. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packFrames } from '@twinvault/protocol/wire';
import { systemRandom } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import type { TestComputer } from '@twinvault/testkit';
import { hex, servicePlace } from './service-place.ts';
import type { ServicePlace } from './service-place.ts';

interface Agent {
  readonly safe: TestSafe;
  readonly computer: TestComputer;
  readonly token: string;
  readonly session: string;
}

async function openAgent(place: ServicePlace, name: string): Promise<Agent> {
  const safe = new TestSafe(name);
  const computer = safe.enrol();
  await place.vault.createSafe(safe.newSafe, { anyLabel: true });
  const token = await place.token({ verbs: ['write'], safe: safe.safe });
  const session = `/safes/${hex(safe.safe)}/sessions/${hex(systemRandom.bytes(16))}`;
  const { number, digest, root } = safe.head;
  const ledger = { number, digest: hex(digest), root: hex(root) };
  const request = { certificate: hex(computer.certificate), computer: hex(computer.computer), job: 'job', ledger };
  const body = Buffer.from(JSON.stringify(request));
  assert.equal((await place.send({ method: 'PUT', path: session, token, body })).status, 200);
  return { safe, computer, token, session };
}

/** One run as an agent makes it: a pack, a record. */
async function run(place: ServicePlace, { safe, computer, token, session }: Agent): Promise<void> {
  const pack = safe.pack(computer, { blobCount: 2, blobBytes: 50_000 });
  const path = `${session}/packs/${hex(pack.name)}`;
  assert.equal((await place.send({ method: 'PUT', path, token, body: packFrames(pack.bytes) })).status, 201);
  const record = safe.record(computer, { packs: [pack] });
  assert.equal((await place.send({ method: 'POST', path: `${session}/records`, token, body: record.bytes })).status, 200);
}

test('fifty agents commit while one customer keeps the site as busy as it can', async () => {
  const place = await servicePlace();
  const agents = await Promise.all(Array.from({ length: 50 }, (_, index) => openAgent(place, `agent ${index}`)));
  const greedy = await openAgent(place, 'greedy');
  const pack = greedy.safe.pack(greedy.computer, { blobCount: 4, blobBytes: 500_000 });
  const state = { over: false };
  let sent = 0;
  const flood = Array.from({ length: 40 }, async () => {
    while (!state.over) {
      const path = `${greedy.session}/packs/${hex(pack.name)}`;
      const { status } = await place.send({ method: 'PUT', path, token: greedy.token, body: packFrames(pack.bytes) });
      assert.ok(status === 200 || status === 201 || status === 503, String(status));
      sent += 1;
    }
  });
  await Promise.all(agents.map((agent) => run(place, agent)));
  state.over = true;
  await Promise.all(flood);
  assert.ok(sent > 0);
});
