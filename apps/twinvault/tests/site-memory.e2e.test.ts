/*
 * Proves that a site's memory has an end: fifty agents, each of a customer of its own, send a pack of 16 MiB at the same time, over three times of what bodies may take.
 * All of them are stored, and the process that serves never has more than its parts together may have.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { packHeaderBytesMax, packNameOf, packTailBytes } from '@twinvault/format';
import { openRemoteVault, packFrames, parseTokenFile } from '@twinvault/protocol/wire';
import { MiB, toHex } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { TestSafe } from '@twinvault/testkit';
import { temporaryDirectory } from './support/place.ts';
import { startSite } from './support/site.ts';

const agentCount = 50;
/** Bodies 256 MiB; the program with its threads and what the collector has not taken yet, some 200; what TLS holds of fifty connections. */
const peakMiBMax = 600;

const root = temporaryDirectory('site-memory');
const site = await startSite(`${root}/site`);
const { pins } = parseTokenFile(readFileSync(await site.token('any', { verbs: ['create'] })));
using network = nodeNetwork({ pins, connectionsMax: agentCount });
const ports = { network, clock: systemClock, timers: systemTimers, random: systemRandom };

/** The pack of one computer that all others send under names of their own, so that its blobs are in this process once. */
const common = new TestSafe('common');
const { bytes } = common.pack(common.enrol(), { blobCount: 16, blobBytes: MiB });
const tail = bytes.subarray(bytes.length - packTailBytes(bytes.subarray(-40)));
const [lengthOfTail, , lengthOfFront] = packFrames(bytes);

interface Agent {
  /** The status. */
  readonly send: () => Promise<number>;
  /** An open session is kept alive, and would go on trying when the site has ended. */
  readonly close: () => Promise<void>;
}

async function agentOf(name: string): Promise<Agent> {
  const safe = new TestSafe(name);
  const computer = safe.enrol();
  const tokenFile = await site.token(name, { verbs: ['create', 'write'], safe: toHex(safe.safe) });
  const { capability } = parseTokenFile(readFileSync(tokenFile));
  const vault = await openRemoteVault({ address: site.address, capability, ports });
  await vault.createSafe(safe.newSafe);
  const session = await (await vault.openSafe(safe.safe)).openSession({ ...computer, job: 'job', ledger: safe.head });
  const header = bytes.slice(0, packHeaderBytesMax);
  header.set(safe.safe, 8);
  header.set(computer.certificate, 28);
  assert.ok(lengthOfTail && lengthOfFront);
  const body = [lengthOfTail, tail, lengthOfFront, header, bytes.subarray(packHeaderBytesMax, bytes.length - tail.length)];
  const place = `safes/${toHex(safe.safe)}/sessions/${toHex(session.id)}/packs/${toHex(packNameOf(header, tail))}`;
  const request = {
    method: 'PUT',
    url: `${site.address}/v1/${place}`,
    headers: { authorization: `Bearer ${capability}` },
    body,
    timeoutMs: 300_000,
    answerBytesMax: MiB,
  };
  return {
    send: async () => (await network.request(request)).status,
    close: async () => await session[Symbol.asyncDispose](),
  };
}

/** The largest resident set of the process that serves, so far. */
function peakMiB(): number {
  const status = readFileSync(`/proc/${site.running.child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

test('fifty agents that send at once do not take more memory than a site may have', async (t) => {
  const agents: Agent[] = [];
  for (let index = 0; index < agentCount; index += 1) agents.push(await agentOf(`agent-${index}`));
  const before = peakMiB();
  const statuses = await Promise.all(
    agents.map(async ({ send }) => {
      // Who waits for longer than a site lets wait is told to come again.
      for (;;) {
        const status = await send();
        if (status !== 503) return status;
      }
    }),
  );
  await Promise.all(agents.map(({ close }) => close()));
  assert.deepEqual(
    statuses,
    agents.map(() => 201),
  );
  t.diagnostic(`peak ${before.toFixed(0)} MiB before, ${peakMiB().toFixed(0)} MiB after`);
  assert.ok(peakMiB() < peakMiBMax, `${peakMiB()} MiB`);
});
