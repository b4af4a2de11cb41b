/** `twinvault backup`: one run of a job. */
import { backupAtSites } from '@twinvault/engine';
import type { FallOver } from '@twinvault/engine';
import type { OpenSite, VaultSafe } from '@twinvault/protocol';
import { replayPinned } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { reportJson, reportLines } from '../output/backup-report.ts';
import { findingLines, findingsJson } from '../output/site-findings.ts';
import { sitesOf } from '../wiring/compare-sites.ts';
import type { VerbContext } from '../wiring/context.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { openOwnSafe } from '../wiring/own-safe.ts';
import { jobRun } from '../wiring/run-job.ts';
import type { RunOptions } from '../wiring/run-job.ts';
import { placesOf } from '../wiring/vault-places.ts';

export interface BackupVerbOptions extends VaultOptions, RunOptions {
  readonly safe: string;
}

export async function backupVerb(context: VerbContext, paths: readonly string[], options: BackupVerbOptions): Promise<void> {
  const { output, progress } = context;
  await using vault = await openVault(context, options);
  const { label, safe, agent } = await openOwnSafe(context, vault, options);
  // Whose escrow key opens the safe is told here too.
  await seenLedger(context, safe, options.state);
  await noteType(context, safe, options);
  const { site, findings, ...report } = await backupAtSites({
    ...(await jobRun(context, agent, { paths, options })),
    safe: await sitesOf(vault, safe, options),
    found: (told) => findingLines(told).forEach((line) => output.note(line)),
    lags: (told) => noteLag(context, told),
    fallsOver: (told) => noteFallOver(context, told),
    overtaken: (told) => noteOvertaken(context, told),
  });
  progress.finish();
  if (report.result === 'with errors') context.setExit('withErrors');
  const { job } = options;
  const at = { site: toHex(site.info.site), siteName: site.name, findings: findingsJson(findings) };
  output.result(
    { safe: toHex(safe.safe), label, job, ...at, ...reportJson(report) },
    reportLines(report, { job, at: placesOf(options.vault).length > 1 ? site.name : undefined }),
  );
}

function noteFallOver({ output, progress }: VerbContext, { from, to, code }: FallOver): void {
  progress.finish();
  output.note(
    `${from.name} takes this run no further (${code}): it goes on at ${to.name}. Files are read again; what is there already is not sent again.`,
  );
}

function noteOvertaken({ output, progress }: VerbContext, { name }: OpenSite): void {
  progress.finish();
  output.note(
    `${name} got the newest safeset of this job from its twin in the meantime: the run begins again and follows it. Files are read again; what is there already is not sent again.`,
  );
}

function noteLag({ output }: VerbContext, { name }: OpenSite): void {
  output.note(
    `${name} has not got the newest safeset of this job, which another site has: this one follows the one before. When both sites have both, the next run joins them.`,
  );
}

/** A type that the safe does not know is more often a slip of the pen than a wish. */
async function noteType({ output }: VerbContext, safe: VaultSafe, { type }: BackupVerbOptions): Promise<void> {
  const ledger = replayPinned({ descriptor: await safe.descriptor(), ledger: await safe.ledger(1) });
  const known = [...ledger.retentions().keys()];
  if (known.length === 0 || known.includes(type)) return;
  output.note(
    `The safe has no rule for retention type "${type}", so clean-up keeps such safesets. It knows: ${known.join(', ')} (--type).`,
  );
}
