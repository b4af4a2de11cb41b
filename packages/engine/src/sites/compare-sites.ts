/*
 * Two sites of a safe held against each other and against what this computer has seen at each (docs/protocol/README.md, Two sites). Computation alone: what
 * follows from a finding is for the caller to decide.
 *
 * What a site says of a record is not proven here. A lie can bring a finding about, and never hide one that the other site or the memory gives away.
 */
import type { Ledger, SiteId } from '@twinvault/format';
import type { OpenSite, RecordSummary } from '@twinvault/protocol';
import { equalBytes, hourMs, toHex } from '@twinvault/std';
import type { JobHead, SeenSite } from '../state/pins.ts';

/** How long a site may be behind the other before anybody is told. */
export const siteLagMsMax: number = hourMs;

export interface SiteView {
  readonly site: SiteId;
  readonly name: string;
  /** The site's time when it was asked, ms since 1970. */
  readonly nowMs: number;
  readonly ledger: Ledger;
  /** Safesets, stubs included. */
  readonly records: readonly RecordSummary[];
}

/** What was seen at a site before. */
export interface SiteMemory {
  readonly seen: SeenSite | null;
  readonly heads: ReadonlyMap<string, JobHead>;
}

export type SiteFinding =
  /** The site shows less than this computer has seen there: `safesets` are missing, or ledger entries. */
  | { readonly type: 'rolled-back'; readonly view: SiteView; readonly safesets: number; readonly ledger: boolean }
  /** The site has signed receipts of safesets that it does not show. */
  | { readonly type: 'frozen'; readonly view: SiteView; readonly safesets: number; readonly sinceMs: number }
  /** The site has not got what the other has had for longer than `siteLagMsMax`. */
  | { readonly type: 'lagging'; readonly view: SiteView; readonly safesets: number; readonly sinceMs: number }
  /** Each ledger verifies, and neither extends the other: somebody with the root key, or two operators, signed both. */
  | { readonly type: 'contradicting'; readonly view: SiteView; readonly other: SiteView }
  /** What the site shows of the safe's ledger does not verify. */
  | { readonly type: 'unreadable'; readonly site: OpenSite; readonly code: string }
  /** A job was continued at each site while they were apart: its next run joins these heads. */
  | { readonly type: 'forked'; readonly job: string; readonly computer: string; readonly heads: readonly RecordSummary[] };

export function compareSites(views: readonly SiteView[], memoryOf: (site: SiteId) => SiteMemory): SiteFinding[] {
  const rolledBack = views.flatMap((view) => rolledBackFrom(view, memoryOf(view.site)) ?? []);
  const others = views.filter((view) => !rolledBack.some((finding) => finding.view === view));
  const behind = others.flatMap((view) => behindOthers(view, views) ?? []);
  return [...contradictions(views), ...rolledBack, ...behind, ...forksOf(views)];
}

function contradictions(views: readonly SiteView[]): SiteFinding[] {
  const [first, ...others] = views;
  if (first === undefined) return [];
  const agrees = ({ ledger }: SiteView): boolean => ledger.extends(first.ledger.head) || first.ledger.extends(ledger.head);
  return others.filter((other) => !agrees(other)).map((other) => ({ type: 'contradicting', view: first, other }));
}

/** Whether the site lists the record, whole or as a stub. */
export function lists({ records }: Pick<SiteView, 'records'>, record: Uint8Array): boolean {
  return records.some(({ digest }) => equalBytes(digest, record));
}

/** What the site does not show any more of what was seen there; null: nothing. */
export function rolledBackFrom(view: SiteView, { seen, heads }: SiteMemory): (SiteFinding & { type: 'rolled-back' }) | null {
  const ledger = seen !== null && !view.ledger.extends(seen.ledger);
  // What an erase order covers goes for good, and nobody is to be alarmed by it.
  const isErased = seen !== null && view.ledger.eraseOrders().length > seen.orders;
  const wanted = [
    ...Array.from(heads.values(), ({ record }) => record),
    ...(seen === null || seen.newest === null ? [] : [seen.newest]),
  ];
  const missing = new Set(wanted.filter((record) => !lists(view, record)).map(toHex));
  const safesets = isErased ? 0 : missing.size;
  return ledger || safesets > 0 ? { type: 'rolled-back', view, safesets, ledger } : null;
}

interface Missing {
  /** By the clock of the site that has it. */
  readonly receivedMs: number;
  readonly ageMs: number;
  readonly isSigned: boolean;
}

/** Safesets that another site has whole and this one has not at all. What arrived while the sites were asked does not count. */
function behindOthers(view: SiteView, views: readonly SiteView[]): SiteFinding | null {
  const known = new Set(view.records.map(({ digest }) => toHex(digest)));
  const missing = new Map<string, Missing>();
  for (const other of views) {
    if (other === view) continue;
    for (const { digest, retired, receivedMs, sites = [] } of other.records) {
      if (retired || receivedMs > other.nowMs || known.has(toHex(digest))) continue;
      const isSigned = sites.some((site) => equalBytes(site, view.site));
      missing.set(toHex(digest), { receivedMs, ageMs: other.nowMs - receivedMs, isSigned });
    }
  }
  const signed = [...missing.values()].filter(({ isSigned }) => isSigned);
  if (signed.length > 0) return { type: 'frozen', view, safesets: signed.length, sinceMs: oldest(signed) };
  const all = [...missing.values()];
  const isLate = all.some(({ ageMs }) => ageMs > siteLagMsMax);
  return isLate ? { type: 'lagging', view, safesets: all.length, sinceMs: oldest(all) } : null;
}

function oldest(missing: readonly Missing[]): number {
  return Math.min(...missing.map(({ receivedMs }) => receivedMs));
}

/** Jobs whose safesets, of all sites together, end in more than one head. */
function forksOf(views: readonly SiteView[]): SiteFinding[] {
  const records = new Map<string, RecordSummary>();
  for (const { records: listed } of views) for (const record of listed) records.set(toHex(record.digest), record);
  const followed = new Set<string>();
  for (const { public: known } of records.values()) for (const previous of known.previous) followed.add(toHex(previous));
  const jobs = new Map<string, RecordSummary[]>();
  for (const [digest, record] of records) {
    if (followed.has(digest)) continue;
    const key = `${toHex(record.public.computer)}/${record.public.job}`;
    jobs.set(key, [...(jobs.get(key) ?? []), record]);
  }
  return [...jobs.values()]
    .filter((heads) => heads.length > 1)
    .map((heads): SiteFinding => {
      const { job = '', computerName: computer = '' } = heads[0]?.public ?? {};
      return { type: 'forked', job, computer, heads };
    });
}
