/*
 * What each site of a safe shows, and what this computer keeps of it.
 *
 * Invariant: what was seen is taken into the memory only from sites that show no less than before; and of a computer that is not enrolled nothing is kept.
 */
import { FormatError, Ledger } from '@twinvault/format';
import type { OpenSite, RecordFilter, RecordSummary, SafeAtSite, Vault, VaultSafe } from '@twinvault/protocol';
import { CodedError, toHex } from '@twinvault/std';
import type { SafeState } from '../state/agent-state.ts';
import type { SeenSite } from '../state/pins.ts';
import { compareSites } from './compare-sites.ts';
import type { SiteFinding, SiteMemory, SiteView } from './compare-sites.ts';

/** The sites of a safe that serve: both, or the one that was named. */
export interface SitesOfSafe {
  /** How many were named. */
  readonly count: number;
  /** Those that serve and have the safe, home first. */
  atSites(): Promise<readonly SafeAtSite[]>;
  /** Notes a failure; false: it is none of the site's. */
  failed(site: OpenSite, error: unknown): boolean;
  isAway(site: OpenSite): boolean;
}

/** Of a vault at one place. */
export async function oneSite(vault: Vault, safe: VaultSafe, name: string): Promise<SitesOfSafe> {
  const site: OpenSite = { name, info: await vault.site(), vault };
  const sites = [{ site, safe }];
  return { count: 1, atSites: () => Promise.resolve(sites), failed: () => false, isAway: () => false };
}

const nothingSeen: SiteMemory = { seen: null, heads: new Map() };

/** Holds the sites against each other and against the memory, and remembers what they show. What sites throw when none can be asked. */
export async function compareAtSites(safe: SitesOfSafe, state: SafeState): Promise<SiteFinding[]> {
  const { viewed, unreadable } = await viewSites(safe);
  const views = viewed.map(({ view }) => view);
  const memories = await memoriesOf(state, views);
  const findings = compareSites(views, (site) => memories.get(toHex(site)) ?? nothingSeen);
  const isRolledBack = (view: SiteView): boolean =>
    findings.some((finding) => finding.type === 'rolled-back' && finding.view === view);
  await remember(
    state,
    views.filter((view) => !isRolledBack(view)),
  );
  return [...unreadable, ...findings];
}

export interface ViewedSite extends SafeAtSite {
  readonly view: SiteView;
}

/** Those that fail are left out; when all do, the first failure is thrown. */
export async function viewSites(
  safe: SitesOfSafe,
  { filter = {}, given = new Set() }: { readonly filter?: RecordFilter; readonly given?: ReadonlySet<OpenSite> } = {},
): Promise<{ readonly viewed: readonly ViewedSite[]; readonly unreadable: readonly SiteFinding[] }> {
  const places = (await safe.atSites()).filter(({ site }) => !given.has(site));
  const settled = await Promise.allSettled(places.map(async ({ site, safe: at }) => await viewOf(site, at, filter)));
  const viewed: ViewedSite[] = [];
  const unreadable: SiteFinding[] = [];
  let failure: unknown = null;
  for (const [index, place] of places.entries()) {
    const result = settled[index];
    if (result?.status === 'fulfilled') viewed.push({ ...place, view: result.value });
    else if (result !== undefined) {
      const { reason } = result as { readonly reason: unknown };
      failure ??= reason;
      if (reason instanceof FormatError) unreadable.push({ type: 'unreadable', site: place.site, code: reason.code });
      else if (!safe.failed(place.site, reason)) throw reason;
    }
  }
  if (viewed.length === 0 && failure !== null) throw failure;
  return { viewed, unreadable };
}

/** FormatError for a ledger that does not verify; what the site throws. */
async function viewOf(site: OpenSite, safe: VaultSafe, filter: RecordFilter): Promise<SiteView> {
  const { nowMs } = await site.vault.site();
  const [descriptor, entries, records] = await Promise.all([
    safe.descriptor(),
    safe.ledger(1),
    safe.records({ ...filter, kind: 'safeset' }),
  ]);
  return { site: site.info.site, name: site.name, nowMs, ledger: Ledger.replay(descriptor, entries), records };
}

/** By site, hexadecimal. */
export async function memoriesOf(state: SafeState, views: readonly SiteView[]): Promise<ReadonlyMap<string, SiteMemory>> {
  if ((await state.agentKeys()) === null) return new Map();
  const pins = await state.pins();
  return new Map(views.map(({ site }) => [toHex(site), { seen: pins.seenSite(site), heads: pins.headsAt(site) }]));
}

/** Nothing where this computer is not enrolled. A disk that is full weakens the next comparison, and nothing else. */
async function remember(state: SafeState, views: readonly SiteView[]): Promise<void> {
  const keys = await state.agentKeys();
  if (keys === null) return;
  try {
    const pins = await state.pins();
    for (const view of views) {
      pins.seeSite(view.site, seenOf(view));
      for (const [job, head] of headsOfComputer(view.records, keys.computer)) pins.pinHeadAt(view.site, job, head);
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

function seenOf({ ledger, records }: SiteView): SeenSite {
  const newest = records.reduce<RecordSummary | null>(
    (best, record) => (best === null || record.receivedMs > best.receivedMs ? record : best),
    null,
  );
  return { ledger: ledger.head, orders: ledger.eraseOrders().length, newest: newest?.digest ?? null };
}

/** The newest safeset of each job, by its sequence. */
function headsOfComputer(
  records: readonly RecordSummary[],
  computer: Uint8Array,
): ReadonlyMap<string, { readonly record: RecordSummary['digest']; readonly sequence: number }> {
  const heads = new Map<string, { readonly record: RecordSummary['digest']; readonly sequence: number }>();
  for (const { digest, public: known } of records) {
    const job = `${toHex(known.computer)}/${known.job}`;
    if (toHex(known.computer) !== toHex(computer) || (heads.get(job)?.sequence ?? 0) >= known.sequence) continue;
    heads.set(job, { record: digest, sequence: known.sequence });
  }
  return heads;
}
