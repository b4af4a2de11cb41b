/*
 * What this site should hold and does not: live positions that are in no whole pack. A pack in quarantine counts, since a mark that finds it live takes it
 * back; one that is being deleted, or stands aside as damaged, does not.
 */

import { bitmapHas, FreshRows, PackTable } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { LiveSet } from '../live/live-set.ts';
import type { LiveRows } from '../live/refs-pool.ts';
import { presentPacks } from '../packs/holders.ts';
import { indexBatches } from '../packs/pack-index.ts';
import type { IndexEntry } from '../packs/segments.ts';

/** From origins, hexadecimal, to bitmaps of their positions that are live and lost. */
export type LostRows = ReadonlyMap<string, Uint8Array>;

/** Reads the index of all packs once. `vault-damaged` when a record cannot be read: then what is live cannot be told. */
export async function lostRows(context: SafeObjects): Promise<LostRows> {
  const live = await new LiveSet(context).rows();
  const { free, quarantined } = await presentPacks(context);
  const left = bitmapsOf(live);
  for (const wanted of [free, quarantined]) {
    for await (const batch of indexBatches(context, { wanted, keep: false }))
      for (const entry of batch) crossOff(left, entry, live);
  }
  const lost = new Map<string, Uint8Array>();
  for (const [origin, bitmap] of left) if (bitmap.some((byte) => byte !== 0)) lost.set(live.originAt(origin), bitmap);
  return lost;
}

/** Whether any position of these refs is lost. */
export function hasLost(lost: LostRows, packs: Iterable<{ readonly pack: Uint8Array; readonly bitmap: Uint8Array }>): boolean {
  for (const { pack, bitmap } of packs) {
    const missing = lost.get(toHex(pack));
    if (missing?.some((byte, index) => (byte & (bitmap[index] ?? 0)) !== 0) === true) return true;
  }
  return false;
}

/** By number in the pool. */
function bitmapsOf(live: LiveRows): Map<number, Uint8Array> {
  const left = new Map<number, Uint8Array>();
  for (let origin = 0; origin < live.packCount; origin += 1) {
    const bitmap = live.bitmapAt(origin);
    if (bitmap !== null) left.set(origin, bitmap.slice());
  }
  return left;
}

function crossOff(left: ReadonlyMap<number, Uint8Array>, { pack, tail }: IndexEntry, live: LiveRows): void {
  const fresh = FreshRows.of(tail);
  if (fresh !== null) {
    const bitmap = left.get(live.numberOf(pack));
    if (bitmap !== undefined) for (let row = 0; row < fresh.count; row += 1) clear(bitmap, row);
    return;
  }
  const table = new PackTable(tail);
  const bitmaps = table.sections.map(({ origin }) => (origin === null ? undefined : left.get(live.numberOf(origin))));
  for (let row = 0; row < table.count; row += 1) {
    const bitmap = bitmaps[table.sectionAt(row)];
    if (bitmap !== undefined) clear(bitmap, table.positionAt(row));
  }
}

function clear(bitmap: Uint8Array, position: number): void {
  if (bitmapHas(bitmap, position)) bitmap[position >>> 3] = (bitmap[position >>> 3] ?? 0) & ~(1 << (position & 7));
}
