/*
 * A backup run on the main thread: opens the session, loads the live list, scans, has workers read what changed, writes the
 * catalog in key order, commits the record, and keeps local state (docs/architecture.md, "The way of a byte").
 *
 * Invariants: no key, no backup; nothing is referred to that the vault has not acknowledged; local state is written only
 * after the commit.
 */
import { CodedError, equalBytes, toHex } from '@twinvault/std';
import type { CertificateId } from '@twinvault/format';
import type { Platform } from '@twinvault/std';
import type { VaultSafe } from '@twinvault/protocol';
import type { AgentKeys } from '@twinvault/seal';
import type { FinishedCatalog } from './catalog/catalog-output.ts';
import { ChunkTable } from './dedup/chunk-table.ts';
import { LiveList } from './dedup/live-list.ts';
import { EngineError } from './errors.ts';
import type { BackupProgress, BackupReport } from './report.ts';
import { addCheckpointRefs } from './run/checkpoint.ts';
import { commitRecord } from './run/commit.ts';
import type { CommitContext, CommittedRecord, RecordToCommit } from './run/commit.ts';
import { ancestry, headKey, openRun } from './run/opening.ts';
import type { OpenedRun } from './run/opening.ts';
import { ReadingRun, workersMax } from './run/reading-run.ts';
import { RunProgress } from './run/run-progress.ts';
import { RunTally } from './run/run-tally.ts';
import { RunSealing } from './run/sealing.ts';
import type { FileSource } from './source-port.ts';
import { decodeChain, encodeChain } from './state-packs/state-chain.ts';
import type { StateChain } from './state-packs/state-chain.ts';
import { restoreState } from './state-packs/state-restore.ts';
import { StateTails } from './state-packs/state-tails.ts';
import type { AgentState, SafeState } from './state/agent-state.ts';
import type { CacheReader, CacheWriter } from './state/catalog-cache.ts';
import type { JobState } from './state/job-state.ts';
import { PathsFile } from './state/paths-file.ts';
import type { WornBundles } from './state/worn-bundles.ts';
import type { JobHead, RunRow } from './state/pins.ts';
import { Uploader } from './upload/uploader.ts';

/**
 * zstd level of file contents and catalog nodes when the caller names none. /usr/share, 558 MB, November 2026: level 1 stores
 * 244.4 MB in 7.8 CPU seconds, 2 as zstd has it 235.4 in 8.0, 3: 229.7 in 8.9, 4: 226.6 in 9.7 (restic 0.14: 245.2 in 11.4, borg 1.2
 * with zstd 3: 241.9 in 13.6). Level 2 as crypto/zstd-tables.ts of std has it lies between 1 and 2 in both.
 */
export const levelDefault = 2;
/** After this time everything is read again, whatever the cache says (docs/format/delta.md). */
export const fullReadMsMax: number = 30 * 24 * 3600 * 1000;

export interface BackupOptions {
  readonly vault: VaultSafe;
  readonly agent: AgentKeys;
  readonly job: string;
  /** Name of the retention type. */
  readonly retention: string;
  readonly source: FileSource;
  readonly state: AgentState;
  readonly platform: Platform;
  /** Host name for the sealed part of the record; the computer's name when omitted. */
  readonly host?: string;
  /** zstd level, 1 to 19. */
  readonly level?: number;
  /** Read every file, even where its status is that of the last run. */
  readonly readAll?: boolean;
  /** Worker threads; as many as there are cores, up to `workersMax`, when omitted. */
  readonly workers?: number;
  /** Of page signatures: two to the power of it are the pages of a segment. Left out but for tests. */
  readonly segmentBits?: number;
  /** The site's public key (`Vault.site()`), to verify the receipt with. */
  readonly siteKey?: Uint8Array;
  /** The vault is on a seed disk of this id (docs/format/seed.md): the job's first run, or one that goes on with it. */
  readonly seedDisk?: Uint8Array;
  /** The head of the job that the site must have at least, where that is not the newest that this computer has seen anywhere: another site has that one. */
  readonly headSeen?: JobHead | null;
  /** Called a few times a second and at each change of phase. */
  readonly progress?: (progress: BackupProgress) => void;
  /** Stops the run; what was sent is kept as a checkpoint. */
  readonly signal: AbortSignal;
}

