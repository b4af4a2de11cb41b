/*
 * What each pack of a safe holds of what is live, docs/format/packs.md, Superseding. A live row may be in several packs, and one of them
 * holds it: packs outside quarantine before others, those of later plans before those of earlier ones, fresh packs last.
 *
 * Invariant: each live row that is in a whole pack is held by exactly one pack, unless copies differ: then each of these holds it.
 */

import { freshRowTotals, PackTable } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../context.ts';
import { indexEntries } from '../packs/pack-index.ts';
import { entryKind, entryNonce } from '../packs/segments.ts';
import type { IndexEntry } from '../packs/segments.ts';
import type { LiveRows } from './refs-pool.ts';
import { sameRow } from './row-bytes.ts';
import type { RowPlace } from './row-bytes.ts';

export interface PackFacts {
  readonly hex: string;
  readonly packBytes: number;
  /** Number of a PackKind. */
  readonly kind: number;
  readonly compacted: boolean;
  /** There is a note in quarantine. */
  readonly noted: boolean;
  /** Number of the plan that made it; 0 for a fresh pack or when that plan is not known. */
  readonly plan: number;
  /** Live rows, wherever they are held. */
  readonly liveRows: number;
  /** Of these, those that this pack holds; bytes of their blobs, rows and slips. */
  heldRows: number;
  heldBytes: number;
  /** Of all rows. */
  readonly rowsBytes: number;
  /** Lowest number in the pool of an origin with live rows: packs of older safesets come first. */
  readonly order: number;
  /** Held positions by origin, hexadecimal, where another pack has live rows of the same origin; else all live ones are held. */
  held: ReadonlyMap<string, Uint8Array> | null;
}

export interface FactsParts {
  readonly context: SafeObjects;
  readonly live: LiveRows;
  /** Packs that are there, hexadecimal. */
  readonly present: ReadonlySet<string>;
  readonly noted: ReadonlySet<string>;
  /** From the nonces of compacted packs, hexadecimal, to the numbers of the plans that made them. */
  readonly plans: ReadonlyMap<string, number>;
}

/** Of every pack that is whole at its ends, by name. */
export async function packFacts(parts: FactsParts): Promise<Map<string, PackFacts>> {
  const facts = new Map<string, PackFacts>();
  const holders = new Map<number, string>();
  const contested = new Set<number>();
  const rivals = new Set<string>();
  for await (const entry of indexEntries(parts.context, { wanted: parts.present, keep: false })) {
    const { one, origins } = factsOf(entry, parts);
    facts.set(entry.hex, one);
    for (const origin of origins) {
      const other = holders.get(origin);
      if (other === undefined) holders.set(origin, entry.hex);
      else {
        contested.add(origin);
        rivals.add(other);
        rivals.add(entry.hex);
      }
    }
  }
  if (contested.size > 0) await settle(parts, { facts, contested, rivals });
  return facts;
}

const nothing = new Uint8Array(0);

interface EntryFacts {
  readonly one: PackFacts;
  /** Numbers of the origins of which the pack has rows and anything is live; of a fresh pack its own. */
  readonly origins: readonly number[];
}

function factsOf(entry: IndexEntry, { live, noted, plans }: FactsParts): EntryFacts {
  const { hex, packBytes, tail, pack } = entry;
  const own = live.numberOf(pack);
  const bitmap = own < 0 ? null : live.bitmapAt(own);
  const fresh = freshRowTotals(tail, bitmap ?? nothing);
  const compacted = fresh === null ? compactedTotals(new PackTable(tail), live) : null;
  const { named, all } = fresh ?? compacted ?? noTotals;
  const origins = compacted?.origins ?? (bitmap === null ? [] : [own]);
  const one: PackFacts = {
    hex,
    packBytes,
    kind: entryKind(entry),
    compacted: fresh === null,
    noted: noted.has(hex),
    plan: fresh === null ? (plans.get(toHex(entryNonce(entry))) ?? 0) : 0,
    liveRows: named.rows,
    heldRows: named.rows,
    heldBytes: named.bytes,
    rowsBytes: all.bytes,
    order: origins.reduce((least, origin) => Math.min(least, origin), Infinity),
    held: null,
  };
  return { one, origins };
}

