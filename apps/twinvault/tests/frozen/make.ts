/*
 * Freezes safes: `node apps/twinvault/tests/frozen/make.ts` writes those under fixtures/v1 that are not there yet, and touches none that is.
 *
 * Each is made by Twinvault as it was then, in memory, from fixed seeds: three computers, nights of a job, a revoked computer, a retired safeset, compacted
 * packs, a run that was broken off. Only what has to be kept is written: no caches, no leases, no reserve.
 */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backup, EngineError, openAgentState } from '@twinvault/engine';
import type { AgentState, BackupOptions } from '@twinvault/engine';
import { computerId } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import {
  addEscrow,
  enrolHere,
  escrowPrivateText,
  escrowPublicKey,
  kitText,
  makeSafe,
  minimumSuiteEntry,
  newEscrowSeed,
  ownerEntries,
  revokeEntry,
} from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { dayMs, hourMs } from '@twinvault/std';
import { memoryPlatform, memorySource, runDecoder } from '@twinvault/testkit';
import type { MemoryPlatform, MemoryTree } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';
import type { DirectorySafe, DirectoryVault } from '@twinvault/vault';
import { outcomeOf } from './broken.ts';
import type { Broken } from './broken.ts';
import { damages } from './damages.ts';
import { changed, digestLines, filesBelow, frozenVault, writeVault } from './frozen-files.ts';
import { listFrozen, openFrozen } from './listing.ts';
import { frozenFolder, frozenLabel, frozenNames, frozenPassword } from './places.ts';
import type { FrozenName } from './places.ts';
import { deskTree, nextNight, serverTree } from './trees.ts';
import { windowsRun } from './windows.ts';

/** The floor of a slot's parameters, so that opening costs little. */
const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };

type OwnerPayload = Parameters<typeof ownerEntries>[0]['payloads'][number];

interface Computer {
  readonly agent: AgentKeys;
  readonly state: AgentState;
}

class FrozenMaker {
  readonly platform: MemoryPlatform;
  vault!: DirectoryVault;
  safe!: DirectorySafe;
  opened!: OpenedSafe;
  kitText = '';
  escrowText: string | null = null;

  constructor(seed: string) {
    this.platform = memoryPlatform(seed);
  }

  async create(suite: 1 | 2): Promise<Computer> {
    const { platform } = this;
    const { random, clock } = platform;
    await platform.files.makeDirectory('/vault');
    this.vault = await createDirectoryVault({ path: '/vault', platform });
    const made = await makeSafe({ label: frozenLabel, password: frozenPassword, suite, random, clock, parameters });
    this.opened = made.opened;
    this.kitText = kitText(made.kit);
    const { entry, computer } = await this.enrolment('desk');
    await this.vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
    this.safe = await this.vault.openSafe(computer.agent.safe);
    return computer;
  }

  async enrol(name: string): Promise<Computer> {
    const { entry, computer } = await this.enrolment(name);
    await this.safe.appendLedger(entry);
    return computer;
  }

  private async enrolment(name: string): Promise<{ entry: Uint8Array; computer: Computer }> {
    const { platform, opened } = this;
    const { random, clock, files } = platform;
    const enrolled = enrolHere({ opened, clock, computer: computerId(random.bytes(16)), name, random });
    this.opened = enrolled.opened;
    await files.makeDirectory(`/${name}`);
    const state = openAgentState({ path: `/${name}`, platform });
    await state.safe(enrolled.agent.safe).saveAgentKeys(enrolled.agent);
    return { entry: enrolled.entry, computer: { agent: enrolled.agent, state } };
  }

  async append(entry: Uint8Array): Promise<void> {
    await this.safe.appendLedger(entry);
    this.opened = this.opened.withEntry(entry);
  }

  /** As whoever has the password sets them. */
  async appendAsOwner(payload: OwnerPayload): Promise<void> {
    const { entries } = ownerEntries({ opened: this.opened, clock: this.platform.clock, payloads: [payload] });
    for (const entry of entries) await this.append(entry);
  }

  async run(computer: Computer, tree: MemoryTree, options: Partial<BackupOptions> = {}): Promise<RecordDigest> {
    const { platform, safe } = this;
    const { agent, state } = computer;
    const report = await backup({
      vault: safe,
      agent,
      state,
      platform,
      job: 'documents',
      retention: 'standard',
      source: memorySource(tree),
      siteKey: (await this.vault.site()).publicKey,
      signal: new AbortController().signal,
      workers: 1,
      ...options,
    });
    await platform.clock.advance(hourMs);
    return report.record;
  }

  /** Ends in the middle, with a checkpoint. */
  async brokenRun(computer: Computer, tree: MemoryTree, path: string): Promise<void> {
    const stop = new AbortController();
    tree.whileRead.set(path, () => stop.abort());
    try {
      await this.run(computer, tree, { signal: stop.signal });
    } catch (error) {
      if (error instanceof EngineError && error.code === 'run-aborted') return;
      throw error;
    }
    throw new RangeError('the run was to be broken off');
  }

  async clean(): Promise<void> {
    const keep = { others: { days: 0, copies: 2, intraday: true } };
    for (let turn = 0; turn < 3; turn += 1) {
      await this.vault.clean(this.safe.safe, { keep, quarantineMs: 0, shareMax: 1, compact: { unusedMax: 0 } });
      await this.platform.clock.advance(dayMs);
    }
  }
}

/** Nights of the desk, a server with a copy of the desk's file, an old laptop that is shut out. */
async function makeSafeOf(name: FrozenName): Promise<FrozenMaker> {
  const maker = new FrozenMaker(`frozen v1 ${name}`);
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
async function complete(maker: FrozenMaker): Promise<void> {
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

/** Leases, locks and caches are of the moment, and the reserve is room. */
const leftOut = /^(cache|site\/reserve|safes\/[^/]+\/(leases|locks|committing))(\/|$)/;

async function copyOut({ platform }: FrozenMaker, to: string, path = ''): Promise<void> {
  for (const { name, kind } of await platform.files.list(join('/vault', path))) {
    const inner = path === '' ? name : `${path}/${name}`;
    if (leftOut.test(inner) || name.startsWith('.')) continue;
    if (kind === 'directory') {
      await copyOut({ platform } as FrozenMaker, to, inner);
      continue;
    }
    const bytes = await platform.files.read(join('/vault', inner), 2 ** 25);
    mkdirSync(dirname(join(to, inner)), { recursive: true });
    writeFileSync(join(to, inner), bytes ?? new Uint8Array());
  }
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
  await freezeBroken();
  writeDigests();
}
