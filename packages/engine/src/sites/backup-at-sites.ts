/*
 * A run at whichever site of a safe takes it. When its site fails in the middle, the run begins again at the other one: what changed is read again, and what
 * that site has already, by this run or by following its twin, is not sent again.
 *
 * Invariant: a run is of one site, from its session to its receipt.
 */
import type { OpenSite, SafeAtSite, SafeAtSites } from '@twinvault/protocol';
import { CodedError } from '@twinvault/std';
import { backup } from '../backup.ts';
import type { BackupOptions } from '../backup.ts';
import type { BackupReport } from '../report.ts';

/** How often one run may change its site. */
export const fallOversMax = 4;

export interface FallOver {
  readonly from: OpenSite;
  readonly to: OpenSite;
  /** What failed there. */
  readonly code: string;
}

export interface BackupAtSitesOptions extends Omit<BackupOptions, 'vault' | 'siteKey'> {
  readonly safe: SafeAtSites;
  /** Called before the run begins again at another site. */
  readonly fallsOver?: (told: FallOver) => void;
}

export interface BackupAtSitesReport extends BackupReport {
  /** The site that signed the receipt. */
  readonly site: OpenSite;
}

/** What `backup` throws at the last site that was left. */
export async function backupAtSites({ safe, fallsOver, ...options }: BackupAtSitesOptions): Promise<BackupAtSitesReport> {
  const given = new Set<OpenSite>();
  let failed: { readonly site: OpenSite; readonly error: CodedError } | null = null;
  for (let turn = 0; ; turn += 1) {
    const next = await nextSite(safe, given);
    if (next === null) throw failed?.error;
    const { site } = next;
    if (failed !== null && failed.site !== site) fallsOver?.({ from: failed.site, to: site, code: failed.error.code });
    try {
      const report = await backup({ ...options, vault: next.safe, siteKey: site.info.publicKey });
      return { ...report, site };
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof CodedError) || !safe.sites.failed(site, error) || turn === fallOversMax) throw error;
      failed = { site, error };
      // One that is away may come back; one that takes nothing more, or lacks what the run needs, is done with.
      if (!safe.sites.isAway(site)) given.add(site);
    }
  }
}

async function nextSite(safe: SafeAtSites, given: ReadonlySet<OpenSite>): Promise<SafeAtSite | null> {
  return (await safe.atSites()).find(({ site }) => !given.has(site)) ?? null;
}
