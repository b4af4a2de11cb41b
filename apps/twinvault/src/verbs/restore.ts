/** `twinvault restore`: a safeset, or a part of it, below a directory. */
import { restore } from '@twinvault/engine';
import type { ConflictRule, RestoreProgress, RestoreReport } from '@twinvault/engine';
import { writeSecret } from '@twinvault/seal';
import { linuxTarget } from '@twinvault/sources';
import { formatBytes, formatDuration, toHex } from '@twinvault/std';
import { entryErrorJson, entryErrorLines } from '../output/entry-errors.ts';
import type { Step } from '../output/progress.ts';
import { formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { SafesetOptions } from '../wiring/open-safeset.ts';
import { openSafeset } from '../wiring/open-safeset.ts';
import { openVault } from '../wiring/open-vault.ts';
import { absolutePathBytes, safesetPath } from '../wiring/paths.ts';

export interface RestoreVerbOptions extends SafesetOptions {
  readonly to: string;
  readonly strip?: string | undefined;
  readonly conflict: ConflictRule;
}

export async function restoreVerb(context: VerbContext, paths: readonly string[], options: RestoreVerbOptions): Promise<void> {
  const { output, platform, progress, signal } = context;
  const startMs = platform.clock.monotonicMs();
  await using vault = await openVault(context, options.vault);
  await using opened = await openSafeset(context, vault, options);
  const { reader, safeset, summary } = opened;
  const report = await restore({
    contents: {
      writeSecret: writeSecret(reader.opened.rootSecret),
      catalog: safeset.catalog,
      chunks: safeset.chunks,
      reading: safeset.reading,
    },
    target: linuxTarget({ root: absolutePathBytes(options.to) }),
    threads: platform.threads,
    paths: paths.map(safesetPath).filter((path) => path.length > 0),
    strip: options.strip === undefined ? new Uint8Array() : safesetPath(options.strip),
    conflict: options.conflict,
    signal,
    progress: (told) => progress.report(stepOf(told)),
  });
  progress.finish();
  if (report.damagedChunks > 0) context.setExit('damaged');
  else if (report.errors.length > 0) context.setExit('withErrors');
  const elapsedMs = Math.max(1, platform.clock.monotonicMs() - startMs);
  const from = `${toHex(summary.public.safeset).slice(0, 8)} of ${formatTime(summary.public.endMs)}`;
  output.result(
    { safeset: toHex(summary.public.safeset), to: options.to, ...reportJson(report) },
    lines(report, { from, to: options.to, elapsedMs }),
  );
}

const phases = { counting: 'Counting', restoring: 'Restoring', finishing: 'Finishing' } as const;

function stepOf(told: RestoreProgress): Step {
  return { phase: phases[told.phase], done: told.bytes, total: told.bytesTotal, unit: 'bytes', files: told.entries };
}

function reportJson(report: RestoreReport): { readonly [key: string]: number | readonly ReturnType<typeof entryErrorJson>[] } {
  const { files, directories, others, skipped, bytes, errorsUnlisted, damagedChunks } = report;
  return { files, directories, others, skipped, bytes, damagedChunks, errorsUnlisted, errors: report.errors.map(entryErrorJson) };
}

function lines(
  report: RestoreReport,
  about: { readonly from: string; readonly to: string; readonly elapsedMs: number },
): string[] {
  const count = (value: number): string => value.toLocaleString('en-US');
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
    `Restored safeset ${about.from} to ${about.to}${total === 0 ? '; every byte was verified.' : ', with errors.'}`,
    '',
    `  restored  ${count(report.files)} files, ${count(report.directories)} folders, ${count(report.others)} others, ${formatBytes(report.bytes)}`,
    ...(report.skipped > 0
      ? [`  left out  ${count(report.skipped)} that stood there already; --conflict says what to do with them`]
      : []),
    `  time      ${formatDuration(about.elapsedMs)} (${rate}/s)`,
  ];
}
