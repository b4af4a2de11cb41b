/** `twinvault verify`: what the vault holds, compared with the live files of this computer, without a password. */
import { verifyLive } from '@twinvault/engine';
import type { LiveEntry, LiveState, VerifyLiveReport } from '@twinvault/engine';
import { linuxFileReader } from '@twinvault/sources';
import { formatBytes, toHex } from '@twinvault/std';
import { formatCount, formatTime, printableName } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openState } from '../wiring/open-safe.ts';
import { openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { openOwnSafe } from '../wiring/own-safe.ts';
import { absolutePathBytes, safesetPath } from '../wiring/paths.ts';

export interface VerifyVerbOptions extends VaultOptions {
  readonly safe: string;
  readonly job: string;
  readonly all?: true | undefined;
  readonly state?: string | undefined;
}

export async function verifyVerb(context: VerbContext, paths: readonly string[], options: VerifyVerbOptions): Promise<void> {
  const { output, progress, signal } = context;
  await using vault = await openVault(context, options);
  const { label, safe, agent } = await openOwnSafe(context, vault, options);
  const state = openState(context, options.state);
  const report = await verifyLive({
    vault: safe,
    agent,
    job: options.job,
    state,
    reader: linuxFileReader(),
    paths: paths.map((path) => safesetPath(new TextDecoder().decode(absolutePathBytes(path)))),
    progress: ({ chunks, chunksTotal }) =>
      progress.report({ phase: 'Comparing', done: chunks, total: chunksTotal, unit: 'objects' }),
    signal,
  });
  progress.finish();
  const { counts } = report;
  const bad = counts.damaged + counts.missing;
  if (bad > 0) context.setExit('damaged');
  for (const entry of report.entries) {
    if (options.all === true || entry.state !== 'same') output.item(entryJson(entry), entryLine(entry));
  }
  output.result(
    {
      ok: bad === 0,
      safe: toHex(safe.safe),
      label,
      job: options.job,
      record: toHex(report.record),
      sequence: report.sequence,
      counts: { ...counts },
      fileBytes: report.fileBytes,
      chunks: report.chunks,
      readBytes: report.bytes,
    },
    summary(report, options.job),
  );
}

function entryJson({ path, state }: LiveEntry): { path: string; state: LiveState } {
  return { path: shown(path), state };
}

function entryLine({ path, state }: LiveEntry): string {
  return `${words[state].padEnd(8)}  ${shown(path)}`;
}

function shown(path: Uint8Array): string {
  return `/${printableName(path.map((byte) => (byte === 0 ? 0x2f : byte)))}`;
}

const words: Readonly<Record<LiveState, string>> = {
  same: 'same',
  unproven: 'unproven',
  changed: 'changed',
  damaged: 'DAMAGED',
  missing: 'MISSING',
};

function summary({ counts, record, endMs, chunks, bytes, fileBytes }: VerifyLiveReport, job: string): string[] {
  const count = (value: number): string => `${formatCount(value)} ${value === 1 ? 'file' : 'files'}`;
  const lines: readonly (readonly [number, string])[] = [
    [counts.same, `${count(counts.same)} as they are on this computer: the vault holds their content, byte for byte.`],
    [counts.changed, `${count(counts.changed)} changed or removed on this computer since: the next backup stores that.`],
    [
      counts.unproven,
      `${count(counts.unproven)} stored together with something that changed since: the vault has the bytes, but they cannot be compared.`,
    ],
    [counts.damaged, `${count(counts.damaged)} DAMAGED at the vault.`],
    [counts.missing, `${count(counts.missing)} MISSING at the vault.`],
  ];
  const bad = counts.damaged + counts.missing;
  return [
    `Compared the last safeset of job "${job}" (record ${toHex(record).slice(0, 8)} of ${formatTime(endMs)}), ${formatBytes(fileBytes)}: ${formatCount(chunks)} stored ${chunks === 1 ? 'piece' : 'pieces'}, ${formatBytes(bytes)} read from the vault.`,
    ...lines.filter(([number]) => number > 0).map(([, line]) => `  ${line}`),
    bad === 0
      ? 'Nothing that was compared is damaged or missing.'
      : 'twinvault check --read-data --set-aside moves damaged packs aside; the next backup then stores again what they held.',
  ];
}
