/*
 * What an agent keeps on its own disk, one directory for each safe:
 *
 *   safes/<safe id>/agent.key              the agent's keys (mode 0600): no cache
 *   safes/<safe id>/passed-on              in the place of the keys of a safe that was left for its successor (passed-on.ts): no cache
 *   safes/<safe id>/settings               what was chosen for this computer (settings.ts): no cache; the defaults when missing
 *   safes/<safe id>/ledger                 the ledger as it was seen last (kept-ledger.ts)
 *   safes/<safe id>/state.db               pins (root key, ledger head, head of each job) and the history of runs
 *   safes/<safe id>/jobs/<hash>/catalog    catalog cache of the job's newest safeset (catalog-cache.ts), less its blocks
 *   safes/<safe id>/jobs/<hash>/catalog-<record>   the blocks of it
 *   safes/<safe id>/jobs/<hash>/signatures.db   page signatures of the large files in it (signature-store.ts)
 *   safes/<safe id>/jobs/<hash>/lock.db    held open in a transaction while a run of the job goes on
 *   safes/<safe id>/jobs/<hash>/last-run.jsonl   what the last run did with which path
 *
 * Pins only ever move forward. Losing the caches costs reading all files again.
 */
import { CodedError, fromHex, primitives, toHex, utf8Encode } from '@twinvault/std';
import type { Database, Databases, Files, Platform } from '@twinvault/std';
import { safeId } from '@twinvault/format';
import type { LedgerHead, SafeId } from '@twinvault/format';
import { encodeAgentKeys, parseAgentKeys } from '@twinvault/seal';
import type { AgentKeys, PinnedSafe } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import { JobState } from './job-state.ts';
import { encodeKeptLedger, keptLedgerBytesMax, parseKeptLedger } from './kept-ledger.ts';
import type { KeptLedger } from './kept-ledger.ts';
import { encodePassedOn, parsePassedOn, passedOnBytesMax } from './passed-on.ts';
import type { PassedOn } from './passed-on.ts';
import { Pins } from './pins.ts';
import { encodeSettings, parseSettings, settingsBytesMax, settingsDefault } from './settings.ts';
import type { ComputerSettings } from './settings.ts';
import { removeOldTemporaries } from './temporaries.ts';

/** An agent's keys take about 2 KB. */
export const agentKeyBytesMax: number = 64 * 1024;

export interface AgentStateOptions {
  /** Absolute path of the state directory. */
  readonly path: string;
  readonly platform: Pick<Platform, 'files' | 'databases'>;
}

export interface AgentState {
  readonly path: string;
  /** Safes of which this computer holds keys. */
  safes(): Promise<readonly SafeId[]>;
  safe(safe: SafeId): SafeState;
}

export function openAgentState({ path, platform }: AgentStateOptions): AgentState {
  const root = `${path}/safes`;
  return {
    path,
    async safes() {
      const found: SafeId[] = [];
      for (const { name, kind } of await platform.files.list(root)) {
        const bytes = fromHex(name);
        if (kind !== 'directory' || bytes?.length !== 16) continue;
        if ((await platform.files.stat(`${root}/${name}/agent.key`)) !== null) found.push(safeId(bytes));
      }
      return found;
    },
    safe: (safe) => new SafeState(`${root}/${toHex(safe)}`, safe, platform),
  };
}

/** Local state of one safe. `pins` opens the database; `dispose` closes it. */
export class SafeState implements Disposable {
  readonly path: string;
  readonly safe: SafeId;
  private readonly files: Files;
  private readonly databases: Databases;
  private database: Database | null = null;

  constructor(path: string, safe: SafeId, platform: Pick<Platform, 'files' | 'databases'>) {
    this.path = path;
    this.safe = safe;
    this.files = platform.files;
    this.databases = platform.databases;
  }

  /** Null when this computer was not enrolled; throws EngineError 'state-damaged' when the file does not parse. */
  async agentKeys(): Promise<AgentKeys | null> {
    const bytes = await this.files.read(`${this.path}/agent.key`, agentKeyBytesMax);
    if (bytes === null) return null;
    try {
      return parseAgentKeys(bytes);
    } catch (cause) {
      throw new EngineError('state-damaged', { cause, context: { localPath: `${this.path}/agent.key` } });
    }
  }

  /** As `agentKeys`, but EngineError 'agent-missing' when there are none: no key, no backup. */
  async requireAgentKeys(): Promise<AgentKeys> {
    const keys = await this.agentKeys();
    if (keys === null) throw new EngineError('agent-missing');
    return keys;
  }

  /** Durable, mode 0600; replaces former keys of this safe. */
  async saveAgentKeys(keys: AgentKeys): Promise<void> {
    await this.files.makeDirectory(this.path, { mode: 0o700 });
    await this.files.replace(`${this.path}/agent.key`, [encodeAgentKeys(keys)], { mode: 0o600 });
  }

