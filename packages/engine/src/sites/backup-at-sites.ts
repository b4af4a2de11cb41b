/*
 * A run at whichever site of a safe takes it. When its site fails in the middle, the run begins again at the other one: what changed is read again, and what
 * that site has already, by this run or by following its twin, is not sent again. So it does at the same site where its twin has brought it a newer safeset meanwhile.
 *
 * Invariant: a run is of one site, from its session to its receipt. What was committed is remembered of that site alone.
 */
import type { OpenSite } from '@twinvault/protocol';
import { CodedError, minuteMs } from '@twinvault/std';
import { backup } from '../backup.ts';
import type { BackupOptions } from '../backup.ts';
import type { BackupReport } from '../report.ts';
import { headKey } from '../run/opening.ts';
import type { SafeState } from '../state/agent-state.ts';
import { chooseSites } from './choose-site.ts';
import type { SiteChoice, SiteToRunAt } from './choose-site.ts';
import type { SiteFinding } from './compare-sites.ts';
import type { SitesOfSafe } from './view-sites.ts';

/** How long a site may hold the claim of a run that was left there: it lapses after five minutes without a word, and clocks differ. */
const claimMsMax: number = 10 * minuteMs;
/** How often one run may change its site. */
export const fallOversMax = 4;

export interface FallOver {
  readonly from: OpenSite;
  readonly to: OpenSite;
  /** What failed there. */
  readonly code: string;
}

export interface BackupAtSitesOptions extends Omit<BackupOptions, 'vault' | 'siteKey' | 'headSeen'> {
  readonly safe: SitesOfSafe;
  /** Called before the run begins again at another site. */
  readonly fallsOver?: (told: FallOver) => void;
  /** Called once, before anything is read, with what is wrong at the sites. */
  readonly found?: (findings: readonly SiteFinding[]) => void;
  /** Called before the run begins again since its site has got another safeset of the job from its twin. */
  readonly overtaken?: (site: OpenSite) => void;
  /** Called when the site that the run goes to has not got the newest safeset of the job. */
  readonly lags?: (site: OpenSite) => void;
}

export interface BackupAtSitesReport extends BackupReport {
  /** The site that signed the receipt. */
  readonly site: OpenSite;
  readonly findings: readonly SiteFinding[];
}

interface Failed {
  readonly site: OpenSite;
  readonly error: CodedError;
}

/** What a site shows that it must not, or does not show yet: the other one is better. */
const distrustCodes: ReadonlySet<string> = new Set(['head-rolled-back', 'ledger-rolled-back', 'seed-awaited']);

/** What `backup` throws, at the last site that was left; `head-unknown`, `ledger-behind`. */
export async function backupAtSites(options: BackupAtSitesOptions): Promise<BackupAtSitesReport> {
  const { safe, state, agent, job, found, fallsOver, overtaken, lags, ...run } = options;
  using own = state.safe(agent.safe);
  const given = new Set<OpenSite>();
  let failed: Failed | null = null;
  for (let turn = 0; ; turn += 1) {
    const choice = await chooseSites({ safe, state: own, agent, job }, given);
    if (turn === 0 && choice.findings.length > 0) found?.(choice.findings);
    const next = nextSite(choice, failed);
    const { site, headSeen } = next;
    if (failed !== null && failed.site !== site) fallsOver?.({ from: failed.site, to: site, code: failed.error.code });
    if (headSeen !== undefined) lags?.(site);
    const at = { vault: next.safe, siteKey: site.info.publicKey, ...(headSeen === undefined ? {} : { headSeen }) };
    try {
      const report = await backup({ ...run, ...at, state, agent, job });
      await remember(own, next, { key: headKey(agent, job), report });
      return { ...report, site, findings: choice.findings };
    } catch (error) {
      options.signal.throwIfAborted();
      if (turn < fallOversMax && isOvertaken(safe, error)) {
        overtaken?.(site);
        continue;
      }
      failed = failureAt(safe, site, error) ?? (await ownClaim(options, own, { site, error }));
      if (failed === null || turn === fallOversMax) throw error;
      await leave(options, own, site);
      // One that is away may come back; one that takes nothing more, or lacks what the run needs, is done with.
      if (!safe.isAway(site)) given.add(site);
    }
  }
}

function nextSite({ sites, refusal }: SiteChoice, failed: Failed | null): SiteToRunAt {
  const [next] = sites;
  if (next !== undefined) return next;
  throw failed?.error ?? refusal ?? new TypeError('a safe has a site');
}

/** Null: the other site would answer the same. */
function failureAt(safe: SitesOfSafe, site: OpenSite, error: unknown): Failed | null {
  if (!(error instanceof CodedError)) return null;
  const isOfSite = safe.failed(site, error) || (safe.count > 1 && distrustCodes.has(error.code));
  return isOfSite ? { site, error } : null;
}

/** With one site it is another run of the same job, of which there must be none. */
function isOvertaken(safe: SitesOfSafe, error: unknown): boolean {
  return safe.count > 1 && error instanceof CodedError && error.code === 'head-moved';
}

/** The site holds the claim of a run of this computer that was left there: another machine with the same identity would be no reason to go elsewhere. */
async function ownClaim(
  { safe, agent, job, platform }: BackupAtSitesOptions,
  own: SafeState,
  { site, error }: { readonly site: OpenSite; readonly error: unknown },
): Promise<Failed | null> {
  if (!(error instanceof CodedError) || error.code !== 'job-busy' || safe.count === 1) return null;
  const leftMs = (await own.pins()).leftAt(site.info.site, headKey(agent, job));
  return leftMs !== null && platform.clock.nowMs() - leftMs < claimMsMax ? { site, error } : null;
}

async function leave({ agent, job, platform }: BackupAtSitesOptions, own: SafeState, site: OpenSite): Promise<void> {
  const pins = await own.pins();
  const key = headKey(agent, job);
  if (pins.leftAt(site.info.site, key) === null) pins.leaveAt(site.info.site, key, platform.clock.nowMs());
}

/** Only after the commit, so nothing here may fail the run. */
async function remember(
  own: SafeState,
  { view }: SiteToRunAt,
  { key, report }: { readonly key: string; readonly report: BackupReport },
): Promise<void> {
  const { record, sequence } = report;
  try {
    const pins = await own.pins();
    pins.endAt(view.site, key);
    pins.pinHeadAt(view.site, key, { record, sequence });
    pins.seeSite(view.site, { ledger: view.ledger.head, orders: view.ledger.eraseOrders().length, newest: record });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}
