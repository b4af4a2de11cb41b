/** What a run of a job did, for programs and for people. */
import type { BackupReport } from '@twinvault/engine';
import { formatBytes, formatDuration, toHex } from '@twinvault/std';
import { entryErrorJson, entryErrorLines } from './entry-errors.ts';
import type { JsonObject } from './output.ts';
import { formatCount } from './table.ts';

export function reportJson(report: BackupReport): JsonObject {
  return {
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

/** `at`: where it is stored, if there are several places. */
export function reportLines(
  report: BackupReport,
  { job, at }: { readonly job: string; readonly at?: string | undefined },
): string[] {
  const { counts } = report;
  const elapsedMs = Math.max(1, report.endMs - report.startMs);
  const count = (value: number): string => formatCount(value);
  const rate = formatBytes(Math.round((counts.bytesChanged / elapsedMs) * 1000));
  return [
    ...entryErrorLines(report.errors, counts.errors),
    `Safeset ${toHex(report.safeset).slice(0, 8)} of job "${job}" is stored${at === undefined ? '' : ` at ${at}`}${report.result === 'ok' ? '.' : ', with errors.'}`,
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

/** What a fork was, and that it is none any more. */
function joinedLines({ joined }: BackupReport): string[] {
  if (joined.length === 0) return [];
  const ids = joined.map(({ public: known }) => toHex(known.safeset).slice(0, 8)).join(' and ');
  return [
    '',
    `This safeset joins ${ids}: the job was continued at each site while they were apart. All of them stay whole and restore.`,
  ];
}

/** The site found the run unusual: it may be the work of ransomware, or of the user. */
function unusualLines({ measure, safeset }: BackupReport): string[] {
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
