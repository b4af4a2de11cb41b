/*
 * The measure of a run, docs/format/records.md: how much of what the last safeset used the new one uses again, and how much is new. It
 * stands in the receipt, and is compared there with the job's history.
 */

import type { Ledger, Measure } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { compareBytes, equalBytes } from '@twinvault/std';
import type { LookUp } from '../lookup/look-up.ts';
import type { LedgerStore } from '../safes/ledger-store.ts';

/** Against fewer positions a share says little. */
export const measureOriginsMin = 16;
/** So many safesets tell what is usual. */
export const measureHistoryMin = 3;
export const measureHistoryMax = 30;

export interface MeasureParts {
  readonly ledger: LedgerStore;
  readonly lookUp: LookUp;
}

/** Null when the record's own refs cannot be had. `earlier`: the other records of its job, retired ones too. */
export async function measureRecord(
  { lookUp, ledger }: MeasureParts,
  own: RecordSummary,
  earlier: readonly RecordSummary[],
): Promise<Measure | null> {
  const last = lastOf(own, earlier);
  const lastBytes = last?.measure?.bytes ?? null;
  const measured = await lookUp.measure({ own: own.digest, last: last?.digest ?? null, lastBytes });
  if (measured === null) return null;
  const history = earlier.filter(({ public: facts }) => facts.sequence < own.public.sequence);
  return { ...measured, suspect: isSuspect(measured, usualChurn(history, await ledger.current())) };
}

/** Of those that it follows: the highest sequence, the smallest digest among equals. */
function lastOf(own: RecordSummary, earlier: readonly RecordSummary[]): RecordSummary | null {
  const followed = earlier.filter(({ digest, retired }) => {
    return !retired && own.public.previous.some((previous) => equalBytes(previous, digest));
  });
  const order = (a: RecordSummary, b: RecordSummary): number =>
    b.public.sequence - a.public.sequence || compareBytes(a.digest, b.digest);
  return followed.toSorted(order)[0] ?? null;
}

/** 0 to 1: what was lost and replaced. */
export function churnOf({ bytes, bytesNew, origins, originsReused }: Omit<Measure, 'suspect'>): number {
  if (origins === 0 || bytes === 0) return 0;
  return Math.min(1 - originsReused / origins, bytesNew / bytes);
}

/** The second largest churn of the job's newest measured safesets, so that one night does not make the next like it usual; null while there are too few to tell. */
export function usualChurn(history: readonly RecordSummary[], ledger: Ledger): number | null {
  const measures = history
    .toSorted((a, b) => b.public.sequence - a.public.sequence)
    .flatMap(({ measure, digest }) => (measure === undefined || ledger.flagged(digest, measure) ? [] : [measure]))
    .filter(({ origins }) => origins >= measureOriginsMin)
    .slice(0, measureHistoryMax);
  const churns = measures.map(churnOf).sort((a, b) => b - a);
  return churns.length < measureHistoryMin ? null : (churns[1] ?? null);
}

function isSuspect(measured: Omit<Measure, 'suspect'>, usual: number | null): boolean {
  if (usual === null || measured.origins < measureOriginsMin) return false;
  return churnOf(measured) > usual + (1 - usual) / 4;
}