type Totals = NonNullable<ReturnType<typeof freshRowTotals>>;
const noTotals: Totals = { named: { rows: 0, bytes: 0 }, all: { rows: 0, bytes: 0 } };

function compactedTotals(table: PackTable, live: LiveRows): Totals & { readonly origins: readonly number[] } {
  const bitmaps = table.sections.map(({ origin }) => (origin === null ? null : live.bitmapOf(origin)));
  const named = { rows: 0, bytes: 0 };
  let allBytes = 0;
  for (let row = 0; row < table.count; row += 1) {
    const bytes = rowBytesAt(table, row);
    allBytes += bytes;
    if (!isSet(bitmaps[table.sectionAt(row)] ?? nothing, table.positionAt(row))) continue;
    named.rows += 1;
    named.bytes += bytes;
  }
  const origins = table.sections.flatMap(({ origin }, index) => {
    return origin === null || (bitmaps[index] ?? null) === null ? [] : [live.numberOf(origin)];
  });
  return { named, all: { rows: table.count, bytes: allBytes }, origins };
}

function rowBytesAt(table: PackTable, row: number): number {
  return 96 + table.slipAt(row).length + (table.slipOnlyAt(row) ? 0 : table.lengthAt(row));
}

function isSet(bitmap: Uint8Array, position: number): boolean {
  return (((bitmap[position >>> 3] ?? 0) >>> (position & 7)) & 1) === 1;
}

interface Contest {
  readonly facts: Map<string, PackFacts>;
  /** Origins, by number, of which several packs have rows. */
  readonly contested: ReadonlySet<number>;
  /** Those packs, hexadecimal. */
  readonly rivals: ReadonlySet<string>;
}

/** Says of each live row of a contested origin which pack holds it. */
async function settle({ context, live }: FactsParts, { facts, contested, rivals }: Contest): Promise<void> {
  const entries: { readonly facts: PackFacts; readonly entry: IndexEntry }[] = [];
  for await (const entry of indexEntries(context, { wanted: rivals })) {
    const one = facts.get(entry.hex);
    if (one !== undefined) entries.push({ facts: one, entry });
  }
  entries.sort((a, b) => preference(a.facts, b.facts));
  const holders = new Map<string, RowPlace>();
  for (const { facts: one, entry } of entries) claim(one, entry, { live, contested, holders });
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

function claim(facts: PackFacts, { pack, tail }: IndexEntry, { live, contested, holders }: Claims): void {
  const table = new PackTable(tail);
  const held = new Map<string, Uint8Array>();
  const sections = table.sections.map((section) => {
    const origin = section.origin ?? pack;
    return { hex: toHex(origin), bitmap: live.bitmapOf(origin) ?? nothing, isContested: contested.has(live.numberOf(origin)) };
  });
  for (let row = 0; row < table.count; row += 1) {
    const section = sections[table.sectionAt(row)];
    const position = table.positionAt(row);
    if (section === undefined || !isSet(section.bitmap, position)) continue;
    if (section.isContested) {
      const key = `${section.hex} ${position}`;
      const holder = holders.get(key);
      if (holder !== undefined && sameRow(holder, { table, row })) {
        facts.heldRows -= 1;
        facts.heldBytes -= rowBytesAt(table, row);
        continue;
      }
      if (holder === undefined) holders.set(key, { table, row });
    }
    const bitmap = held.get(section.hex) ?? new Uint8Array(section.bitmap.length);
    held.set(section.hex, bitmap);
    bitmap[position >>> 3] = (bitmap[position >>> 3] ?? 0) | (1 << (position & 7));
  }
  facts.held = held;
}
