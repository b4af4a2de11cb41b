/*
 * Where the rows that a plan names lie now: in their origins, or in packs that earlier plans made. What is read here was held against
 * the names of the packs; blobs are not read.
 */

import { bitmapCount, bitmapHas, compactedOrigins, FormatError } from '@twinvault/format';
import type { CompactionPlan, OriginRow, PackName } from '@twinvault/format';
import { assert, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { presentPacks } from '../packs/holders.ts';
import { readPackEnds } from '../packs/pack-files.ts';
import type { PackEnds } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';

export interface RowPlaceInPack extends OriginRow {
  /** Of the pack where the row lies, hexadecimal. */
  readonly hex: string;
}

export class RowPlaces {
  readonly #rows = new Map<string, Map<number, RowPlaceInPack>>();

  /** Takes the rows of a pack for which `wanted` is true; a row that another pack gave before stays there. */
  add(hex: string, { header, table }: PackEnds, wanted: (origin: string, position: number) => boolean): void {
    const sections = table.sections.map((section) => ({
      origin: section.origin === null ? hex : toHex(section.origin),
      header: section.header ?? header,
    }));
    for (let row = 0; row < table.count; row += 1) {
      const section = sections[table.sectionAt(row)];
      const position = table.positionAt(row);
      if (section === undefined || !wanted(section.origin, position)) continue;
      const rows = this.#rows.get(section.origin) ?? new Map<number, RowPlaceInPack>();
      this.#rows.set(section.origin, rows);
      if (!rows.has(position)) rows.set(position, { hex, header: section.header, row: table.row(row) });
    }
  }

  has(origin: PackName, bitmap: Uint8Array): boolean {
    const rows = this.#rows.get(toHex(origin));
    if (rows === undefined || rows.size < bitmapCount(bitmap)) return false;
    let count = 0;
    for (const position of rows.keys()) if (bitmapHas(bitmap, position)) count += 1;
    return count === bitmapCount(bitmap);
  }

  /** Null where this site has no such row. */
  find(origin: Uint8Array, position: number): RowPlaceInPack | null {
    return this.#rows.get(toHex(origin))?.get(position) ?? null;
  }

  readonly at = (origin: PackName, position: number): RowPlaceInPack => {
    const place = this.#rows.get(toHex(origin))?.get(position);
    assert(place !== undefined, 'a plan names rows that were found');
    return place;
  };
}

/** Finds every row of a plan that is at this site, packs outside quarantine first. */
export async function findRows(context: SafeContext, keep: CompactionPlan['keep']): Promise<RowPlaces> {
  const places = new RowPlaces();
  const bitmaps = new Map(keep.map(({ pack, bitmap }) => [toHex(pack), bitmap]));
  const isNamed = (origin: string, position: number): boolean => {
    const bitmap = bitmaps.get(origin);
    return bitmap !== undefined && bitmapHas(bitmap, position);
  };
  const { free, quarantined } = await presentPacks(context);
  for (const packs of [free, quarantined]) {
    const wanted = new Set<string>();
    for await (const { hex, tail } of indexEntries(context, { wanted: packs })) {
      const isWanted = bitmaps.has(hex) || compactedOrigins(tail).some((origin) => bitmaps.has(toHex(origin)));
      if (isWanted) wanted.add(hex);
    }
    for (const hex of wanted) {
      const ends = await endsOrNull(context, hex);
      if (ends !== null) places.add(hex, ends, isNamed);
    }
  }
  return places;
}

/** Null when the pack is not there or damaged. */
export async function endsOrNull(context: SafeContext, hex: string): Promise<PackEnds | null> {
  try {
    return await readPackEnds(context, hex);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
