/*
 * What each job of a safe used on a day, told from objects alone, so that a rebuild finds the same again: the protected amount is that of the
 * job's newest safeset at the end of the day, restore points are those that stood then, and stored bytes are those of the packs that its
 * sessions made, as far as they are still there.
 *
 * Objects name sessions by their KEM ciphertext; a pack of a session of which no record came belongs to no job, and counts for the safe alone.
 */

import { PackTable, parseStub, parseTombstone } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { dayMs, primitives, toHex } from '@twinvault/std';
import type { CommitParts } from '../commit/commit.ts';
import type { MeteredDay } from '../database/metering.ts';
import { packNames, sessionNameOf } from '../packs/pack-files.ts';
import { indexEntries } from '../packs/pack-index.ts';
import type { IndexEntry } from '../packs/segments.ts';
import { recordBytesMax } from '../records/record-store.ts';

export function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

interface MeteredRecord {
  readonly summary: RecordSummary;
  /** Null while it stands. */
  readonly retiredMs: number | null;
}

interface MeteredPack {
  readonly storedMs: number;
  /** By session, hexadecimal. */
  readonly bytes: ReadonlyMap<string, number>;
}

/** What all days are told from, read once. */
export interface MeteringFacts {
  readonly safe: string;
  readonly customer: string;
  readonly records: readonly MeteredRecord[];
  readonly packs: readonly MeteredPack[];
}

/** `storedMs`: when packs were stored, by their hexadecimal names, as far as the inventory knows; the store is asked for the others. */
export async function meteringFacts(
  parts: CommitParts,
  { customer, storedMs }: { readonly customer: string; readonly storedMs: ReadonlyMap<string, number> },
): Promise<MeteringFacts> {
  const { context, records } = parts;
  const metered: MeteredRecord[] = [];
  for (const summary of await records.all()) {
    metered.push({ summary, retiredMs: summary.retired ? await retiredMsOf(parts, toHex(summary.digest)) : null });
  }
  const packs: MeteredPack[] = [];
  for await (const entry of indexEntries(context, { wanted: await packNames(context) })) {
    // One that was put a moment ago has no row yet; one that is gone meanwhile counts for no day.
    const known = storedMs.get(entry.hex) ?? (await context.store.stat(context.layout.pack(entry.hex)))?.modifiedMs ?? Infinity;
    packs.push({ storedMs: known, bytes: sessionBytesOf(entry) });
  }
  return { safe: context.layout.safeHex, customer, records: metered, packs };
}

async function retiredMsOf({ context: { store, layout } }: CommitParts, hex: string): Promise<number> {
  const bytes = await store.get(layout.inFolder('stubs', hex), recordBytesMax);
  return bytes === null ? 0 : parseTombstone(parseStub(bytes).tombstone).retiredMs;
}

/** A compacted pack holds blobs of many sessions; head and tail count for that of the first section. */
function sessionBytesOf({ session, packBytes, tail }: IndexEntry): Map<string, number> {
  const table = new PackTable(tail);
  const names = table.sections.map(({ header }) => toHex(header === null ? session : sessionNameOf(header)));
  const bytes = new Map<string, number>();
  let rest = packBytes;
  for (let row = 0; row < table.count; row += 1) {
    if (table.slipOnlyAt(row)) continue;
    const name = names[table.sectionAt(row)] ?? '';
    bytes.set(name, (bytes.get(name) ?? 0) + table.lengthAt(row));
    rest -= table.lengthAt(row);
  }
  const first = names[0] ?? '';
  return bytes.set(first, (bytes.get(first) ?? 0) + rest);
}

/** The rows of a day: one for each job that has a restore point, or stored bytes, at its end. */
export function meterDay({ safe, customer, records, packs }: MeteringFacts, day: number): MeteredDay[] {
  const endMs = (day + 1) * dayMs;
  const known = records.filter(({ summary }) => summary.receivedMs < endMs);
  const jobs = new Map<string, MeteredDay>();
  const sessions = new Map<string, string>();
  const newest = new Map<string, number>();
  for (const { summary, retiredMs } of known) {
    const { public: facts } = summary;
    const key = `${toHex(facts.computer)} ${facts.job}`;
    sessions.set(toHex(primitives.sha256(facts.kem)), key);
    const row = jobs.get(key) ?? emptyDay({ safe, customer, day, computer: toHex(facts.computer), job: facts.job });
    const stands = facts.kind === 'safeset' && (retiredMs === null || retiredMs >= endMs);
    const isNewest = stands && facts.sequence >= (newest.get(key) ?? 0);
    if (isNewest) newest.set(key, facts.sequence);
    jobs.set(key, {
      ...row,
      protectedBytes: isNewest ? facts.counts.bytesProtected : row.protectedBytes,
      safesets: row.safesets + (stands ? 1 : 0),
    });
  }
  for (const { storedMs, bytes } of packs) {
    if (storedMs >= endMs) continue;
    for (const [session, count] of bytes) {
      const key = sessions.get(session) ?? ' ';
      const row = jobs.get(key) ?? emptyDay({ safe, customer, day, computer: '', job: '' });
      jobs.set(key, { ...row, storedBytes: row.storedBytes + count });
    }
  }
  return [...jobs.values()].filter(({ safesets, storedBytes }) => safesets > 0 || storedBytes > 0);
}

function emptyDay(of: Pick<MeteredDay, 'safe' | 'customer' | 'day' | 'computer' | 'job'>): MeteredDay {
  return { ...of, protectedBytes: 0, storedBytes: 0, safesets: 0 };
}
