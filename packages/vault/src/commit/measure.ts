/*
 * The measure of a run, docs/format/records.md: how much of what the last safeset used the new one uses again, and how much is new. It
 * is told from refs and tables alone, stands in the receipt, and is compared there with the job's history.
 *
 * Bytes are counted on from the last safeset's, so that only the packs in which the two differ are looked at.
 */

import { bitmapHas, bitmapPositions, FreshRows, PackTable, parseRefs, subtractRefs } from '@twinvault/format';
import type { Ledger, Measure, Refs } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { compareBytes, equalBytes, toHex } from '@twinvault/std';
import type { SafeObjects } from '../context.ts';
import { packNumbers } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { PackNumbers } from '../packs/pack-numbers.ts';
import type { CommitParts } from './commit.ts';
import { refsOfRecord } from './record-refs.ts';

/** Against fewer positions a share says little. */
export const measureOriginsMin = 16;
/** So many safesets tell what is usual. */
export const measureHistoryMin = 3;
export const measureHistoryMax = 30;

/** Null when the record's own refs cannot be had. `earlier`: the other records of its job, retired ones too. */
export async function measureRecord(
  { context, ledger }: CommitParts,
  own: RecordSummary,
  earlier: readonly RecordSummary[],
): Promise<Measure | null> {
  const refs = await refsOfRecord(context, own.digest);
  if (refs === null) return null;
  const last = lastOf(own, earlier);
  const lastRefs = last === null ? null : await refsOfRecord(context, last.digest);
  const measured = await measureRefs(context, refs, {
    refs: lastRefs,
    bytes: lastRefs === null ? null : (last?.measure?.bytes ?? null),
  });
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

interface LastSafeset {
  readonly refs: Refs | null;
  /** Its measure's; null where it was not measured. */
  readonly bytes: number | null;
}

async function measureRefs(context: SafeObjects, refs: Refs, last: LastSafeset): Promise<Omit<Measure, 'suspect'>> {
  const lastRefs = last.refs;
  if (lastRefs === null) {
    const bytes = await blobBytes(context, refs);
    return { bytes, bytesNew: bytes, origins: 0, originsReused: 0 };
  }
  const lost = parseRefs(subtractRefs(lastRefs, refs));
  const bytesNew = await blobBytes(context, parseRefs(subtractRefs(refs, lastRefs)));
  const bytes = last.bytes === null ? await blobBytes(context, refs) : last.bytes - (await blobBytes(context, lost)) + bytesNew;
  // Tables that cannot be read count nothing, so sums may miss what an earlier one had.
  return { bytes: Math.max(bytes, bytesNew), bytesNew, origins: lastRefs.count, originsReused: lastRefs.count - lost.count };
}

/** Lengths of the blobs at these positions, wherever their rows lie; slips and what is not there count nothing. */
async function blobBytes(context: SafeObjects, refs: Refs): Promise<number> {
  if (refs.packCount === 0) return 0;
  const present = await packNumbers(context);
  const left = new PackNumbers();
  for (const { pack } of refs.packs()) left.numberOf(pack);
  const named = new PackNumbers();
  for (const pack of left) if (present.has(pack)) named.numberOf(pack);
  const found = new PackNumbers();
  let bytes = 0;
  for await (const { pack, tail } of indexEntries(context, { wanted: named, keep: false })) {
    const rows = FreshRows.of(tail);
    if (rows === null) continue;
    found.numberOf(pack);
    for (const row of bitmapPositions(refs.packAt(left.find(pack)).bitmap)) {
      if (row < rows.count && !rows.slipOnlyAt(row)) bytes += rows.lengthAt(row);
    }
  }
  if (found.count === left.count) return bytes;
  const moved = new Map<string, Uint8Array>();
  for (const { pack, bitmap } of refs.packs()) if (!found.has(pack)) moved.set(toHex(pack), bitmap);
  const seen = new Set<string>();
  for await (const { tail } of indexEntries(context, { wanted: present.without(named), keep: false })) {
    bytes += movedBytes(new PackTable(tail), moved, seen);
  }
  return bytes;
}

/** The same for rows of a compacted pack; an origin's row that lies in two of them counts once. */
function movedBytes(table: PackTable, left: ReadonlyMap<string, Uint8Array>, seen: Set<string>): number {
  const bitmaps = table.sections.map(({ origin }) => (origin === null ? undefined : left.get(toHex(origin))));
  if (bitmaps.every((bitmap) => bitmap === undefined)) return 0;
  let bytes = 0;
  for (let row = 0; row < table.count; row += 1) {
    const bitmap = bitmaps[table.sectionAt(row)];
    if (bitmap === undefined || table.slipOnlyAt(row) || !bitmapHas(bitmap, table.positionAt(row))) continue;
    const place = `${toHex(table.originAt(row) ?? new Uint8Array(0))} ${table.positionAt(row)}`;
    if (!seen.has(place)) bytes += table.lengthAt(row);
    seen.add(place);
  }
  return bytes;
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
