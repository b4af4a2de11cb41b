/*
 * What each pack of a safe holds of what is live, docs/format/packs.md, Superseding. A live row may be in several packs, and one of them
 * holds it: packs outside quarantine before others, those of later plans before those of earlier ones, fresh packs last.
 *
 * Invariant: each live row that is in a whole pack is held by exactly one pack, unless copies differ: then each of these holds it.
 */

import { bitmapHas, FreshRows, PackTable } from '@twinvault/format';
import type { RowTotals } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { indexBatches, indexEntries } from '../packs/pack-index.ts';
import { PackNumbers } from '../packs/pack-numbers.ts';
import { entryKind, entryNonce } from '../packs/segments.ts';
import type { IndexEntry } from '../packs/segments.ts';
import { FactsTable } from './facts-table.ts';
import type { HeldPositions, PackFacts } from './facts-table.ts';
import type { LiveRows } from './refs-pool.ts';
import { sameRow } from './row-bytes.ts';
import type { RowPlace } from './row-bytes.ts';

export interface FactsParts {
  readonly context: SafeObjects;
  readonly live: LiveRows;
  /** Packs that are there. */
  readonly present: PackNumbers;
  /** Packs with a note in quarantine, hexadecimal. */
  readonly noted: ReadonlySet<string>;
  /** From the nonces of compacted packs, hexadecimal, to the numbers of the plans that made them. */
  readonly plans: ReadonlyMap<string, number>;
}

/** Of every pack that is whole at its ends. */
export async function packFacts(parts: FactsParts): Promise<FactsTable> {
  const facts = new FactsTable(parts.present);
  const rivalry = new Rivalry(parts.live.packCount);
  const noted = PackNumbers.ofHex(parts.noted);
  const put = (entry: IndexEntry): void => {
    const number = parts.present.find(entry.pack);
    const { origins, named, rowsBytes, plan, compacted } = rowsOf(entry, parts);
    facts.put(number, {
      packBytes: entry.packBytes,
      kind: entryKind(entry),
      compacted,
      noted: noted.has(entry.pack),
      plan,
      liveRows: named.rows,
      rowsBytes,
      order: origins.reduce((least, origin) => Math.min(least, origin), Infinity),
    });
    facts.putHeld(number, named, null);
    for (const origin of origins) rivalry.add(origin, number);
  };
  let step = 0;
  for await (const batch of indexBatches(parts.context, { wanted: parts.present, keep: false }))
    for (const entry of batch) {
      put(entry);
      step += 1;
      if (parts.context.turns?.dueAt(step) === true) await parts.context.turns.take();
    }
  if (rivalry.contested.size > 0) await settle(parts, facts, rivalry);
  return facts;
}

/** Which packs have rows of the same origins. */
class Rivalry {
  /** Origins, by number in the pool, of which several packs have rows. */
  readonly contested: Set<number> = new Set();
  /** Those packs, by number. */
  readonly rivals: Set<number> = new Set();
  /** By origin: 1 + the first pack that has rows of it. */
  readonly #first: Uint32Array;

  constructor(origins: number) {
    this.#first = new Uint32Array(origins);
  }

