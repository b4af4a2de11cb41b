/*
 * Which packs hold something of erased jobs that nothing else needs. A pack names the session that stored each of its sections; records and stubs name
 * theirs. So what retired safesets and broken-off runs of these jobs left is found too.
 */

import { bitmapHas, PackTable } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { primitives, toHex } from '@twinvault/std';
import type { LiveRows } from '../live/refs-pool.ts';
import { sessionNameOf } from '../packs/pack-files.ts';
import { entryCertificate } from '../packs/segments.ts';
import type { IndexEntry } from '../packs/segments.ts';
import type { JobName } from './erased.ts';

export interface JobSessions {
  /** Sessions of records and stubs of these jobs, hexadecimal. */
  readonly own: ReadonlySet<string>;
  /** Of all records and stubs. */
  readonly known: ReadonlySet<string>;
  /** Certificates, hexadecimal, of the jobs' computers: a session without any record is one of theirs. */
  readonly certificates: ReadonlySet<string>;
}

/** `records`: all of the safe, erased ones too. */
export function sessionsOf(
  jobs: readonly JobName[],
  { records, ledger }: { readonly records: readonly RecordSummary[]; readonly ledger: Ledger },
): JobSessions {
  const names = new Set(jobs.map(({ computer, job }) => `${toHex(computer)} ${job}`));
  const computers = new Set(jobs.map(({ computer }) => toHex(computer)));
  const own = new Set<string>();
  const known = new Set<string>();
  for (const { public: facts } of records) {
    const session = toHex(primitives.sha256(facts.kem));
    known.add(session);
    if (names.has(`${toHex(facts.computer)} ${facts.job}`)) own.add(session);
  }
  const certificates = ledger.certificates().filter(({ computer }) => computers.has(toHex(computer)));
  return { own, known, certificates: new Set(certificates.map(({ id }) => toHex(id))) };
}

/** Whether the pack holds a row of these sessions that is not live. */
export function holdsDead(entry: IndexEntry, sessions: JobSessions, live: LiveRows): boolean {
  const table = new PackTable(entry.tail);
  const sections = table.sections.map(({ header, origin }) => {
    const name = toHex(header === null ? entry.session : sessionNameOf(header));
    const certificate = header?.certificate ?? entryCertificate(entry);
    const isOwn = sessions.own.has(name) || (!sessions.known.has(name) && sessions.certificates.has(toHex(certificate)));
    return { isOwn, bitmap: live.bitmapOf(origin ?? entry.pack) };
  });
  if (!sections.some(({ isOwn }) => isOwn)) return false;
  for (let row = 0; row < table.count; row += 1) {
    const section = sections[table.sectionAt(row)];
    if (section?.isOwn === true && (section.bitmap === null || !bitmapHas(section.bitmap, table.positionAt(row)))) return true;
  }
  return false;
}