/**
 * Backs up a source into one safeset. Throws EngineError (also 'run-aborted' after the signal), ProtocolError of the vault,
 * and what the source throws as a whole. Errors of single entries are no exceptions: they are in the report.
 */
export async function backup(options: BackupOptions): Promise<BackupReport> {
  const { state, agent, job, platform } = options;
  using safeState = state.safe(agent.safe);
  const jobState = await safeState.job(job);
  using _lock = jobState.lock();
  using progress = new RunProgress({ ...platform, tell: options.progress ?? null });
  const startMs = platform.clock.nowMs();
  await Promise.all([jobState.removeLeftovers(), safeState.removeLeftovers(startMs)]);
  const run = await openRun({ ...options, state: safeState, startMs });
  await using _session = run.session;
  const backupRun = new BackupRun({ ...options, safeState, jobState, run, progress, startMs });
  return await backupRun.perform();
}

interface RunParts extends Omit<BackupOptions, 'progress'> {
  readonly progress: RunProgress;
  readonly safeState: SafeState;
  readonly jobState: JobState;
  readonly run: OpenedRun;
  readonly startMs: number;
}

interface RunInputs {
  readonly live: LiveList;
  readonly lastCache: CacheReader | null;
  readonly newCache: CacheWriter;
}

interface StateToKeep {
  readonly newCache: CacheWriter;
  readonly chain: StateChain;
  /** The cache whose entries this run did not read again. */
  readonly trusted: CacheReader | null;
  /** Null: as before. */
  readonly worn: WornBundles | null;
  /** Directories of which something was left out. */
  readonly partial: Uint32Array | null;
}

class BackupRun {
  private readonly parts: RunParts;
  private table: ChunkTable = ChunkTable.create();
  private readonly stateTails: StateTails = new StateTails();
  private readonly tally: RunTally = new RunTally();
  private readonly uploader: Uploader;
  private readonly sealing: RunSealing;
  private stateFailure: string | null = null;
  private readonly paths: PathsFile;

  constructor(parts: RunParts) {
    this.parts = parts;
    const { run, agent, platform, jobState } = parts;
    this.uploader = new Uploader(run.session, platform.timers);
    const { certificate, safe } = agent;
    this.sealing = new RunSealing({ kem: run.kem, suite: run.suite, safe, certificate }, platform);
    this.paths = new PathsFile(platform.files, jobState.reportPath);
  }

  async perform(): Promise<BackupReport> {
    const { agent, run, jobState, safeState } = this.parts;
    const { reuse } = await safeState.settings();
    await using fitting = await this.fittingCache();
    this.table = ChunkTable.create(fitting?.info.chunks);
    const live = await LiveList.load({
      session: run.session,
      own: ownCertificates(run, agent),
      seen: (pack, rows) => this.stateTails.see(pack, rows),
      reuse,
      table: this.table,
      slips: this.uploader.slips,
      names: this.uploader.names,
    });
    await using restored = fitting === null ? await this.restoredCache() : null;
    const lastCache = fitting ?? restored;
    const newCache = jobState.newCache(lastCache);
    try {
      return await this.withCaches({ live, lastCache, newCache });
    } catch (error) {
      await newCache.abandon();
      await this.noteFailure(error);
      throw error;
    }
  }

  /** The catalog cache, unless it belongs to a record that the site's head does not descend from. */
  private async fittingCache(): Promise<CacheReader | null> {
    const { jobState, vault, run, agent, job } = this.parts;
    const cache = await jobState.openCache();
    if (cache === null) return null;
    const known = await ancestry(vault, run.heads, { job, computer: agent.computer });
    if (known.has(toHex(cache.info.record))) return cache;
    await cache[Symbol.asyncDispose]();
    return null;
  }

  /** What the vault has of a cache that was lost here. */
  private async restoredCache(): Promise<CacheReader | null> {
    const { jobState, vault, run, agent, platform, signal } = this.parts;
    const { heads } = run;
    const restored = await restoreState({ platform, vault, agent, heads, signal, job: jobState, tails: this.stateTails });
    return restored ? await jobState.openCache() : null;
  }