  add(origin: number, pack: number): void {
    const other = (this.#first[origin] ?? 0) - 1;
    if (other < 0) this.#first[origin] = pack + 1;
    else {
      this.contested.add(origin);
      this.rivals.add(other).add(pack);
    }
  }
}

const nothing = new Uint8Array(0);
const noOrigins: readonly number[] = [];

interface RowsOfPack {
  readonly compacted: boolean;
  readonly plan: number;
  /** Numbers in the pool of the origins of which the pack has rows and anything is live; of a fresh pack its own. */
  readonly origins: readonly number[];
  /** Live ones. */
  readonly named: RowTotals;
  /** Of all rows. */
  readonly rowsBytes: number;
}

function rowsOf(entry: IndexEntry, { live, plans }: FactsParts): RowsOfPack {
  const { tail } = entry;
  const fresh = FreshRows.of(tail);
  if (fresh === null) {
    return { ...compactedRows(new PackTable(tail), live), compacted: true, plan: plans.get(toHex(entryNonce(entry))) ?? 0 };
  }
  const own = live.numberOf(entry.pack);
  const bitmap = own < 0 ? null : live.bitmapAt(own);
  const named = fresh.totalsOf(bitmap ?? nothing);
  return { compacted: false, plan: 0, origins: bitmap === null ? noOrigins : [own], named, rowsBytes: fresh.totals.bytes };
}

function compactedRows(table: PackTable, live: LiveRows): Pick<RowsOfPack, 'origins' | 'named' | 'rowsBytes'> {
  const bitmaps = table.sections.map(({ origin }) => (origin === null ? null : live.bitmapOf(origin)));
  const named = { rows: 0, bytes: 0 };
  let rowsBytes = 0;
  for (let row = 0; row < table.count; row += 1) {
    const bytes = rowBytesAt(table, row);
    rowsBytes += bytes;
    if (!bitmapHas(bitmaps[table.sectionAt(row)] ?? nothing, table.positionAt(row))) continue;
    named.rows += 1;
    named.bytes += bytes;
  }
  const origins = table.sections.flatMap(({ origin }, index) => {
    return origin === null || (bitmaps[index] ?? null) === null ? [] : [live.numberOf(origin)];
  });
  return { origins, named, rowsBytes };
}

function rowBytesAt(table: PackTable, row: number): number {
  return 96 + table.slipAt(row).length + (table.slipOnlyAt(row) ? 0 : table.lengthAt(row));
}

/** Says of each live row of a contested origin which pack holds it. */
async function settle({ context, live }: FactsParts, facts: FactsTable, { contested, rivals }: Rivalry): Promise<void> {
  const wanted = new Set(Array.from(rivals, (number) => facts.names.hexAt(number)));
  const entries: { readonly one: PackFacts; readonly entry: IndexEntry }[] = [];
  for await (const entry of indexEntries(context, { wanted })) {
    const number = facts.names.find(entry.pack);
    if (number >= 0 && facts.isKnown(number)) entries.push({ one: facts.at(number), entry });
  }
  entries.sort((a, b) => preference(a.one, b.one));
  const holders = new Map<string, RowPlace>();
  for (const { one, entry } of entries) {
    const { rows, bytes, positions } = claim(one, entry, { live, contested, holders });
    facts.putHeld(facts.names.find(entry.pack), { rows, bytes }, positions);
  }
}

/** Who comes first holds a row that both have. */
function preference(a: PackFacts, b: PackFacts): number {
  if (a.noted !== b.noted) return a.noted ? 1 : -1;
  if (a.compacted !== b.compacted) return a.compacted ? -1 : 1;
  return b.plan - a.plan || b.liveRows - a.liveRows || (a.hex < b.hex ? -1 : 1);
}

interface Claims {
  readonly live: LiveRows;
  readonly contested: ReadonlySet<number>;
  /** By origin and position. */
  readonly holders: Map<string, RowPlace>;
}

/** What the pack holds when those that come before it have taken what is theirs. */
function claim(
  { heldRows, heldBytes }: PackFacts,
  { pack, tail }: IndexEntry,
  { live, contested, holders }: Claims,
): RowTotals & { readonly positions: HeldPositions } {
  const table = new PackTable(tail);
  const positions = new Map<string, Uint8Array>();
  let [rows, bytes] = [heldRows, heldBytes];
  const sections = table.sections.map((section) => {
    const origin = section.origin ?? pack;
    return { hex: toHex(origin), bitmap: live.bitmapOf(origin) ?? nothing, isContested: contested.has(live.numberOf(origin)) };
  });
  for (let row = 0; row < table.count; row += 1) {
    const section = sections[table.sectionAt(row)];
    const position = table.positionAt(row);
    if (section === undefined || !bitmapHas(section.bitmap, position)) continue;
    if (section.isContested) {
      const key = `${section.hex} ${position}`;
      const holder = holders.get(key);
      if (holder !== undefined && sameRow(holder, { table, row })) {
        rows -= 1;
        bytes -= rowBytesAt(table, row);
        continue;
      }
      if (holder === undefined) holders.set(key, { table, row });
    }
    const bitmap = positions.get(section.hex) ?? new Uint8Array(section.bitmap.length);
    positions.set(section.hex, bitmap);
    bitmap[position >>> 3] = (bitmap[position >>> 3] ?? 0) | (1 << (position & 7));
  }
  return { rows, bytes, positions };
}
