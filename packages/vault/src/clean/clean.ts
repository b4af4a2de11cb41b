/*
 * Clean-up of a safe, docs/format/records.md, Keeping: retention, compaction, first mark, second mark, deletion of packs that are dead or
 * superseded. Runs beside backups and restores; one clean-up of a safe at a time.
 *
 * Invariants: stub before record's chunks; new packs before a mark on those that they supersede; a pack is deleted only when it was needless
 * at two marks at least the delay apart, no lease older than the first is open, and the second mark was made under the lock that commits hold.
 */

import type { Ledger } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { RecordSummary } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { recoverCommits } from '../commit/commit.ts';
import type { CommitParts } from '../commit/commit.ts';
import { deadBytesOf } from '../compact/choose.ts';
import { noCompaction } from '../compact/compact.ts';
import { removeSpentPlans } from '../compact/plan-store.ts';
import { inLock, openLeases } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { LiveSet } from '../live/live-set.ts';
import { evaluateRetention } from '../retention/evaluate.ts';
import { replacedCheckpoints, retentionItems, ruleOf } from '../retention/facts.ts';
import type { CleanPlan } from './clean-plan.ts';
import { reportOf, sumBytes } from './clean-report.ts';
import { chooseNow, CleanRun, delaysOf } from './clean-run.ts';
import { demandClocks, noteClocks } from './clock-note.ts';
import { cleanRights, consented } from './consent.ts';
import { markPacks } from './mark.ts';
import type { Marked, MarkTimes } from './mark.ts';
import type { CleanedPack, CleanedRecord, CleanOptions, CleanReport } from './report.ts';
import { sweepSafe } from './sweep.ts';

export const shareMaxDefault = 0.5;

/** `vault-busy` while another clean-up runs, `clean-stopped`, `vault-damaged` when what is live cannot be told. */
export async function cleanSafe(parts: CommitParts, options: CleanOptions): Promise<CleanReport> {
  const safe = parts.context.layout.safeHex;
  if (options.dryRun === true) {
    const plan = await planClean(parts, options);
    await parts.context.turns.take();
    return reportOf({ plan, options, ran: { marked: plan.marked, deleted: [], swept: 0, compaction: noCompaction }, safe });
  }
  await recoverCommits(parts);
  return inLock(parts.context, { name: 'clean', waitMs: 0 }, async (lock) => {
    const plan = await planClean(parts, options);
    await demandClocks(parts.context, plan.times, options.clockOk === true);
    if (plan.stopped) {
      const context = {
        markedShare: plan.markedShare,
        totalBytes: plan.marked.totalBytes,
        shareMax: options.shareMax ?? shareMaxDefault,
      };
      throw new ProtocolError('clean-stopped', { context });
    }
    const run = new CleanRun(parts.context, { options, lock, live: plan.live, rights: plan.rights });
    // What is due goes first: on a full disk that makes the room which the next steps need.
    const due = await run.deleteNeedless(plan.marked.packs.filter(({ action }) => action === 'delete'));
    await run.retire(plan);
    const compaction = await run.compact(plan);
    const marked = compaction.plans === 0 ? plan.marked : await run.markedNow();
    await run.mark(marked, plan.times);
    await noteClocks(parts.context, plan.times);
    const fresh = plan.times.quarantineMs > 0 ? [] : marked.packs.filter(({ action }) => action === 'quarantine');
    const deleted = [...due, ...(await run.deleteNeedless(fresh))];
    await removeSpentPlans(parts.context, standingPlans(marked, deleted));
    const swept = await sweepSafe(parts, plan.times.nowMs);
    return reportOf({ plan, options, ran: { marked, deleted, swept, compaction }, safe });
  });
}

/** Numbers of the plans of which a pack is left. */
function standingPlans({ facts }: Marked, deleted: readonly CleanedPack[]): Set<number> {
  const gone = new Set(deleted.map(({ pack }) => pack));
  const plans = new Set<number>();
  for (const { hex, plan } of facts) if (plan > 0 && !gone.has(hex)) plans.add(plan);
  return plans;
}

async function planClean(parts: CommitParts, options: CleanOptions): Promise<CleanPlan> {
  const { context } = parts;
  const times = await timesOf(context, options);
  const all = await parts.records.all();
  const rights = await cleanRights(parts, times.nowMs);
  const decided = decideRecords(all, { ledger: await parts.ledger.current(), options, times });
  const records = await consented(context, decided, rights);
  const byHex = new Map(all.map((record) => [toHex(record.digest), record]));
  const retiring = new Map(
    records.flatMap(({ action, record }) => {
      const summary = action === 'retire' ? byHex.get(record) : undefined;
      return summary === undefined ? [] : [[record, summary] as const];
    }),
  );
  options.progress?.({ step: 'records', done: all.length, total: all.length });
  const live = new LiveSet(context);
  const rows = await live.rows({ retiring: new Set(retiring.keys()), order: all.map(({ digest }) => toHex(digest)) });
  const leases = await openLeases(context, times.nowMs);
  const marked = await markPacks({ context, live: rows, leases, times, reads: rights.reads });
  const chosen = await chooseNow({ context, leases, options, rights }, marked);
  options.progress?.({ step: 'packs', done: marked.totalPacks, total: marked.totalPacks });
  const deadBytes = sumBytes(marked.packs.filter(({ action, reason }) => action === 'quarantine' && reason === 'dead'));
  const leftBytes = chosen.reduce((total, { facts }) => total + deadBytesOf(facts), 0);
  const markedShare = marked.totalBytes === 0 ? 0 : (deadBytes + leftBytes) / marked.totalBytes;
  const stopped = markedShare > (options.shareMax ?? shareMaxDefault);
  return { times, rights, records, retiring, live, rows, marked, chosen, markedShare, stopped };
}

/** A dry run works where nothing can be written: then this machine's clock must do. */
async function timesOf(context: SafeContext, options: CleanOptions): Promise<MarkTimes> {
  const clockMs = context.ports.clock.nowMs();
  const delays = await delaysOf(context, options);
  try {
    return { nowMs: await context.leases.nowMs(), clockMs, ...delays };
  } catch (error) {
    if (options.dryRun !== true || !(error instanceof ProtocolError)) throw error;
    return { nowMs: clockMs, clockMs, ...delays };
  }
}

interface DecideParts {
  readonly ledger: Ledger;
  readonly options: CleanOptions;
  readonly times: MarkTimes;
}

function decideRecords(all: readonly RecordSummary[], { ledger, options, times }: DecideParts): CleanedRecord[] {
  const byHex = new Map(all.map((record) => [toHex(record.digest), record]));
  // A clock that jumped ahead must not make anything old: both have to agree.
  const nowMs = Math.min(times.nowMs, times.clockMs);
  const { minimumAgeMs } = times;
  const replaced = replacedCheckpoints(all)
    .filter(({ receivedMs }) => nowMs - receivedMs >= minimumAgeMs)
    .map((record) => cleanedRecord(record, 'retire', 'replaced'));
  const keep = options.keep ?? null;
  if (keep === null) return replaced;
  const decisions = evaluateRetention(retentionItems(all, ledger), {
    nowMs,
    ruleOf: (type) => ruleOf(type, keep, ledger),
    minimumAgeMs,
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