  /** The defaults when nothing was chosen; EngineError 'settings-damaged' when the file does not parse. */
  async settings(): Promise<ComputerSettings> {
    const localPath = `${this.path}/settings`;
    const bytes = await this.files.read(localPath, settingsBytesMax);
    if (bytes === null) return settingsDefault;
    try {
      return parseSettings(bytes);
    } catch (cause) {
      throw new EngineError('settings-damaged', { cause, context: { localPath } });
    }
  }

  /** Durable, mode 0600; every later run goes by them. */
  async saveSettings(settings: ComputerSettings): Promise<void> {
    await this.files.makeDirectory(this.path, { mode: 0o700 });
    await this.files.replace(`${this.path}/settings`, [encodeSettings(settings)], { mode: 0o600 });
  }

  /** Null unless this computer left the safe for another; EngineError 'state-damaged' when the file does not parse. */
  async passedOn(): Promise<PassedOn | null> {
    const localPath = `${this.path}/passed-on`;
    const bytes = await this.files.read(localPath, passedOnBytesMax);
    if (bytes === null) return null;
    try {
      return parsePassedOn(bytes);
    } catch (cause) {
      throw new EngineError('state-damaged', { cause, context: { localPath } });
    }
  }

  /** This computer writes into another safe from now on: its keys of this one go, and so do the caches of jobs that no run holds. */
  async passOn(to: PassedOn): Promise<void> {
    await this.files.replace(`${this.path}/passed-on`, [encodePassedOn(to)], { mode: 0o600 });
    await this.files.remove(`${this.path}/agent.key`);
    for (const { name, kind } of await this.files.list(`${this.path}/jobs`)) {
      if (kind === 'directory') await this.forgetJob(`${this.path}/jobs/${name}`);
    }
  }

  private async forgetJob(path: string): Promise<void> {
    const { files, databases } = this;
    try {
      using _lock = new JobState({ path, job: '', files, databases }).lock();
      await files.removeTree(path);
    } catch (error) {
      // A run that began before still uses them; they are only caches.
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** What this computer has seen of the safe, enrolled in it or having left it; null when it knows nothing of it. */
  async pinned(): Promise<Required<PinnedSafe> | null> {
    const passed = await this.passedOn();
    if (passed !== null) return passed;
    const keys = await this.agentKeys();
    return keys === null ? null : { rootKey: keys.rootKey, ledgerHead: await this.ledgerHead(keys) };
  }

  async pins(): Promise<Pins> {
    await this.files.makeDirectory(this.path, { mode: 0o700 });
    this.database ??= this.databases.open(`${this.path}/state.db`);
    return new Pins(this.database);
  }

  /** Pins the head of a ledger that was replayed and fits what was pinned before, and keeps the ledger, best effort, for what is done without a vault. */
  async sawLedger(served: KeptLedger, head: LedgerHead): Promise<void> {
    const pins = await this.pins();
    const isKnown = pins.ledgerHead()?.number === head.number && (await this.files.stat(this.ledgerPath)) !== null;
    pins.pinLedgerHead(head);
    if (isKnown) return;
    const bytes = encodeKeptLedger(served);
    if (bytes.length > keptLedgerBytesMax) return;
    try {
      await this.files.replace(this.ledgerPath, [bytes], { mode: 0o600 });
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }

  /** What `sawLedger` kept last; null when there is nothing, or it was lost. Not verified. */
  async keptLedger(): Promise<KeptLedger | null> {
    try {
      const bytes = await this.files.read(this.ledgerPath, keptLedgerBytesMax);
      return bytes === null ? null : parseKeptLedger(bytes);
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }

  private get ledgerPath(): string {
    return `${this.path}/ledger`;
  }

  /** The ledger head this computer has seen, the newer of the pin and the key file's. */
  async ledgerHead(keys: AgentKeys): Promise<LedgerHead> {
    const pinned = (await this.pins()).ledgerHead();
    return pinned !== null && pinned.number > keys.ledgerHead.number ? pinned : keys.ledgerHead;
  }

  /** What commands that were killed left half written beside the jobs. */
  async removeLeftovers(nowMs: number): Promise<void> {
    await removeOldTemporaries(this.files, this.path, nowMs);
  }

  async job(job: string): Promise<JobState> {
    // A job's name is text of people's choice: a hash of it is a safe name on every file system.
    const folder = toHex(primitives.sha256(utf8Encode(job)).subarray(0, 16));
    const path = `${this.path}/jobs/${folder}`;
    await this.files.makeDirectory(path, { mode: 0o700 });
    return new JobState({ path, job, files: this.files, databases: this.databases });
  }

  [Symbol.dispose](): void {
    this.database?.[Symbol.dispose]();
    this.database = null;
  }
}