  private async withCaches({ live, lastCache, newCache }: RunInputs): Promise<BackupReport> {
    const { platform, agent, source, signal, level = levelDefault, progress } = this.parts;
    const skipUnchanged = lastCache !== null && !this.everythingIsRead(lastCache);
    const { table, uploader, tally, sealing, paths } = this;
    const workers = Math.max(1, this.parts.workers ?? Math.min(platform.threads.parallelism, workersMax));
    using signatures = this.parts.jobState.signatures(platform.random, lastCache === null);
    const { job, run } = this.parts;
    const lastChain = lastCache === null ? null : decodeChain(lastCache.info.note);
    const openLastCache = async (): Promise<CacheReader | null> => await this.parts.jobState.openCache();
    const chained = { lastChain, openLastCache, job, sequence: run.sequence };
    const fixed = {
      ...chained,
      signatures,
      platform,
      agent,
      worn: await this.parts.jobState.wornBundles(),
      source,
      signal,
      level,
      table,
      uploader,
      tally,
      sealing,
      paths,
      workers,
      segmentBits: this.parts.segmentBits,
    };
    await using reading = new ReadingRun({ ...fixed, live, lastCache, skipUnchanged, newCache });
    this.tellProgress(reading);
    progress.enter('reading');
    const whole = await reading.read();
    // Nothing was sent: nothing to keep.
    if (!whole && reading.counted.chunksNew + reading.counted.chunksReused === 0)
      throw new EngineError('run-aborted', { context: { packs: 0 } });
    progress.enter('finishing');
    const chain = whole ? await reading.finishState() : null;
    const catalog = await reading.finish();
    progress.enter('committing');
    if (chain === null) return await this.stopped(catalog);
    const committed = await this.commit(catalog, 'safeset');
    const trusted = skipUnchanged ? lastCache : null;
    await this.keepState(committed, {
      newCache,
      chain,
      trusted,
      worn: reading.wornBundles(),
      partial: reading.partialDirectories(),
    });
    await signatures.keep();
    return this.report(committed, reading);
  }

  private everythingIsRead(lastCache: CacheReader): boolean {
    const { readAll = false, startMs } = this.parts;
    return readAll || startMs - lastCache.info.fullReadMs >= fullReadMsMax;
  }

  private tellProgress(reading: ReadingRun): void {
    const { run, progress } = this.parts;
    const last = run.heads[0]?.public.counts;
    const lastRun = last === undefined ? null : { files: last.files, bytes: last.bytesProtected };
    const { tally, uploader } = this;
    progress.from(() => ({
      entriesFound: tally.entriesFound,
      bytesFound: tally.bytesFound,
      foundAll: reading.foundAll,
      entriesDone: tally.unchangedFound + reading.counted.files,
      bytesDone: tally.bytesUnchangedFound + reading.counted.bytes,
      bytesUploaded: uploader.totals.bytes,
      errors: tally.errorCount,
      lastRun,
    }));
  }

  private async stopped(catalog: FinishedCatalog): Promise<never> {
    const { vault, run, agent, job } = this.parts;
    await addCheckpointRefs(catalog.refs, this.uploader, { vault, run, filter: { job, computer: agent.computer } });
    await this.commit(catalog, 'checkpoint');
    throw new EngineError('run-aborted', { context: { packs: this.uploader.totals.packs } });
  }

  private async commit(catalog: FinishedCatalog, kind: RecordToCommit['kind']): Promise<CommittedRecord> {
    const { agent, job, run, platform, source, retention, startMs, host = agent.computerName, siteKey } = this.parts;
    const { tally, uploader, sealing } = this;
    const errors = tally.errors.map(({ path, code }) => ({ path, code }));
    const result = tally.errorCount === 0 ? 'ok' : 'with errors';
    return await commitRecord(
      {
        kind,
        retention,
        result: kind === 'safeset' ? result : 'deferred',
        startMs,
        endMs: platform.clock.nowMs(),
        counts: tally.counts(uploader.totals.bytes),
        refs: catalog.refs,
        part: { catalog: { root: catalog.root, level: catalog.level }, host, sources: source.roots, errors },
      },
      { agent, job, run, sealing: sealing.session, random: platform.random, siteKey: siteKey ?? null, base: await this.base() },
    );
  }

