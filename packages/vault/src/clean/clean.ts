/*
 * Clean-up of a safe, docs/format/records.md, Keeping: retention, first mark, second mark, deletion of packs that are wholly dead. Runs
 * beside backups and restores; one clean-up of a safe at a time.
 *
 * Invariants: stub before record's chunks; a pack is deleted only when it was dead at two marks at least the delay apart, no lease older
 * than the first is open, and the second mark was made under the lock that commits hold.
 */

import type { Ledger } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { RecordSummary } from '@twinvault/protocol';
import { dayMs, toHex } from '@twinvault/std';
import { recoverCommits } from '../commit/commit.ts';
import type { CommitParts } from '../commit/commit.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/lease.ts';
import { openLeases } from '../leases/open-leases.ts';
import { deletePack } from '../packs/deletion.ts';
import { packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { evaluateRetention } from '../retention/evaluate.ts';
import { replacedCheckpoints, retentionItems, ruleOf } from '../retention/facts.ts';
import { LiveSet } from './live-set.ts';
import { decideNoted, holdsLiveOrigin, markPacks } from './mark.ts';
import type { Marked, MarkTimes } from './mark.ts';
import { readQuarantine, takeBack, writeQuarantine } from './quarantine.ts';
import type { CleanedPack, CleanedRecord, CleanOptions, CleanProgress, CleanReport } from './report.ts';
import { retireRecord } from './retire.ts';
import { sweepSafe } from './sweep.ts';

export const quarantineMsDefault: number = dayMs;
export const shareMaxDefault = 0.5;
/** Notes that are written with one reading of the time: far less than `markSpreadMs` apart. */
const markBatch = 64;
/** Packs that one holding of the lock "commit" moves to deletion: commits do not wait long. */
const secondMarkBatch = 64;

/** `vault-busy` while another clean-up runs, `clean-stopped`, `vault-damaged` when what is live cannot be told. */
export async function cleanSafe(parts: CommitParts, options: CleanOptions): Promise<CleanReport> {
  const safe = parts.context.layout.safeHex;
  if (options.dryRun === true) {
    return reportOf({ plan: await planClean(parts, options), options, deleted: [], swept: 0, safe });
  }
  await recoverCommits(parts);
  return inLock(parts.context, { name: 'clean', waitMs: 0 }, async (lock) => {
    const plan = await planClean(parts, options);
    if (plan.stopped) {
      const context = {
        markedShare: plan.markedShare,
        totalBytes: plan.marked.totalBytes,
        shareMax: options.shareMax ?? shareMaxDefault,
      };
      throw new ProtocolError('clean-stopped', { context });
    }
    const run = new CleanRun(parts.context, options, lock);
    // What is due goes first: on a full disk that makes the room which the next steps need.
    const due = await run.deleteDead(plan.marked.packs.filter(({ action }) => action === 'delete'));
    await run.retire(plan);
    await run.mark(plan);
    const fresh = plan.times.quarantineMs > 0 ? [] : plan.marked.packs.filter(({ action }) => action === 'quarantine');
    const deleted = [...due, ...(await run.deleteDead(fresh))];
    const swept = await sweepSafe(parts, plan.times.nowMs);
    return reportOf({ plan, options, deleted, swept, safe });
  });
}

interface CleanPlan {
  readonly times: MarkTimes;
  readonly records: readonly CleanedRecord[];
  readonly retiring: ReadonlyMap<string, RecordSummary>;
  readonly marked: Marked;
  readonly markedShare: number;
  readonly stopped: boolean;
}

async function planClean(parts: CommitParts, options: CleanOptions): Promise<CleanPlan> {
  const { context } = parts;
  const times = await timesOf(context, options);
  const all = await parts.records.all();
  const records = decideRecords(all, { ledger: await parts.ledger.current(), options, times });
  const byHex = new Map(all.map((record) => [toHex(record.digest), record]));
  const retiring = new Map(
    records.flatMap(({ action, record }) => {
      const summary = action === 'retire' ? byHex.get(record) : undefined;
      return summary === undefined ? [] : [[record, summary] as const];
    }),
  );
  options.progress?.({ step: 'records', done: all.length, total: all.length });
  const live = new LiveSet(context, new Set(retiring.keys()));
  await live.update();
  const marked = await markPacks({ context, live, leases: await openLeases(context, times.nowMs), times });
  options.progress?.({ step: 'packs', done: marked.totalPacks, total: marked.totalPacks });
  const markedBytes = sum(marked.packs.filter(({ action }) => action === 'quarantine'));
  const markedShare = marked.totalBytes === 0 ? 0 : markedBytes / marked.totalBytes;
  return { times, records, retiring, marked, markedShare, stopped: markedShare > (options.shareMax ?? shareMaxDefault) };
}

/** A dry run works where nothing can be written: then this machine's clock must do. */
async function timesOf(context: SafeContext, options: CleanOptions): Promise<MarkTimes> {
  const clockMs = context.ports.clock.nowMs();
  const quarantineMs = options.quarantineMs ?? quarantineMsDefault;
  try {
    return { nowMs: await context.time.nowMs(), clockMs, quarantineMs };
  } catch (error) {
    if (options.dryRun !== true || !(error instanceof ProtocolError)) throw error;
    return { nowMs: clockMs, clockMs, quarantineMs };
  }
}

interface DecideParts {
  readonly ledger: Ledger;
  readonly options: CleanOptions;
  readonly times: MarkTimes;
}

function decideRecords(all: readonly RecordSummary[], { ledger, options, times }: DecideParts): CleanedRecord[] {
  const byHex = new Map(all.map((record) => [toHex(record.digest), record]));
  const replaced = replacedCheckpoints(all).map((record) => cleanedRecord(record, 'retire', 'replaced'));
  const keep = options.keep ?? null;
  if (keep === null) return replaced;
  const decisions = evaluateRetention(retentionItems(all, ledger), {
    // A clock that jumped ahead must not make safesets old: both have to agree.
    nowMs: Math.min(times.nowMs, times.clockMs),
    ruleOf: (type) => ruleOf(type, keep, ledger),
    ...(options.minimumAgeMs === undefined ? {} : { minimumAgeMs: options.minimumAgeMs }),
    ...(options.safesetsMax === undefined ? {} : { countMax: options.safesetsMax }),
  });
  const safesets = decisions.flatMap((decision) => {
    const record = byHex.get(decision.item.id);
    return record === undefined ? [] : [cleanedRecord(record, decision.keep ? 'keep' : 'retire', decision.reason)];
  });
  return [...safesets, ...replaced];
}

function cleanedRecord(record: RecordSummary, action: 'keep' | 'retire', reason: string): CleanedRecord {
  const { digest, public: facts, receivedMs, storedBytes } = record;
  const { job, kind, sequence, retention: type } = facts;
  return {
    record: toHex(digest),
    computer: toHex(facts.computer),
    job,
    kind,
    type,
    sequence,
    receivedMs,
    storedBytes,
    action,
    reason,
  };
}

/** The steps that change something, in their order. */
class CleanRun {
  readonly #context: SafeContext;
  readonly #options: CleanOptions;
  readonly #lock: Lease;

  constructor(context: SafeContext, options: CleanOptions, lock: Lease) {
    this.#context = context;
    this.#options = options;
    this.#lock = lock;
  }

  async retire({ records, retiring, times }: CleanPlan): Promise<void> {
    const reasons = new Map(records.map(({ record, reason }) => [record, reason]));
    let done = 0;
    for (const [hex, { digest }] of retiring) {
      await this.#step('retire', done, retiring.size);
      await retireRecord(this.#context, { digest, reason: reasons.get(hex) ?? 'retention', retiredMs: times.nowMs });
      done += 1;
    }
  }

  /** First marks, and the taking back of what lives again. */
  async mark({ marked, times }: CleanPlan): Promise<void> {
    const fresh = marked.packs.filter(({ action }) => action === 'quarantine');
    for (let start = 0; start < fresh.length; start += markBatch) {
      await this.#step('mark', start, fresh.length);
      const markedMs = await this.#context.time.nowMs();
      const leases = (await openLeases(this.#context, markedMs)).map(({ name }) => name);
      for (const { pack } of fresh.slice(start, start + markBatch)) {
        await writeQuarantine(this.#context, pack, { state: 'quarantined', markedMs, clockMs: times.clockMs, leases });
      }
    }
    const back = [...marked.packs.filter(({ action }) => action === 'take-back').map(({ pack }) => pack), ...marked.staleNotes];
    if (back.length === 0) return;
    await inLock(this.#context, { name: 'commit' }, async (lock) => {
      for (const hex of back) {
        await lock.check();
        await takeBack(this.#context, hex);
      }
    });
  }

  /** Second mark in batches under the lock "commit", then deletion. Gives what was deleted. */
  async deleteDead(due: readonly CleanedPack[]): Promise<CleanedPack[]> {
    if (due.length === 0) return [];
    const live = new LiveSet(this.#context);
    await live.update();
    const deleted: CleanedPack[] = [];
    for (let start = 0; start < due.length; start += secondMarkBatch) {
      await this.#step('second-mark', start, due.length);
      const batch = await this.#secondMark(due.slice(start, start + secondMarkBatch), live);
      for (const pack of batch) {
        await this.#step('delete', deleted.length, due.length);
        await deletePack(this.#context, pack.pack, this.#lock);
        deleted.push(pack);
      }
    }
    return deleted;
  }

  /** Which of these are dead still, now that no commit can come between; their notes say "deleting" when it resolves. */
  #secondMark(batch: readonly CleanedPack[], live: LiveSet): Promise<CleanedPack[]> {
    const context = this.#context;
    return inLock(context, { name: 'commit' }, async (lock) => {
      await live.update();
      const nowMs = await context.time.nowMs();
      const times = {
        nowMs,
        clockMs: context.ports.clock.nowMs(),
        quarantineMs: this.#options.quarantineMs ?? quarantineMsDefault,
      };
      const leases = await openLeases(context, nowMs);
      const compacted = await this.#liveCompacted(batch, live);
      const dead: CleanedPack[] = [];
      for (const pack of batch) {
        const note = await readQuarantine(context, pack.pack);
        if (note === null || note === 'unreadable') continue;
        if (live.packs.has(pack.pack) || compacted.has(pack.pack)) {
          await takeBack(context, pack.pack);
          continue;
        }
        if (decideNoted(note, { leases, times }).action !== 'delete') continue;
        await lock.check();
        await writeQuarantine(context, pack.pack, { ...note, state: 'deleting' });
        dead.push({ ...pack, action: 'delete', reason: 'dead' });
      }
      // Were it lost meanwhile, a commit might have come between: the next clean-up looks at every note again.
      await lock.check();
      return dead;
    });
  }

  async #liveCompacted(batch: readonly CleanedPack[], live: LiveSet): Promise<Set<string>> {
    const present = await packNames(this.#context);
    const wanted = new Set(batch.map(({ pack }) => pack).filter((hex) => present.has(hex)));
    const compacted = new Set<string>();
    for await (const { hex, tail } of indexEntries(this.#context, { wanted })) {
      if (holdsLiveOrigin(tail, live)) compacted.add(hex);
    }
    return compacted;
  }

  async #step(step: CleanProgress['step'], done: number, total: number): Promise<void> {
    this.#options.signal?.throwIfAborted();
    await this.#lock.check();
    this.#options.progress?.({ step, done, total });
  }
}

interface ReportParts {
  readonly plan: CleanPlan;
  readonly options: CleanOptions;
  readonly deleted: readonly CleanedPack[];
  readonly swept: number;
  readonly safe: string;
}

function reportOf({ plan, options, deleted, swept, safe }: ReportParts): CleanReport {
  const gone = new Map(deleted.map((pack) => [pack.pack, pack]));
  return {
    safe,
    dryRun: options.dryRun === true,
    nowMs: plan.times.nowMs,
    records: plan.records,
    packs: plan.marked.packs.map((pack) => gone.get(pack.pack) ?? pack),
    totalPacks: plan.marked.totalPacks,
    totalBytes: plan.marked.totalBytes,
    markedShare: plan.markedShare,
    stopped: plan.stopped,
    deletedPacks: deleted.length,
    deletedBytes: sum(deleted),
    swept,
  };
}

function sum(packs: readonly CleanedPack[]): number {
  return packs.reduce((total, { bytes }) => total + bytes, 0);
}
