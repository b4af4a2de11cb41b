/*
 * After the loss of local state: catalog cache and page signatures are put together again from the state packs that the
 * job's newest record names (docs/format/delta.md, "State packs").
 *
 * Invariant: what comes out is only a hint. The cache says that everything is to be read, so a file's content decides, and
 * state that is old, cut short or missing costs sending again.
 */
import { CodedError, equalBytes, EventTurns } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { parseRecord, parseRefs } from '@twinvault/format';
import type { RecordDigest, Refs } from '@twinvault/format';
import type { RecordSummary, VaultSafe } from '@twinvault/protocol';
import type { AgentKeys, Place } from '@twinvault/seal';
import type { JobState } from '../state/job-state.ts';
import { encodeChain, stateLogsMax } from './state-chain.ts';
import type { StateChain } from './state-chain.ts';
import { StateRows } from './state-rows.ts';
import { StateStreamError, StateStreamReader } from './state-stream.ts';
import type { StateHead } from './state-stream.ts';
import type { StateTails } from './state-tails.ts';

/** About as many as a leaf of the catalog has. */
const blockEntries = 128;

export interface StateRestoreOptions {
  readonly platform: Pick<Platform, 'clock' | 'databases' | 'files' | 'random' | 'timers'>;
  readonly vault: VaultSafe;
  readonly agent: AgentKeys;
  readonly job: JobState;
  readonly tails: StateTails;
  readonly heads: readonly RecordSummary[];
  readonly signal: AbortSignal;
}

/** Puts the state of the newest head that has one into its place. False: there is none that can be used. Never throws. */
export async function restoreState(options: StateRestoreOptions): Promise<boolean> {
  if (options.tails.isEmpty) return false;
  const newestFirst = options.heads.toSorted((a, b) => b.public.sequence - a.public.sequence);
  for (const { digest } of newestFirst) {
    try {
      if (await new StateRestore(options, digest).perform()) return true;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
  }
  return false;
}

interface Applied {
  readonly chain: StateChain;
  readonly sequence: number;
}

class StateRestore {
  private readonly options: StateRestoreOptions;
  private readonly record: RecordDigest;

  constructor(options: StateRestoreOptions, record: RecordDigest) {
    this.options = options;
    this.record = record;
  }

  async perform(): Promise<boolean> {
    const { platform, job } = this.options;
    const rows = await StateRows.make(`${job.path}/restored.db`, platform);
    await using _rows = rows;
    await this.fetch(rows);
    for (const base of rows.bases()) {
      const applied = await this.apply(rows, base);
      if (applied !== null) return await this.keep(rows, applied);
    }
    return false;
  }

  private async fetch(rows: StateRows): Promise<void> {
    const { vault, tails, agent, signal } = this.options;
    await using reading = await vault.openReading();
    for await (const part of tails.parts(reading, await this.refs(), agent)) {
      if (signal.aborted) return;
      rows.addPart(part);
    }
  }

  private async refs(): Promise<Refs> {
    const record = parseRecord(await this.options.vault.record(this.record));
    return parseRefs(equalBytes(record.digest, this.record) ? record.refs : Uint8Array.of(0));
  }

  /** The base and its logs, up to the first that is not whole; null when the base is not. */
  private async apply(rows: StateRows, base: Uint8Array): Promise<Applied | null> {
    let applied: Applied | null = null;
    for (let number = 0; number <= stateLogsMax; number += 1) {
      const step = new Step({ ...this.options, rows, base, number, before: applied });
      if (!(await rows.whole(async () => await step.perform()))) break;
      applied = step.applied;
    }
    return applied;
  }

  private async keep(rows: StateRows, { chain, sequence }: Applied): Promise<boolean> {
    const { job, platform } = this.options;
    const cache = job.newCache();
    const turns = new EventTurns(platform);
    for (const entries of rows.entries()) {
      for (const { key, body } of entries) {
        cache.add(placeOf(key), body);
        if (cache.pending >= blockEntries) cache.endBlock(null);
      }
      await cache.drain();
      await turns.take();
    }
    job.replaceSignatures(chain.pageKey, { signatures: rows.signatures(), segments: rows.segments() }, platform.random);
    const never = { startMs: Number.NEGATIVE_INFINITY, fullReadMs: Number.NEGATIVE_INFINITY, chunks: 0 };
    return await cache.finish({ ...never, record: this.record, sequence, note: encodeChain(chain), partial: null });
  }
}

interface StepOptions extends StateRestoreOptions {
  readonly rows: StateRows;
  readonly base: Uint8Array;
  readonly number: number;
  readonly before: Applied | null;
}

/** One stream: the base or a log. */
class Step {
  private readonly options: StepOptions;
  private readonly reader = new StateStreamReader();
  private readonly ids: Uint8Array[] = [];
  private storedBytes = 0;

  constructor(options: StepOptions) {
    this.options = options;
  }

  /** False: not whole, or not of this job. */
  async perform(): Promise<boolean> {
    const { rows, base, number, signal, platform } = this.options;
    const turns = new EventTurns(platform);
    for (let index = 0; ; index += 1) {
      const part = rows.part(base, number, index);
      if (part === null || signal.aborted || !this.take(part.bytes)) return false;
      this.ids.push(part.id);
      this.storedBytes += part.storedBytes;
      if (part.last) return this.reader.ended;
      await turns.take();
    }
  }

  private take(bytes: Uint8Array): boolean {
    try {
      for (const record of this.reader.take(bytes)) {
        const { head } = this.reader;
        if (head === null || !this.fits(head)) return false;
        this.options.rows.apply(record, head.pageKey);
      }
      return this.reader.head === null || this.fits(this.reader.head);
    } catch (error) {
      if (error instanceof StateStreamError || error instanceof RangeError) return false;
      throw error;
    }
  }

  private fits({ job, pageKey }: StateHead): boolean {
    const { before } = this.options;
    return job === this.options.job.job && (before === null || equalBytes(pageKey, before.chain.pageKey));
  }

  get applied(): Applied | null {
    const { base, number, before } = this.options;
    const { head } = this.reader;
    if (head === null) return null;
    const { pageKey, sequence } = head;
    const { ids, storedBytes } = this;
    if (before === null) return { sequence, chain: { base, pageKey, logs: 0, baseBytes: storedBytes, logBytes: 0, ids } };
    const logBytes = before.chain.logBytes + storedBytes;
    return { sequence, chain: { ...before.chain, logs: number, logBytes, ids: [...before.chain.ids, ...ids] } };
  }
}

/** Components are not empty, so the first two zero bytes end the directory. */
function placeOf(key: Uint8Array): Place {
  let end = 0;
  while (end < key.length && (key[end] !== 0 || key[end + 1] !== 0)) end += 1;
  return { directory: key.slice(0, end), name: key.slice(end + 2) };
}
