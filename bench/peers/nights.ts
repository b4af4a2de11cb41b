/*
 * What changes a little every night, for 100 nights, 1 % of the pages of a database or 2 % of many small files: how much is sent, how much is stored
 * with 30 safesets kept, and how much a restore has to read. Through the engine and a vault in a directory, in this process, under a clock that
 * goes on by a day after each night; clean-up runs each night, as a vault's owner would have it, but deletes without its delay,
 * which is measured in the file system's own time.
 *
 * The data count as what the first backup stored, sealed and compressed: against their plain size the factors would flatter.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { backup, openAgentState, restore } from '@twinvault/engine';
import type { BackupOptions } from '@twinvault/engine';
import { computerId } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import type { VaultReading, VaultSafe } from '@twinvault/protocol';
import { enrolHere, makeSafe, openSafeReader, writeSecret } from '@twinvault/seal';
import type { OpenedSafe } from '@twinvault/seal';
import { linuxFileSource, linuxTarget } from '@twinvault/sources';
import { dayMs, MiB, Prng, utf8Encode } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { createDirectoryVault } from '@twinvault/vault';
import type { SiteVault } from '@twinvault/vault';
import { changePages, changeSmallFiles, filesBelow } from '../inputs/changes.ts';
import type { Changed } from '../inputs/changes.ts';
import { scaledBytes, writeDatabase } from '../inputs/large-files.ts';
import { sourceTree } from '../inputs/trees.ts';

export interface NightsResult {
  readonly of: string;
  readonly nights: number;
  /** Plain size. */
  readonly dataBytes: number;
  readonly firstStoredBytes: number;
  /** Sent in all nights, the first backup not counted, and the least that could have been. */
  readonly sentBytes: number;
  readonly leastBytes: number;
  /** After clean-up, with `safesetsKept` of them. */
  readonly storedBytes: number;
  /** What the vault was asked for by a restore of the last night. */
  readonly restoreReadBytes: number;
  /** Of this process and its threads, for all backups together. */
  readonly cpuSeconds: number;
}

export const safesetsKept = 30;
const plainBytes = 64 * MiB;

/** What changes from night to night. */
export interface NightsSubject {
  readonly of: string;
  make(folder: string, scale: number, random: Prng): void;
  change(folder: string, random: Prng): Changed;
  readonly milestones: readonly number[];
  /** The list of worn bundles is lost after each night, so that none is emptied. */
  readonly withoutUpkeep: boolean;
}

export const databaseNights: NightsSubject = {
  of: 'database',
  make: (folder, scale, random) => writeDatabase(join(folder, 'database'), scaledBytes(plainBytes, scale), random),
  change: changePages,
  milestones: [30, 100],
  withoutUpkeep: false,
};

const fileNights: NightsSubject = {
  of: 'small files',
  make: (folder, scale, random) => sourceTree.make(folder, scale, random),
  change: changeSmallFiles,
  // Half of a bundle's files have changed after 35 nights, and kept safesets hold it for 30 more.
  milestones: [30, 100, 200],
  withoutUpkeep: false,
};

/** By the word that chooses them. */
export const nightsSubjects: Readonly<Record<string, readonly NightsSubject[]>> = {
  nights: [databaseNights],
  'nights-of-files': [fileNights, { ...fileNights, of: 'small files, no bundle emptied', withoutUpkeep: true }],
};

