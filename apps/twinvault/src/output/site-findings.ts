/** What a comparison of a safe's sites has found, as people read it and as JSON. */
import type { SiteFinding } from '@twinvault/engine';
import { toHex } from '@twinvault/std';
import type { JsonObject } from './output.ts';
import { formatCount, formatTime } from './table.ts';

/** A site that shows less than it should: nobody is to go on without a look at it. */
export function isAlarm({ type }: SiteFinding): boolean {
  return type !== 'lagging' && type !== 'forked';
}

/** What it is, then what to do. */
export function findingLines(findings: readonly SiteFinding[]): string[] {
  return findings.flatMap((finding) => {
    switch (finding.type) {
      case 'rolled-back':
        return [
          `ATTENTION: ${finding.view.name} was rolled back: ${lossOf(finding)} that this computer has seen there.`,
          '  It may have been restored from an older copy of its disk, or changed. Ask whoever runs it, and let no clean run anywhere before it is clear.',
        ];
      case 'frozen':
        return [
          `ATTENTION: ${finding.view.name} is frozen: it has signed receipts of ${safesets(finding.safesets)} that it does not show, the oldest of ${formatTime(finding.sinceMs)}.`,
          '  It shows an older state than it has, or has lost a part. Ask whoever runs it.',
        ];
      case 'contradicting':
        return [
          `ATTENTION: the ledgers of ${finding.view.name} and ${finding.other.name} contradict each other, and both verify.`,
          '  Nothing is stored in this safe until it is clear which one is right: ask whoever runs the sites, and whoever changed passwords or computers of the safe last.',
        ];
      case 'unreadable':
        return [
          `ATTENTION: what ${finding.site.name} shows of the safe does not verify (${finding.code}): it is left out.`,
          '  The site is damaged or was changed. Ask whoever runs it.',
        ];
      case 'lagging':
        return [
          `${finding.view.name} lags behind: it lacks ${safesets(finding.safesets)} that the other site has, the oldest since ${formatTime(finding.sinceMs)}.`,
          '  Until it has them they stand at one site only. Where it goes on, whoever runs the sites looks at twinvault vault twins.',
        ];
      case 'forked':
        return [
          `Job "${finding.job}" of ${finding.computer} was continued at each site while they were apart (${shortIds(finding)}).`,
          '  All of it is whole and restores; the next backup of the job joins it.',
        ];
    }
  });
}

export function findingsJson(findings: readonly SiteFinding[]): JsonObject[] {
  return findings.map((finding): JsonObject => {
    if (finding.type === 'forked') {
      const { type, job, computer, heads } = finding;
      return { type, job, computerName: computer, heads: heads.map(({ public: known }) => toHex(known.safeset)) };
    }
    if (finding.type === 'unreadable') {
      const { type, site, code } = finding;
      return { type, site: toHex(site.info.site), siteName: site.name, code };
    }
    if (finding.type === 'contradicting') {
      const { type, view, other } = finding;
      return { type, site: toHex(view.site), siteName: view.name, otherSite: toHex(other.site), otherName: other.name };
    }
    const { type, view, safesets: count } = finding;
    const more = finding.type === 'rolled-back' ? { ledger: finding.ledger } : { since: new Date(finding.sinceMs).toISOString() };
    return { type, site: toHex(view.site), siteName: view.name, safesets: count, ...more };
  });
}

function lossOf({ safesets: count, ledger }: SiteFinding & { type: 'rolled-back' }): string {
  const parts = [...(count > 0 ? [safesets(count)] : []), ...(ledger ? ['entries of the ledger'] : [])];
  return `it does not show ${parts.join(' and ')}`;
}

function safesets(count: number): string {
  return count === 1 ? '1 safeset' : `${formatCount(count)} safesets`;
}

function shortIds({ heads }: SiteFinding & { type: 'forked' }): string {
  return heads.map(({ public: known }) => toHex(known.safeset).slice(0, 8)).join(' and ');
}
