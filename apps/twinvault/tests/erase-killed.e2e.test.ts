/*
 * A site that is killed at random moments while it erases a safe: started again it goes on until nothing is left, what its certificate says on the disk is
 * signed and never more than what went, and in the end it accounts for every object.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeEraseOrder, eraseOrderName, parseEraseCertificate } from '@twinvault/format';
import type { EraseCertificate, EraseOrder } from '@twinvault/format';
import { openRemoteVault, parseTokenFile } from '@twinvault/protocol/wire';
import type { RemoteVault } from '@twinvault/protocol/wire';
import { primitives, toHex } from '@twinvault/std';
import { nodeNetwork, nodePlatform } from '@twinvault/std/node';
import { following, freePort, sessionOf, TestSafe } from '@twinvault/testkit';
import { temporaryDirectory } from './support/place.ts';
import { chance } from './support/seeds.ts';
import { SteadySite } from './support/steady-site.ts';

const packsCount = 400;
const killsMax = 6;
/** Objects that a kill may keep from being counted: docs/operating/erasing.md. */
const uncountedPerKillMax = 64;

async function connect(site: SteadySite): Promise<RemoteVault> {
  const { vault, pins, capability } = parseTokenFile(
    readFileSync(await site.site.token('own.token', { verbs: ['create', 'write', 'operate'] })),
  );
  const { clock, timers, random } = nodePlatform();
  return openRemoteVault({ address: vault, capability, ports: { network: nodeNetwork({ pins }), clock, timers, random } });
}

async function fill(vault: RemoteVault, mine: TestSafe): Promise<void> {
  const computer = mine.enrol();
  await vault.createSafe(mine.newSafe);
  const safe = await vault.openSafe(mine.safe);
  await using held = new AsyncDisposableStack();
  const session = held.use(await sessionOf(safe, mine, computer));
  const packs = Array.from({ length: packsCount }, () => mine.pack(computer));
  for (const { name, bytes } of packs) assert.equal(await session.putPack(name, bytes), 'stored');
  await session.commit(mine.record(computer, { ...following(session), packs }).bytes);
}

/** By the root; gives the name of the order. */
async function order(vault: RemoteVault, mine: TestSafe): Promise<string> {
  const facts: EraseOrder = {
    safe: mine.safe,
    number: 1,
    createdMs: Date.now(),
    jobs: null,
    signer: mine.ledger.descriptor.rootKey,
    other: null,
  };
  const bytes = encodeEraseOrder(facts, (message) => primitives.ed25519Sign(mine.rootSeed, message));
  const name = eraseOrderName(facts);
  await (await vault.openSafe(mine.safe)).orderErase(bytes, mine.entry({ kind: 'erase', order: name, other: null }));
  return toHex(name);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function removedOf({ removed }: EraseCertificate, kind: string): number {
  return removed.find((row) => row.kind === kind)?.objects ?? 0;
}

test('killed again and again while it erases, it goes on to the end and accounts for what went', async (t) => {
  const prng = chance(t);
  const root = join(temporaryDirectory('erase-killed'), 'a');
  const site = new SteadySite(root, { port: await freePort(), lines: ['care: { eraseWaitHours: 0 }'] });
  await site.start();
  const mine = new TestSafe('erase killed');
  const vault = await connect(site);
  await fill(vault, mine);
  const folder = join(site.site.vault, 'safes', toHex(mine.safe));
  const packsLeft = (): number =>
    readdirSync(join(folder, 'packs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
  assert.equal(packsLeft(), packsCount);
  const certificate = join(folder, 'erased', await order(vault, mine));
  await vault[Symbol.asyncDispose]();

  const signed = (): EraseCertificate => parseEraseCertificate(readFileSync(certificate, 'utf8'));
  let [kills, amid, counted] = [0, 0, 0];
  while (kills < killsMax) {
    while (!existsSync(certificate)) await turn();
    const before = packsLeft();
    // A moment that nobody chose, after it went on: some turns of the event loop.
    while (packsLeft() === before && signed().state !== 'done') await turn();
    for (let turns = prng.below(400); turns > 0; turns -= 1) await turn();
    await site.kill();
    kills += 1;
    const said = signed();
    const gone = packsCount - packsLeft();
    assert.ok(removedOf(said, 'packs') <= packsCount, 'it counts nothing twice');
    assert.ok(removedOf(said, 'packs') + said.uncounted >= gone, `${removedOf(said, 'packs')} and ${said.uncounted} of ${gone}`);
    assert.ok(removedOf(said, 'packs') >= counted, 'what was counted stays counted');
    counted = removedOf(said, 'packs');
    if (said.state === 'begun' && gone > 0 && gone < packsCount) amid += 1;
    await site.start();
    if (said.state === 'done') break;
  }
  t.diagnostic(`${kills} kills, ${amid} of them with packs left`);
  assert.ok(amid > 0, 'it was killed amid the work');
  while (signed().state !== 'done') await turn();
  const done = signed();
  assert.equal(packsLeft(), 0);
  assert.ok(!existsSync(join(folder, 'records')) || readdirSync(join(folder, 'records')).length === 0);
  assert.deepEqual([done.waiting, done.problems], [[], []]);
  assert.ok(removedOf(done, 'packs') <= packsCount && removedOf(done, 'packs') + done.uncounted >= packsCount);
  assert.ok(done.uncounted <= kills * uncountedPerKillMax, `${done.uncounted} after ${kills} kills`);
  assert.deepEqual([removedOf(done, 'slots') + removedOf(done, 'records') + done.uncounted >= 2, done.jobs], [true, null]);
  await site.stop();
});
