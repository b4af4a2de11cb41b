/*
 * Are all blobs that a record refers to at this site? docs/format/records.md, commit, step 1. Packs outside quarantine come first, be
 * they fresh or compacted; one in quarantine counts (the commit takes it back) only for what no other has; packs that are being deleted
 * do not count. A slip needs its blob among the same refs.
 */

import { bitmapHas, compactedOrigins, FreshRows, PackTable } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import type { OriginAnswer } from '../lookup/look-up.ts';
import { presentPacks } from '../packs/holders.ts';
import { indexBatches } from '../packs/pack-index.ts';
import { PackNumbers } from '../packs/pack-numbers.ts';
import type { IndexEntry } from '../packs/segments.ts';

/** `without`: packs, hexadecimal, that do not count. The caller holds the lock "commit", so that nothing is deleted meanwhile. */
export async function checkOrigins(
  context: SafeObjects,
  refs: Refs,
  without: ReadonlySet<string> = new Set(),
): Promise<OriginAnswer> {
  const { free, quarantined } = await presentPacks(context, without);
  const check = new OriginCheck(refs);
  for (const packs of [free, quarantined]) if (check.missing > 0) await findIn(context, check, packs);
  if (check.slips.size > 0) {
    for await (const batch of indexBatches(context, { wanted: check.seen, keep: false })) {
      for (const entry of batch) check.seeBlobs(entry);
    }
  }
  const takenBack: string[] = [];
  for (const name of quarantined) if (check.seen.has(name)) takenBack.push(toHex(name));
  return { missing: check.missing + check.slips.size, quarantined: takenBack };
}

async function findIn(context: SafeObjects, check: OriginCheck, packs: PackNumbers): Promise<void> {
  const named = check.originsLeft(packs);
  for await (const batch of indexBatches(context, { wanted: named, keep: false })) {
    for (const entry of batch) check.seePack(entry);
  }
  if (check.missing === 0) return;
  const others = packs.without(check.seen);
  for await (const batch of indexBatches(context, { wanted: others, keep: false })) {
    for (const entry of batch) check.seeCompacted(entry);
  }
}

class OriginCheck {
  /** Positions that are needed and were not found yet. */
  missing: number;
  /** Blobs that slips among the refs need and that were not found yet. */
  readonly slips = new Set<string>();
  /** Packs that hold something that is needed. */
  readonly seen = new PackNumbers();
  readonly #refs: Refs;
  /** The refs' bytes; bits of what was found are cleared. */
  readonly #left: Uint8Array;
  /** The refs' packs by their places in them. */
  readonly #origins: PackNumbers;

  constructor(refs: Refs) {
    this.missing = refs.count;
    this.#refs = refs;
    this.#left = refs.bytes.slice();
    this.#origins = new PackNumbers();
    for (let index = 0; index < refs.packCount; index += 1) this.#origins.numberOf(refs.bytes, refs.places[3 * index]);
  }

  /** Those of these packs that are origins of something that was not found. */
  originsLeft(packs: PackNumbers): PackNumbers {
    const { bytes, places, packCount } = this.#refs;
    const left = new PackNumbers();
    for (let index = 0; index < packCount; index += 1) {
      const name = places[3 * index] ?? 0;
      if (this.#hasLeft(index) && packs.find(bytes, name) >= 0) left.numberOf(bytes, name);
    }
    return left;
  }

  #hasLeft(index: number): boolean {
    const { places } = this.#refs;
    const end = places[3 * index + 2] ?? 0;
    for (let at = places[3 * index + 1] ?? 0; at < end; at += 1) if (this.#left[at] !== 0) return true;
    return false;
  }

  /** A pack of which refs name positions: position = row when it is fresh. */
  seePack({ pack, tail }: IndexEntry): void {
    const origin = this.#origins.find(pack);
    const rows = FreshRows.of(tail);
    if (origin < 0 || rows === null) return;
    const before = this.missing;
    for (let row = 0; row < rows.count; row += 1) {
      if (this.#find(origin, row) && rows.slipOnlyAt(row)) this.slips.add(toHex(rows.blobHashAt(row)));
    }
    if (this.missing < before) this.seen.numberOf(pack);
  }

  /** A compacted pack holds blobs of other origins. */
  seeCompacted({ pack, tail }: IndexEntry): void {
    const origins = compactedOrigins(tail).map((origin) => this.#origins.find(origin));
    if (!origins.some((origin) => origin >= 0 && this.#hasLeft(origin))) return;
    const table = new PackTable(tail);
    const before = this.missing;
    for (let row = 0; row < table.count; row += 1) {
      const isFound = this.#find(origins[table.sectionAt(row)] ?? -1, table.positionAt(row));
      if (isFound && table.slipOnlyAt(row)) this.slips.add(slipKey(table, row));
    }
    if (this.missing < before) this.seen.numberOf(pack);
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

  /** True, and the position is crossed off, if it is needed and was not found before. */
  #find(origin: number, position: number): boolean {
    if (origin < 0) return false;
    const { places } = this.#refs;
    const at = (places[3 * origin + 1] ?? 0) + (position >>> 3);
    const bit = 1 << (position & 7);
    if (at >= (places[3 * origin + 2] ?? 0) || ((this.#left[at] ?? 0) & bit) === 0) return false;
    this.#left[at] = (this.#left[at] ?? 0) & ~bit;
    this.missing -= 1;
    return true;
  }
}

/** A slip and its blob have the same hash of the blob, and with it the same id. */
function slipKey(table: PackTable, row: number): string {
  return toHex(table.blobHashAt(row));
}
