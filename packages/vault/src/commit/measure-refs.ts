/*
 * The sums of a run's measure, docs/format/records.md: told from refs and tables alone. Bytes are counted on from the last safeset's, so that
 * only the packs in which the two differ are looked at.
 */

import { bitmapHas, bitmapPositions, FreshRows, PackTable, parseRefs, subtractRefs } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import type { MeasuredRefs, MeasureRequest } from '../lookup/look-up.ts';
import { packNumbers } from '../packs/pack-files.ts';
import { indexBatches, indexEntries } from '../packs/pack-index.ts';
import { PackNumbers } from '../packs/pack-numbers.ts';
import type { IndexEntry } from '../packs/segments.ts';
import { refsOfRecord } from './record-refs.ts';

/** Null when the record's own refs cannot be had. */
export async function measureRefs(context: SafeObjects, { own, last, lastBytes }: MeasureRequest): Promise<MeasuredRefs | null> {
  const refs = await refsOfRecord(context, own);
  if (refs === null) return null;
  const lastRefs = last === null ? null : await refsOfRecord(context, last);
  if (lastRefs === null) {
    const bytes = await blobBytes(context, refs);
    return { bytes, bytesNew: bytes, origins: 0, originsReused: 0 };
  }
  const lost = parseRefs(subtractRefs(lastRefs, refs));
  const bytesNew = await blobBytes(context, parseRefs(subtractRefs(refs, lastRefs)));
  const bytes = lastBytes === null ? await blobBytes(context, refs) : lastBytes - (await blobBytes(context, lost)) + bytesNew;
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
  const count = ({ pack, tail }: IndexEntry): void => {
    const rows = FreshRows.of(tail);
    if (rows === null) return;
    found.numberOf(pack);
    for (const row of bitmapPositions(refs.packAt(left.find(pack)).bitmap)) {
      if (row < rows.count && !rows.slipOnlyAt(row)) bytes += rows.lengthAt(row);
    }
  };
  for await (const batch of indexBatches(context, { wanted: named, keep: false })) for (const entry of batch) count(entry);
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