export interface NightsParts {
  readonly subject: NightsSubject;
  readonly scale: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Measures all milestones in one history. Rejects with the signal's reason when it is aborted. */
export async function measureNights({ subject, scale, say, signal }: NightsParts): Promise<NightsResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-bench-'));
  try {
    for (const name of ['vault', 'state', 'data']) mkdirSync(join(folder, name));
    const random = new Prng('bench nights');
    subject.make(join(folder, 'data'), scale, random);
    const history = await History.begin(folder, subject, signal);
    const results: NightsResult[] = [];
    for (let night = 1; night <= Math.max(...subject.milestones); night += 1) {
      await history.night(random);
      if (night % 10 === 0) say(`night ${night}`);
      if (subject.milestones.includes(night)) results.push(await history.result(night));
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface HistoryParts {
  readonly subject: NightsSubject;
  readonly options: BackupOptions;
  readonly opened: OpenedSafe;
  readonly vault: SiteVault;
  readonly clock: SimulatedClock;
}

class History {
  readonly #folder: string;
  readonly #subject: NightsSubject;
  readonly #options: BackupOptions;
  readonly #opened: OpenedSafe;
  readonly #vault: SiteVault;
  readonly #clock: SimulatedClock;
  readonly #dataBytes: number;
  #firstStoredBytes = 0;
  #sentBytes = 0;
  #leastBytes = 0;
  #cpuSeconds = 0;
  #last: RecordDigest | null = null;

  static async begin(folder: string, subject: NightsSubject, signal: AbortSignal): Promise<History> {
    const platform = nodePlatform();
    const clock = new SimulatedClock(platform);
    // One thread is enough for a night, and starting threads is most of what a short one costs.
    const simulated = { ...platform, clock, threads: { ...platform.threads, parallelism: 1 } };
    const vault = await createDirectoryVault({ path: join(folder, 'vault'), platform: simulated });
    const made = await newSafe(vault, simulated);
    const source = linuxFileSource({
      roots: [utf8Encode(join(folder, 'data'))],
      rules: { excludes: [], skipCaches: false, oneFileSystem: false },
    });
    const options = {
      vault: await vault.openSafe(made.agent.safe),
      agent: made.agent,
      job: 'bench',
      retention: 'standard',
      source,
      state: openAgentState({ path: join(folder, 'state'), platform: simulated }),
      platform: simulated,
      siteKey: (await vault.site()).publicKey,
      signal,
    };
    const history = new History(folder, { subject, options, opened: made.opened, vault, clock });
    await history.#backup();
    history.#firstStoredBytes = history.#storedBytes();
    return history;
  }

  constructor(folder: string, parts: HistoryParts) {
    this.#folder = folder;
    this.#subject = parts.subject;
    this.#options = parts.options;
    this.#opened = parts.opened;
    this.#vault = parts.vault;
    this.#clock = parts.clock;
    this.#dataBytes = bytesBelow(join(folder, 'data'));
  }

  async night(random: Prng): Promise<void> {
    this.#clock.aDayPasses();
    const { leastBytes } = this.#subject.change(join(this.#folder, 'data'), random);
    if (this.#subject.withoutUpkeep) forgetWornBundles(join(this.#folder, 'state'));
    this.#leastBytes += leastBytes ?? 0;
    this.#sentBytes += await this.#backup();
    const keep = { others: { days: 0, copies: safesetsKept, intraday: true } };
    await this.#vault.clean(this.#options.agent.safe, { keep, quarantineMs: 0, shareMax: 1 });
  }

  async result(nights: number): Promise<NightsResult> {
    return {
      nights,
      of: this.#subject.of,
      dataBytes: this.#dataBytes,
      firstStoredBytes: this.#firstStoredBytes,
      sentBytes: this.#sentBytes,
      leastBytes: this.#leastBytes,
      storedBytes: this.#storedBytes(),
      restoreReadBytes: await this.#restore(),
      cpuSeconds: this.#cpuSeconds,
    };
  }

  /** Sent bytes. */
  async #backup(): Promise<number> {
    const used = process.cpuUsage();
    const { record, result, uploadedBytes } = await backup(this.#options);
    const { user, system } = process.cpuUsage(used);
    if (result !== 'ok') throw new Error('a night ended with errors');
    this.#cpuSeconds += (user + system) / 1e6;
    this.#last = record;
    return uploadedBytes;
  }

  #storedBytes(): number {
    return bytesBelow(join(this.#folder, 'vault'));
  }

  /** Bytes that the vault was asked for, listing included; throws when the data are not the same. */
  async #restore(): Promise<number> {
    if (this.#last === null) throw new Error('nothing was backed up');
    const counting = new CountingSafe(this.#options.vault);
    const reader = openSafeReader({ vaultSafe: counting, opened: this.#opened });
    const to = join(this.#folder, 'restored');
    await using safeset = await reader.open(this.#last);
    await restore({
      contents: { writeSecret: writeSecret(this.#opened.rootSecret), ...pick(safeset) },
      target: linuxTarget({ root: utf8Encode(to) }),
      threads: this.#options.platform.threads,
      paths: [],
      strip: new Uint8Array(),
      conflict: 'skip',
    });
    const data = join(this.#folder, 'data');
    execFileSync('diff', ['-r', '-q', data, join(to, data)], { stdio: 'inherit' });
    rmSync(to, { recursive: true });
    return counting.readBytes;
  }
}

function pick<T extends { catalog: unknown; chunks: unknown; reading: unknown }>({
  catalog,
  chunks,
  reading,
}: T): Pick<T, 'catalog' | 'chunks' | 'reading'> {
  return { catalog, chunks, reading };
}

async function newSafe(vault: SiteVault, { clock, random }: Platform) {
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const made = await makeSafe({ label: 'bench', password: 'correct horse battery staple', suite: 1, random, clock, parameters });
  const computer = computerId(random.bytes(16));
  const { entry, agent } = enrolHere({ opened: made.opened, clock, computer, name: 'machine', random });
  await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
  return { agent, opened: made.opened.withEntry(entry) };
}

function forgetWornBundles(state: string): void {
  for (const path of filesBelow(state)) if (basename(path) === 'worn-bundles') rmSync(path);
}

function bytesBelow(folder: string): number {
  return Number(execFileSync('du', ['-s', '--apparent-size', '--block-size=1', folder], { encoding: 'utf8' }).split('\t')[0]);
}

/** The machine's clock, some days later. */
class SimulatedClock {
  readonly #clock: Platform['clock'];
  #laterMs = 0;

  constructor({ clock }: Platform) {
    this.#clock = clock;
  }

  aDayPasses(): void {
    this.#laterMs += dayMs;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#laterMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }
}

/** Counts what of packs is read. */
class CountingSafe {
  readonly #safe: VaultSafe;
  readBytes = 0;

  constructor(safe: VaultSafe) {
    this.#safe = safe;
  }

  ledger(from: number): ReturnType<VaultSafe['ledger']> {
    return this.#safe.ledger(from);
  }

  records(...filter: Parameters<VaultSafe['records']>): ReturnType<VaultSafe['records']> {
    return this.#safe.records(...filter);
  }

  record(digest: RecordDigest): ReturnType<VaultSafe['record']> {
    return this.#safe.record(digest);
  }

  async openReading(): Promise<VaultReading> {
    const reading = await this.#safe.openReading();
    return {
      readPack: async (pack, offsetBytes, lengthBytes) => {
        this.readBytes += lengthBytes;
        return await reading.readPack(pack, offsetBytes, lengthBytes);
      },
      packSize: (pack) => reading.packSize(pack),
      holdersOf: (origins) => reading.holdersOf(origins),
      [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose](),
    };
  }
}