  /** The job's last safeset, if it was made here and is what the site has still. */
  private async base(): Promise<CommitContext['base']> {
    const { jobState, run } = this.parts;
    const last = await jobState.lastRefs();
    if (last === null || !run.heads.some(({ digest }) => equalBytes(digest, last.digest))) return null;
    return { digest: last.digest, refs: last.refs.bytes };
  }

  /**
   * Only after the commit, so nothing here may fail the run.
   */
  private async keepState(record: CommittedRecord, { newCache, chain, trusted, worn, partial }: StateToKeep): Promise<void> {
    const { safeState, agent, job, startMs } = this.parts;
    const { digest, sequence } = record;
    await this.paths.finish();
    const fullReadMs = trusted?.info.fullReadMs ?? startMs;
    const chunks = this.table.count;
    await newCache.finish({ record: digest, sequence, startMs, fullReadMs, chunks, note: encodeChain(chain), partial });
    let failure = newCache.failure ?? this.paths.failure;
    try {
      const pins = await safeState.pins();
      pins.pinHead(headKey(agent, job), { record: digest, sequence });
      if (this.parts.seedDisk === undefined) pins.endSeed(headKey(agent, job));
      pins.addRun(this.runRow(this.tally.errorCount === 0 ? 'ok' : 'with errors', record.sentBytes));
      await this.parts.jobState.keepRefs(digest, record.refs);
      if (worn !== null) await this.parts.jobState.keepWornBundles(worn);
    } catch (error) {
      failure ??= error;
    }
    if (failure !== null) this.stateFailure = codeOf(failure);
  }

  private runRow(result: string, recordBytes: number): RunRow {
    const { job, startMs, platform } = this.parts;
    const { files, bytesProtected, errors } = this.tally.counts(0);
    const uploadedBytes = this.uploader.totals.bytes + recordBytes;
    return {
      job,
      startedMs: startMs,
      endedMs: platform.clock.nowMs(),
      result,
      files,
      bytes: bytesProtected,
      uploadedBytes,
      errors,
    };
  }

  /** The history knows of runs that did not reach their end, too; best effort. */
  private async noteFailure(error: unknown): Promise<void> {
    await this.paths.finish();
    try {
      (await this.parts.safeState.pins()).addRun(this.runRow(codeOf(error), 0));
    } catch {
      // The error that ended the run is the one to tell.
    }
  }

  private report(record: CommittedRecord, reading: ReadingRun): BackupReport {
    const { startMs, platform, progress, jobState } = this.parts;
    const { tally, uploader } = this;
    const { chunks, chunksNew, chunksReused, bytesNew } = reading.counted;
    return {
      result: tally.errorCount === 0 ? 'ok' : 'with errors',
      safeset: record.safeset,
      record: record.digest,
      sequence: record.sequence,
      startMs,
      endMs: platform.clock.nowMs(),
      counts: tally.counts(uploader.totals.bytes),
      uploadedBytes: uploader.totals.bytes + record.sentBytes,
      packs: uploader.totals.packs,
      chunks: { seen: chunks, stored: chunksNew, storedPlainBytes: bytesNew, reused: chunksReused },
      unchanged: tally.unchanged,
      carried: tally.carried,
      removed: tally.removed,
      errors: tally.errors,
      phasesMs: progress.phasesMs(),
      joined: this.parts.run.heads.length > 1 ? this.parts.run.heads : [],
      measure: record.measure,
      memoryFaults: reading.memoryFaults,
      stateFailure: this.stateFailure,
      pathsFile: jobState.reportPath,
    };
  }
}

function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : 'internal';
}

/** A computer that was enrolled again as itself finds what it stored under its former certificate, unless that was revoked. */
function ownCertificates({ ledger }: OpenedRun, agent: AgentKeys): (id: CertificateId) => boolean {
  const known = new Map<string, boolean>();
  return (id) => {
    const name = toHex(id);
    const computer = ledger.certificate(id)?.computer;
    const own =
      known.get(name) ?? (computer !== undefined && equalBytes(computer, agent.computer) && ledger.revocationOf(id) === null);
    known.set(name, own);
    return own;
  };
}
