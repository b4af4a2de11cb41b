/*
 * Are all blobs that a record refers to at this site? docs/format/records.md, commit, step 1. Packs in quarantine count as there (the
 * commit takes them back), packs that are being deleted do not. A slip needs its blob among the same refs.
 */

import { bitmapCount, bitmapHas, bitmapPositions, PackTable } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { quarantinedNames, readQuarantine } from '../clean/quarantine.ts';
import type { SafeContext } from '../context.ts';
import { packNames } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import type { IndexEntry } from '../packs/segments.ts';

export interface OriginAnswer {
  /** Positions that are not at the site, and slips without their blob. */
  readonly missing: number;
  /** Packs among those needed that are in quarantine, hexadecimal. */
  readonly quarantined: readonly string[];
}

/** The caller holds the lock "commit", so that nothing is deleted meanwhile. */
export async function checkOrigins(context: SafeContext, refs: Refs): Promise<OriginAnswer> {
  const { present, quarantined } = await presentPacks(context);
  const check = new OriginCheck(refs);
  for await (const entry of indexEntries(context, { wanted: named(refs, present) })) check.seePack(entry);
  if (check.unresolved > 0) {
    const others = new Set([...present].filter((hex) => !check.seen.has(hex)));
    for await (const entry of indexEntries(context, { wanted: others })) check.seeCompacted(entry);
  }
  if (check.slips.size > 0) {
    for await (const entry of indexEntries(context, { wanted: check.seen })) check.seeBlobs(entry);
  }
  const missing = check.unresolved + check.slips.size;
  return { missing, quarantined: [...quarantined].filter((hex) => check.seen.has(hex)) };
}

async function presentPacks(context: SafeContext): Promise<{ present: Set<string>; quarantined: Set<string> }> {
  const present = await packNames(context);
  const quarantined = await quarantinedNames(context);
  for (const hex of quarantined) {
    const note = await readQuarantine(context, hex);
    if (note !== null && note !== 'unreadable' && note.state === 'deleting') present.delete(hex);
  }
  return { present, quarantined };
}

function named(refs: Refs, present: ReadonlySet<string>): Set<string> {
  const wanted = new Set<string>();
  for (const { pack } of refs.packs()) {
    const hex = toHex(pack);
    if (present.has(hex)) wanted.add(hex);
  }
  return wanted;
}

class OriginCheck {
  /** Positions that are needed and were not found yet. */
  unresolved: number;
  /** Blobs that slips among the refs need and that were not found yet. */
  readonly slips = new Set<string>();
  /** Packs that hold something that is needed. */
  readonly seen = new Set<string>();
  readonly #refs: Refs;
  /** Origins that were found in a pack of their own name. */
  readonly #resolved = new Set<string>();

  constructor(refs: Refs) {
    this.#refs = refs;
    this.unresolved = refs.count;
  }

  /** A pack of which refs name positions: position = row, since it is fresh. */
  seePack({ hex, pack, tail }: IndexEntry): void {
    const bitmap = this.#refs.bitmapOf(pack);
    const table = new PackTable(tail);
    if (bitmap === null || table.sections[0]?.origin !== null) return;
    this.seen.add(hex);
    this.#resolved.add(hex);
    let beyond = 0;
    for (const row of bitmapPositions(bitmap)) {
      if (row >= table.count) beyond += 1;
      else this.#noteSlip(table, row);
    }
    this.unresolved -= bitmapCount(bitmap) - beyond;
  }

  /** A compacted pack holds blobs of other origins. Two copies of one origin count once. */
  seeCompacted({ hex, tail }: IndexEntry): void {
    const table = new PackTable(tail);
    for (let row = 0; row < table.count; row += 1) {
      const origin = table.originAt(row);
      if (origin === null) return;
      const originHex = toHex(origin);
      const bitmap = this.#resolved.has(originHex) ? null : this.#refs.bitmapOf(origin);
      const place = `${originHex} ${table.positionAt(row)}`;
      if (bitmap === null || !bitmapHas(bitmap, table.positionAt(row)) || this.#resolved.has(place)) continue;
      this.#resolved.add(place);
      this.seen.add(hex);
      this.unresolved -= 1;
      this.#noteSlip(table, row);
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

  #noteSlip(table: PackTable, row: number): void {
    if (table.slipOnlyAt(row)) this.slips.add(slipKey(table, row));
  }
}

/** A slip and its blob have the same hash of the blob, and with it the same id. */
function slipKey(table: PackTable, row: number): string {
  return toHex(table.blobHashAt(row));
}
