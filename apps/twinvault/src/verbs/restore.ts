/** `twinvault restore`: a safeset, or a part of it, below a directory or in its original place. */
import { resolve } from 'node:path';
import { restore } from '@twinvault/engine';
import type { RestoreProgress, RestoreReport, RestoreRule, RestoreTotals, SiteFinding } from '@twinvault/engine';
import type { RecordSummary } from '@twinvault/protocol';
import { writeSecret } from '@twinvault/seal';
import { linuxTarget } from '@twinvault/sources';
import { formatBytes, formatDuration, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { entryErrorJson, entryErrorLines } from '../output/entry-errors.ts';
import type { Step } from '../output/progress.ts';
import { formatCount, formatTime } from '../output/table.ts';
import { findingsJson } from '../output/site-findings.ts';
import { compared } from '../wiring/compare-sites.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenedSafeset, SafesetOptions } from '../wiring/open-safeset.ts';
import { openSafeset } from '../wiring/open-safeset.ts';
import { openVault } from '../wiring/open-vault.ts';
import { absolutePathBytes, safesetPath } from '../wiring/paths.ts';
import { markRestore } from '../wiring/restore-marks.ts';
import type { RestoreMark } from '../wiring/restore-marks.ts';
import { stateDirectory } from '../wiring/state-directory.ts';

export interface RestoreVerbOptions extends SafesetOptions {
  readonly to?: string | undefined;
  readonly inPlace?: true | undefined;
  readonly strip?: string | undefined;
  readonly conflict: RestoreRule;
  readonly startAnew?: true | undefined;
  readonly dryRun?: true | undefined;
}

export async function restoreVerb(context: VerbContext, paths: readonly string[], options: RestoreVerbOptions): Promise<void> {
  const { platform, progress, signal } = context;
  const to = targetOf(options);
  const startMs = platform.clock.monotonicMs();
  await using vault = await openVault(context, options);
  await using opened = await openSafeset(context, vault, options);
  const { reader, safeset, summary, vaultSafe } = opened;
  const findings = await compared(context, { vault, safe: vaultSafe }, options);
  const mark = options.dryRun === true ? null : await markOf(context, paths, { options, to, opened });
  const seen = new Totals(context, to, options.dryRun === true);
  try {
    const report = await restore({
      contents: {
        writeSecret: writeSecret(reader.opened.rootSecret),
        catalog: safeset.catalog,
        chunks: safeset.chunks,
        reading: safeset.reading,
      },
      target: linuxTarget({ root: absolutePathBytes(to) }),
      threads: platform.threads,
      paths: paths.map(safesetPath).filter((path) => path.length > 0),
      strip: options.strip === undefined ? new Uint8Array() : safesetPath(options.strip),
      conflict: options.conflict,
      brokenOffMs: mark?.brokenOffMs ?? undefined,
      onTotals: (totals) => seen.take(totals),
      signal,
      progress: (told) => progress.report(stepOf(told)),
    });
    await mark?.remove();
    tell(context, report, { findings, summary, to, elapsedMs: Math.max(1, platform.clock.monotonicMs() - startMs) });
  } catch (error) {
    if (!(error instanceof OnlyCounted)) throw error;
    const { entries, bytes, freeBytes } = error.totals;
    context.output.result({ safeset: toHex(summary.public.safeset), to, dryRun: true, entries, bytes, freeBytes }, []);
  }
}

function targetOf({ to, inPlace }: RestoreVerbOptions): string {
  if (inPlace === true && to !== undefined) throw new UsageError('Give either --to or --in-place, not both.');
  if (inPlace === true) return '/';
  if (to === undefined) throw new UsageError('Say where to: --to DIRECTORY, or --in-place for the original paths.');
  return to;
}

async function markOf(
  { platform, output }: VerbContext,
  paths: readonly string[],
  about: { readonly options: RestoreVerbOptions; readonly to: string; readonly opened: OpenedSafeset },
): Promise<RestoreMark> {
  const { options, to, opened } = about;
  const { safe, safeset } = opened.summary.public;
  const identity = {
    safe: toHex(safe),
    safeset: toHex(safeset),
    target: resolve(to),
    conflict: options.conflict,
    strip: options.strip ?? '',
    paths,
  };
  const where = { stateDirectory: stateDirectory(options.state), identity };
  const startsAnew = options.startAnew === true;
  const mark = await markRestore(platform.files, where, { nowMs: platform.clock.nowMs(), startsAnew });
  if (mark.brokenOffMs !== null) {
    const when = formatTime(mark.brokenOffMs);
    output.note(`Going on with the same restore that was broken off; it began at ${when}. --start-anew forgets it.`);
  }
  return mark;
}

class OnlyCounted extends Error {
  override readonly name = 'OnlyCounted';
  readonly totals: RestoreTotals;

  constructor(totals: RestoreTotals) {
    super('only counted');
    this.totals = totals;
  }
}

/** Says how much it is before anything is written. */
class Totals {
  readonly #context: VerbContext;
  readonly #to: string;
  readonly #isAll: boolean;

  constructor(context: VerbContext, to: string, isAll: boolean) {
    this.#context = context;
    this.#to = to;
    this.#isAll = isAll;
  }

  take(totals: RestoreTotals): void {
    const { entries, bytes, freeBytes } = totals;
    const { output } = this.#context;
    const where = this.#to === '/' ? 'to the original paths' : `to ${this.#to}`;
    output.note(`${formatCount(entries)} entries, ${formatBytes(bytes)}, ${where} (${formatBytes(freeBytes)} free).`);
    if (bytes > freeBytes)
      output.note('That may be more than fits; holes of sparse files and what is there already are counted.');
    if (this.#isAll) throw new OnlyCounted(totals);
  }
}

function tell(
  context: VerbContext,
  report: RestoreReport,
  about: {
    readonly findings: readonly SiteFinding[];
    readonly summary: RecordSummary;
    readonly to: string;
    readonly elapsedMs: number;
  },
): void {
  context.progress.finish();
  if (report.damagedChunks > 0) context.setExit('damaged');
  else if (report.errors.length > 0) context.setExit('withErrors');
  const { safeset, endMs } = about.summary.public;
  const from = `${toHex(safeset).slice(0, 8)} of ${formatTime(endMs)}`;
  context.output.result(
    { safeset: toHex(safeset), to: about.to, findings: findingsJson(about.findings), ...reportJson(report) },
    lines(report, { ...about, from }),
  );
}

const phases = { counting: 'Counting', restoring: 'Restoring', finishing: 'Finishing' } as const;

function stepOf(told: RestoreProgress): Step {
  return { phase: phases[told.phase], done: told.bytes, total: told.bytesTotal, unit: 'bytes', files: told.entries };
}

function reportJson(report: RestoreReport): { readonly [key: string]: number | readonly ReturnType<typeof entryErrorJson>[] } {
  const { files, directories, others, skipped, already, bytes, errorsUnlisted, damagedChunks } = report;
  return {
    files,
    directories,
    others,
    skipped,
    already,
    bytes,
    damagedChunks,
    errorsUnlisted,
    errors: report.errors.map(entryErrorJson),
  };
}

function lines(
  report: RestoreReport,
  about: { readonly from: string; readonly to: string; readonly elapsedMs: number },
): string[] {
  const count = (value: number): string => formatCount(value);
  const total = report.errors.length + report.errorsUnlisted;
  const rate = formatBytes(Math.round((report.bytes / about.elapsedMs) * 1000));
  return [
    ...entryErrorLines(report.errors, total),
    ...(report.damagedChunks > 0
      ? [
          `${report.damagedChunks === 1 ? '1 stored piece is' : `${count(report.damagedChunks)} stored pieces are`} damaged or missing in the vault. twinvault check --read-data tells more.`,
          '',
        ]
      : []),
    `Restored safeset ${about.from} to ${about.to === '/' ? 'its original place' : about.to}${total === 0 ? '; every byte was verified.' : ', with errors.'}`,
    '',
    `  restored  ${count(report.files)} files, ${count(report.directories)} folders, ${count(report.others)} others, ${formatBytes(report.bytes)}`,
    ...(report.already > 0 ? [`  there     ${count(report.already)} were restored before it was broken off`] : []),
    ...(report.skipped > 0
      ? [`  left out  ${count(report.skipped)} that stood there already; --conflict says what to do with them`]
      : []),
    `  time      ${formatDuration(about.elapsedMs)} (${rate}/s)`,
  ];
}
