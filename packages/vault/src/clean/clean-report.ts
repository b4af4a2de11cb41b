/* From what a clean-up decided and did to its report. Computation alone. */

import { deadBytesOf } from '../compact/choose.ts';
import type { CompactionReport } from '../compact/compact.ts';
import type { PackFacts } from '../live/facts-table.ts';
import type { CleanPlan } from './clean-plan.ts';
import type { Marked } from './mark.ts';
import type { CleanedPack, CleanOptions, CleanReport } from './report.ts';

interface RanParts {
  readonly marked: Marked;
  readonly deleted: readonly CleanedPack[];
  readonly swept: number;
  readonly compaction: CompactionReport;
}

interface ReportParts {
  readonly plan: CleanPlan;
  readonly options: CleanOptions;
  readonly ran: RanParts;
  readonly safe: string;
}

export function reportOf({ plan, options, ran, safe }: ReportParts): CleanReport {
  const { marked } = ran;
  const { chosen } = plan;
  const dryRun = options.dryRun === true;
  const gone = new Map(ran.deleted.map((pack) => [pack.pack, pack]));
  const packs = new Map(
    [...ran.deleted, ...marked.packs.map((pack) => gone.get(pack.pack) ?? pack)].map((pack) => [pack.pack, pack]),
  );
  if (dryRun) {
    for (const { facts, reason } of chosen) {
      packs.set(facts.hex, { pack: facts.hex, bytes: facts.packBytes, action: 'compact', reason });
    }
  }
  const total = (bytesOf: (facts: PackFacts) => number): number => chosen.reduce((sum, { facts }) => sum + bytesOf(facts), 0);
  const compaction = {
    ...ran.compaction,
    sources: chosen.length,
    sourceBytes: total(({ packBytes }) => packBytes),
    liveBytes: total(({ heldBytes }) => heldBytes),
    deadBytes: total(deadBytesOf),
  };
  return {
    safe,
    dryRun,
    nowMs: plan.times.nowMs,
    records: plan.records,
    packs: [...packs.values()].sort((a, b) => (a.pack < b.pack ? -1 : 1)),
    totalPacks: plan.marked.totalPacks,
    totalBytes: plan.marked.totalBytes,
    compaction,
    markedShare: plan.markedShare,
    stopped: plan.stopped,
    heldBack: plan.rights.held,
    deletedPacks: ran.deleted.length,
    deletedBytes: sumBytes(ran.deleted),
    swept: ran.swept,
  };
}

export function sumBytes(packs: readonly CleanedPack[]): number {
  return packs.reduce((total, { bytes }) => total + bytes, 0);
}
