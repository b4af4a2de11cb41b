/*
 * Freezes safes: `node apps/twinvault/tests/frozen/make.ts` writes those under fixtures/v1 that are not there yet, and touches none that is.
 *
 * Each is made by Twinvault as it was then, in memory, from fixed seeds: three computers, nights of a job, a revoked computer, a retired safeset, compacted
 * packs, a run that was broken off. Only what has to be kept is written: no caches, no leases, no reserve.
 */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addEscrow, escrowPrivateText, escrowPublicKey, minimumSuiteEntry, newEscrowSeed, revokeEntry } from '@twinvault/seal';
import { dayMs } from '@twinvault/std';
import { runDecoder } from '@twinvault/testkit';
import { outcomeOf } from './broken.ts';
import type { Broken } from './broken.ts';
import { damages } from './damages.ts';
import { changed, digestLines, filesBelow, frozenVault, writeVault } from './frozen-files.ts';
import { listFrozen, openFrozen } from './listing.ts';
import { makeSuccession } from './make-succession.ts';
import { frozenFolder, frozenNames, frozenPassword, frozenSuccession } from './places.ts';
import type { FrozenName } from './places.ts';
import { copyOut, SafeMaker } from './safe-maker.ts';
import { deskTree, nextNight, serverTree } from './trees.ts';
import { windowsRun } from './windows.ts';

/** Nights of the desk, a server with a copy of the desk's file, an old laptop that is shut out. */
async function makeSafeOf(name: FrozenName): Promise<SafeMaker> {
  const maker = new SafeMaker(`frozen v1 ${name}`);
  const desk = await maker.create(name === 'suite-2' ? 2 : 1);
  const server = await maker.enrol('server');
  const laptop = await maker.enrol('laptop');
  const tree = deskTree();
  await maker.run(desk, tree);
  const photos = await maker.run(laptop, serverTree(deskTree()), { job: 'photos' });
  await maker.platform.clock.advance(dayMs);
  if (name === 'complete') await complete(maker);
  for (const night of [2, 3, 4]) {
    nextNight(tree, night);
    await maker.run(desk, tree);
    if (night === 2 && name === 'suite-raised') {
      await maker.append(minimumSuiteEntry({ opened: maker.opened, minimum: 2, clock: maker.platform.clock }));
    }
    await maker.run(server, serverTree(tree, night), { job: 'mail' });
    await maker.platform.clock.advance(dayMs);
  }
  const { certificate, computer } = laptop.agent;
  const last = [{ computer, job: 'photos', record: photos }];
  await maker.append(revokeEntry({ opened: maker.opened, certificate, last, clock: maker.platform.clock }));
  await maker.appendAsOwner({ kind: 'retention', type: 'monthly', copies: 12, days: 365, intraday: false });
  await maker.appendAsOwner({ kind: 'hold', note: 'to be kept', on: true, record: photos });
  await maker.clean();
  nextNight(tree, 5);
  await maker.run(desk, tree);
  const broken = serverTree(tree, 5);
  broken.file('root/another', 'sent before the end\n'.repeat(20_000));
  await maker.brokenRun(server, broken, 'root/mail');
  return maker;
}

/** An escrow key, and a computer with Windows. */
async function complete(maker: SafeMaker): Promise<void> {
  const { platform, safe } = maker;
  const { random, clock } = platform;
  const seed = newEscrowSeed(random);
  maker.escrowText = escrowPrivateText({ name: 'notary', seed });
  const slots = await safe.slots();
  const publicKey = escrowPublicKey('notary', seed);
  const { entry, change } = addEscrow({ opened: maker.opened, slots, publicKey, random, clock });
  if (entry !== null) await maker.append(entry);
  await safe.replaceSlots(change.slots, change.entry);
  maker.opened = maker.opened.withEntry(change.entry);
  const pc = await maker.enrol('pc');
  await windowsRun({ safe, agent: pc.agent, random, clock });
}

async function freeze(name: FrozenName): Promise<void> {
  const folder = join(frozenFolder, name);
  if (existsSync(folder)) return;
  const maker = await makeSafeOf(name);
  await copyOut(maker, join(folder, 'vault'));
  writeFileSync(join(folder, 'kit.txt'), maker.kitText);
  if (maker.escrowText !== null) writeFileSync(join(folder, 'escrow.txt'), maker.escrowText);
  writeFileSync(join(folder, 'password'), `${frozenPassword}\n`);
  const opened = await openFrozen('/vault', maker.platform, { type: 'password', password: frozenPassword });
  const lines = (await listFrozen(opened)).map((safeset) => JSON.stringify(safeset));
  writeFileSync(join(folder, 'expected.jsonl'), `${lines.join('\n')}\n`);
}

/** Damages with what Twinvault and the decoder say of them now: to be looked at before it is committed. */
async function freezeBroken(): Promise<void> {
  const path = join(frozenFolder, 'broken.json');
  if (existsSync(path)) return;
  const broken: Broken[] = [];
  for (const { name, of, changes } of damages()) {
    const folder = mkdtempSync(join(tmpdir(), 'twinvault-broken-'));
    writeVault(folder, changed(frozenVault(of), changes));
    const kit = join(frozenFolder, of, 'kit.txt');
    const { status } = await runDecoder('twinvault_decode.py', [folder, '--kit-file', kit, '--safeset', 'all', '--list']);
    rmSync(folder, { recursive: true });
    broken.push({ name, of, changes, twinvault: await outcomeOf(of, changes), decoder: status });
  }
  writeFileSync(path, `[\n${broken.map((one) => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`);
}

function writeDigests(): void {
  const files = filesBelow(frozenFolder);
  files.delete('digests.txt');
  writeFileSync(join(frozenFolder, 'digests.txt'), `${digestLines(files).join('\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of frozenNames) await freeze(name);
  const succession = join(frozenFolder, frozenSuccession);
  if (!existsSync(succession)) await makeSuccession(succession);
  await freezeBroken();
  writeDigests();
}
