/*
 * Are all blobs that a record refers to at this site? docs/format/records.md, commit, step 1. Packs outside quarantine come first, be
 * they fresh or compacted; one in quarantine counts (the commit takes it back) only for what no other has; packs that are being deleted
 * do not count. A slip needs its blob among the same refs.
 */

import { bitmapHas, bitmapPositions, compactedOrigins, PackTable } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../context.ts';
import { presentPacks } from '../packs/holders.ts';
import { indexEntries } from '../packs/pack-index.ts';
import type { IndexEntry } from '../packs/segments.ts';

export interface OriginAnswer {
  /** Positions that are not at the site, and slips without their blob. */
  readonly missing: number;
  /** Packs in quarantine without which positions would be missing, hexadecimal. */
  readonly quarantined: readonly string[];
}

/** `without`: packs, hexadecimal, that do not count. The caller holds the lock "commit", so that nothing is deleted meanwhile. */
export async function checkOrigins(
  context: SafeObjects,
  refs: Refs,
  without: ReadonlySet<string> = new Set(),
): Promise<OriginAnswer> {
  const { free, quarantined } = await presentPacks(context);
  const check = new OriginCheck(refs);
  for (const packs of [free, quarantined]) {
    for (const hex of without) packs.delete(hex);
    if (check.left.size > 0) await findIn(context, check, packs);
  }
  if (check.slips.size > 0) {
    for await (const entry of indexEntries(context, { wanted: check.seen })) check.seeBlobs(entry);
  }
  const missing = check.missing + check.slips.size;
  return { missing, quarantined: [...quarantined].filter((hex) => check.seen.has(hex)) };
}

async function findIn(context: SafeObjects, check: OriginCheck, packs: ReadonlySet<string>): Promise<void> {
  const named = new Set([...check.left.keys()].filter((hex) => packs.has(hex)));
  for await (const entry of indexEntries(context, { wanted: named })) check.seePack(entry);
  if (check.left.size === 0) return;
  const others = new Set([...packs].filter((hex) => !check.seen.has(hex)));
  for await (const entry of indexEntries(context, { wanted: others })) check.seeCompacted(entry);
}

class OriginCheck {
  /** Positions that are needed and were not found yet, by origin. */
  readonly left: Map<string, Uint8Array>;
  /** Blobs that slips among the refs need and that were not found yet. */
  readonly slips = new Set<string>();
  /** Packs that hold something that is needed. */
  readonly seen = new Set<string>();
  readonly #refs: Refs;

  constructor(refs: Refs) {
    this.#refs = refs;
    this.left = new Map(Array.from(refs.packs(), ({ pack, bitmap }) => [toHex(pack), bitmap.slice()]));
  }

  get missing(): number {
    let count = 0;
    for (const bitmap of this.left.values()) for (const _ of bitmapPositions(bitmap)) count += 1;
    return count;
  }

  /** A pack of which refs name positions: position = row when it is fresh. */
  seePack({ hex, tail }: IndexEntry): void {
    const bitmap = this.left.get(hex);
    const table = new PackTable(tail);
    if (bitmap === undefined || table.sections[0]?.origin !== null) return;
    for (const position of bitmapPositions(bitmap.slice())) {
      if (position < table.count) this.#found(hex, position, { hex, table, row: position });
    }
  }

  /** A compacted pack holds blobs of other origins. */
  seeCompacted({ hex, tail }: IndexEntry): void {
    const origins = compactedOrigins(tail).map((origin) => toHex(origin));
    if (!origins.some((origin) => this.left.has(origin))) return;
    const table = new PackTable(tail);
    for (let row = 0; row < table.count; row += 1) {
      const origin = origins[table.sectionAt(row)] ?? '';
      this.#found(origin, table.positionAt(row), { hex, table, row });
    }
  }

  /** Second pass, only when there are slips: crosses off what a blob among the refs answers. */
  seeBlobs({ pack, tail }: IndexEntry): void {
    const table = new PackTable(tail);
    for (let row = 0; row < table.count; row += 1) {
      if (table.slipOnlyAt(row)) continue;
      const bitmap = this.#refs.bitmapOf(table.originAt(row) ?? pack);
      if (bitmap !== null && bitmapHas(bitmap, table.positionAt(row))) this.slips.delete(slipKey(table, row));
    }
  }

  /** Crosses the position off if it is needed and was not found before. */
  #found(origin: string, position: number, place: { hex: string; table: PackTable; row: number }): void {
    const bitmap = this.left.get(origin);
    if (bitmap === undefined || !bitmapHas(bitmap, position)) return;
    bitmap[position >>> 3] = (bitmap[position >>> 3] ?? 0) & ~(1 << (position & 7));
    if (bitmap.every((byte) => byte === 0)) this.left.delete(origin);
    this.seen.add(place.hex);
    if (place.table.slipOnlyAt(place.row)) this.slips.add(slipKey(place.table, place.row));
  }
}

/** A slip and its blob have the same hash of the blob, and with it the same id. */
function slipKey(table: PackTable, row: number): string {
  return toHex(table.blobHashAt(row));
}
