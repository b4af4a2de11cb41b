/* Safes in memory that have a history: computers, runs, broken runs, ledger entries, clean-ups with compaction. Frozen safes and those of the tests of both readers are made so. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backup, EngineError, openAgentState } from '@twinvault/engine';
import type { AgentState, BackupOptions } from '@twinvault/engine';
import { computerId } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { enrolHere, kitText, makeSafe, ownerEntries } from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { dayMs, hourMs } from '@twinvault/std';
import { memoryPlatform, memorySource } from '@twinvault/testkit';
import type { MemoryPlatform, MemoryTree } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';
import type { SiteSafe, SiteVault } from '@twinvault/vault';
import { frozenLabel, frozenPassword } from './places.ts';

/** The floor of a slot's parameters, so that opening costs little. */
const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };

type OwnerPayload = Parameters<typeof ownerEntries>[0]['payloads'][number];

export interface Computer {
  readonly agent: AgentKeys;
  readonly state: AgentState;
}

/** A vault in memory with one safe, and what people and computers do to it. Its seed gives everything but what the engine takes from the system. */
export class SafeMaker {
  readonly platform: MemoryPlatform;
  vault!: SiteVault;
  safe!: SiteSafe;
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

/** Leases, locks and caches are of the moment, and the reserve is room. */
const leftOut = /^(cache|site\/reserve|safes\/[^/]+\/(leases|locks|committing))(\/|$)/;

/** The files of the vault that have to be kept, into a folder on disk. */
export async function copyOut({ platform }: Pick<SafeMaker, 'platform'>, to: string, path = ''): Promise<void> {
  for (const { name, kind } of await platform.files.list(join('/vault', path))) {
    const inner = path === '' ? name : `${path}/${name}`;
    if (leftOut.test(inner) || name.startsWith('.')) continue;
    if (kind === 'directory') {
      await copyOut({ platform }, to, inner);
      continue;
    }
    const bytes = await platform.files.read(join('/vault', inner), 2 ** 25);
    mkdirSync(dirname(join(to, inner)), { recursive: true });
    writeFileSync(join(to, inner), bytes ?? new Uint8Array());
  }
}
