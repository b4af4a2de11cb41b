/** `twinvault backup`: one run of a job. */
import { hostname } from 'node:os';
import { backupAtSites } from '@twinvault/engine';
import type { BackupAtSitesReport, BackupProgress, FallOver } from '@twinvault/engine';
import type { OpenSite, VaultSafe } from '@twinvault/protocol';
import { replayPinned } from '@twinvault/seal';
import { linuxFileSource } from '@twinvault/sources';
import { formatBytes, formatDuration, toHex, utf8Decode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { JsonObject } from '../output/output.ts';
import type { Step } from '../output/progress.ts';
import type { VerbContext } from '../wiring/context.ts';
import { entryErrorJson, entryErrorLines } from '../output/entry-errors.ts';
import { findingLines, findingsJson } from '../output/site-findings.ts';
import { sitesOf } from '../wiring/compare-sites.ts';
import { openVault } from '../wiring/open-vault.ts';
import { placesOf } from '../wiring/vault-places.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { openOwnSafe } from '../wiring/own-safe.ts';
import { absolutePathBytes } from '../wiring/paths.ts';
import { openState, seenLedger } from '../wiring/open-safe.ts';
import { formatCount } from '../output/table.ts';

export interface BackupVerbOptions extends VaultOptions {
  readonly safe: string;
  readonly job: string;
  readonly type: string;
  readonly exclude?: readonly string[] | undefined;
  readonly excludeFile?: string | undefined;
  readonly oneFileSystem?: true | undefined;
  readonly includeCaches?: true | undefined;
  readonly compression?: number | undefined;
  readonly state?: string | undefined;
}

const excludeFileBytesMax = 1024 * 1024;

export async function backupVerb(context: VerbContext, paths: readonly string[], options: BackupVerbOptions): Promise<void> {
  const { output, platform, progress, signal } = context;
  const source = linuxFileSource({
    roots: paths.map(absolutePathBytes),
    rules: {
      excludes: [...(options.exclude ?? []), ...(await excludesFromFile(context, options.excludeFile))],
      skipCaches: options.includeCaches !== true,
      oneFileSystem: options.oneFileSystem === true,
    },
    platform,
  });
  await using vault = await openVault(context, options);
  const { label, safe, agent } = await openOwnSafe(context, vault, options);
  const state = openState(context, options.state);
  // Whose escrow key opens the safe is told here too.
  await seenLedger(context, safe, options.state);
  await noteType(context, safe, options);
  const report = await backupAtSites({
    safe: await sitesOf(vault, safe, options),
    agent,
    job: options.job,
    retention: options.type,
    source,
    state,
    platform,
    host: hostname(),
    signal,
    progress: (told) => progress.report(stepOf(told)),
    ...(options.compression === undefined ? {} : { level: options.compression }),
    found: (findings) => findingLines(findings).forEach((line) => output.note(line)),
    lags: (site) => noteLag(context, site),
    fallsOver: (told) => noteFallOver(context, told),
  });
  progress.finish();
  if (report.result === 'with errors') context.setExit('withErrors');
  output.result({ safe: toHex(safe.safe), label, job: options.job, ...reportJson(report) }, reportLines(report, options));
}

function noteFallOver({ output, progress }: VerbContext, { from, to, code }: FallOver): void {
  progress.finish();
  output.note(
    `${from.name} takes this run no further (${code}): it goes on at ${to.name}. Files are read again; what is there already is not sent again.`,
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

/** What a fork was, and that it is none any more. */
function joinedLines({ joined }: BackupAtSitesReport): string[] {
  if (joined.length === 0) return [];
  const ids = joined.map(({ public: known }) => toHex(known.safeset).slice(0, 8)).join(' and ');
  return [
    '',
    `This safeset joins ${ids}: the job was continued at each site while they were apart. All of them stay whole and restore.`,
  ];
}

/** The site found the run unusual: it may be the work of ransomware, or of the user. */
function unusualLines({ measure, safeset }: BackupAtSitesReport): string[] {
  if (measure === null || !measure.suspect) return [];
  const percent = (part: number, of: number): string => `${Math.round((100 * part) / Math.max(1, of))} %`;
  return [
    '',
    `ATTENTION: this run changed far more than this job usually does: ${percent(measure.originsReused, measure.origins)} of what the last safeset used is still used, and ${percent(measure.bytesNew, measure.bytes)} of this one is new.`,
    'If you know why, lift the flag; until then the vault keeps this safeset and all older ones of the job:',
    `  twinvault safe flag ${toHex(safeset).slice(0, 8)} --off`,
    'If you do not, look whether your files still open: ransomware looks like this. Older safesets have them as they were.',
  ];
}

async function excludesFromFile({ platform }: VerbContext, path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  const bytes = await platform.files.read(path, excludeFileBytesMax);
  if (bytes === null) throw new UsageError(`There is no file ${path} with patterns to exclude.`);
  const text = utf8Decode(bytes);
  if (text === null) throw new UsageError(`The file ${path} is not UTF-8 text.`);
  return text.split(/\r?\n/u).filter((line) => line !== '');
}

const phases = { opening: 'Opening', reading: 'Reading', finishing: 'Finishing', committing: 'Committing' } as const;

function stepOf(told: BackupProgress): Step {
  const guess = told.foundAll ? told.bytesFound : told.lastRun === null ? null : Math.max(told.lastRun.bytes, told.bytesFound);
  return {
    phase: phases[told.phase],
    done: told.bytesDone,
    total: guess,
    unit: 'bytes',
    files: told.entriesDone,
    uploadedBytes: told.bytesUploaded,
  };
}

function reportJson(report: BackupAtSitesReport): JsonObject {
  return {
    site: toHex(report.site.info.site),
    siteName: report.site.name,
    findings: findingsJson(report.findings),
    joined: report.joined.map(({ public: known }) => toHex(known.safeset)),
    result: report.result,
    safeset: toHex(report.safeset),
    record: toHex(report.record),
    sequence: report.sequence,
    start: new Date(report.startMs).toISOString(),
    end: new Date(report.endMs).toISOString(),
    counts: { ...report.counts },
    uploadedBytes: report.uploadedBytes,
    packs: report.packs,
    chunks: { ...report.chunks },
    unchanged: report.unchanged,
    carried: report.carried,
    removed: report.removed,
    measure: report.measure === null ? null : { ...report.measure },
    errors: report.errors.map(entryErrorJson),
    phasesMs: { ...report.phasesMs },
    pathsFile: report.pathsFile,
  };
}

function reportLines(report: BackupAtSitesReport, { job, vault }: BackupVerbOptions): string[] {
  const { counts } = report;
  const elapsedMs = Math.max(1, report.endMs - report.startMs);
  const count = (value: number): string => formatCount(value);
  const rate = formatBytes(Math.round((counts.bytesChanged / elapsedMs) * 1000));
  return [
    ...entryErrorLines(report.errors, counts.errors),
    `Safeset ${toHex(report.safeset).slice(0, 8)} of job "${job}" is stored${placesOf(vault).length > 1 ? ` at ${report.site.name}` : ''}${report.result === 'ok' ? '.' : ', with errors.'}`,
    '',
    `  protected  ${count(counts.files)} files, ${count(counts.directories)} folders, ${count(counts.others)} others, ${formatBytes(counts.bytesProtected)}`,
    `  changed    ${count(counts.filesChanged)} files, ${formatBytes(counts.bytesChanged)}; ${count(report.removed)} removed`,
    ...(report.carried > 0
      ? [`  kept       ${count(report.carried)} entries as they were in the last safeset, since they could not be read`]
      : []),
    ...(report.chunks.reused > 0
      ? [
          `  shared     ${count(report.chunks.reused)} ${report.chunks.reused === 1 ? 'piece' : 'pieces'} that other computers of the safe had stored already`,
        ]
      : []),
    `  sent       ${formatBytes(report.uploadedBytes)}`,
    `  time       ${formatDuration(elapsedMs)} (${rate}/s)`,
    ...joinedLines(report),
    ...unusualLines(report),
  ];
}
