/** `twinvault check`: what the vault can tell without keys, and, with the password or the kit, what only they can tell. */
import { verifySafe } from '@twinvault/engine';
import type { VerifyProblem, VerifyProgress, VerifyReport } from '@twinvault/engine';
import { openSafeReader } from '@twinvault/seal';
import { formatBytes, toHex } from '@twinvault/std';
import type { CheckProblem, CheckProgress, CheckReport } from '@twinvault/vault';
import { sentences } from '../errors/sentences.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Step } from '../output/progress.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openOperated } from '../wiring/open-operated.ts';
import type { OperatedVault } from '../wiring/open-operated.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { findSafe, openNamedSafe } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { hasSecret } from '../wiring/passwords.ts';
import { formatCount } from '../output/table.ts';

export interface CheckVerbOptions extends OpenSafeOptions, VaultOptions {
  readonly safe?: string | undefined;
  readonly readData?: true | undefined;
  readonly setAside?: true | undefined;
}

interface Findings {
  readonly vault: CheckReport;
  readonly sealed: VerifyReport | null;
}

export async function check(context: VerbContext, options: CheckVerbOptions): Promise<void> {
  await using vault = await openOperated(context, options);
  const keyed = hasSecret(options);
  if (keyed && options.safe === undefined && (await vault.safes()).length !== 1) {
    throw new UsageError('A password opens one safe: say which with --safe.');
  }
  const found: Findings = {
    vault: await checkObjects(context, vault, options),
    sealed: keyed ? await checkSealed(context, vault, options) : null,
  };
  context.progress.finish();
  const { problems } = found.vault;
  const sealedProblems = found.sealed?.problems ?? [];
  const bad = problems.filter(({ severity }) => severity !== 'note').length + sealedProblems.length;
  if (bad > 0) context.setExit('damaged');
  context.output.result(
    {
      ok: bad === 0,
      safes: found.vault.safes,
      objects: found.vault.objects,
      packs: found.vault.packs,
      records: found.vault.records,
      readBytes: found.vault.readBytes,
      problems: problems.map((one) => ({ ...one })),
      sealed: found.sealed === null ? null : { ...found.sealed, problems: sealedProblems.map(sealedJson) },
    },
    [...problemLines(problems), ...sealedProblems.map(sealedLine), ...summary(found, bad, options)],
  );
}

async function checkObjects(context: VerbContext, vault: OperatedVault, options: CheckVerbOptions): Promise<CheckReport> {
  const { progress, signal } = context;
  return vault.check({
    readData: options.readData === true,
    setAside: options.setAside === true,
    signal,
    progress: (told) => progress.report(stepOf(told)),
    ...(options.safe === undefined ? {} : { safe: (await findSafe(vault, options.safe)).safe }),
  });
}

async function checkSealed(context: VerbContext, vault: OperatedVault, options: CheckVerbOptions): Promise<VerifyReport> {
  const { platform, progress, signal } = context;
  const name = options.safe ?? (await vault.safes())[0]?.label ?? '';
  const found = await openNamedSafe(vault, name);
  const opened = await openWithSecret(context, found, options);
  return verifySafe({
    reader: openSafeReader({ vaultSafe: found.safe, opened }),
    readData: options.readData === true,
    threads: platform.threads,
    signal,
    progress: (told) => progress.report(sealedStepOf(told)),
  });
}

function stepOf({ step, done, total, doneBytes, totalBytes }: CheckProgress): Step {
  if (totalBytes > 0) return { phase: 'Reading', done: doneBytes, total: totalBytes, unit: 'bytes' };
  return { phase: { objects: 'Objects', packs: 'Packs', records: 'Safesets' }[step], done, total, unit: 'objects' };
}

function sealedStepOf(told: VerifyProgress): Step {
  if (told.phase === 'refs') return { phase: 'Opening', done: told.safesets, total: told.safesetsTotal, unit: 'objects' };
  return { phase: 'Opening', done: told.bytes, total: null, unit: 'bytes' };
}

function problemLines(problems: readonly CheckProblem[]): string[] {
  return problems.flatMap(({ severity, object, meaning, advice, detail }) => [
    `${{ loss: 'LOSS', fault: 'FAULT', note: 'note' }[severity]}  ${object}`,
    `  ${meaning}${detail === '' ? '' : ` (${detail})`}`,
    `  ${advice}`,
  ]);
}

function sealedJson(problem: VerifyProblem): { safeset: string; record: string; code: string; chunks: number } {
  return { safeset: toHex(problem.safeset), record: toHex(problem.record), code: problem.code, chunks: problem.chunks };
}

function sealedLine(problem: VerifyProblem): string {
  const what = sentences[problem.code]?.sentence ?? problem.code;
  const count = problem.chunks > 0 ? ` (${problem.chunks === 1 ? '1 piece' : `${formatCount(problem.chunks)} pieces`})` : '';
  return `LOSS  safeset ${toHex(problem.safeset).slice(0, 8)}: ${what}${count}`;
}

function summary({ vault, sealed }: Findings, bad: number, options: CheckVerbOptions): string[] {
  const count = (value: number): string => formatCount(value);
  const read = options.readData === true ? `${formatBytes(vault.readBytes)} read` : 'content not read: --read-data does that';
  const lines = [
    `Checked ${count(vault.safes)} ${vault.safes === 1 ? 'safe' : 'safes'}: ${count(vault.records)} records, ${count(vault.packs)} packs, ${read}.`,
  ];
  if (sealed !== null) {
    const opened = options.readData === true ? `, ${count(sealed.chunks)} pieces opened and compared with their ids` : '';
    lines.push(`Opened ${count(sealed.safesets)} safesets: what each refers to is what its catalog needs${opened}.`);
  }
  lines.push(bad === 0 ? 'Everything is there and undamaged.' : `${count(bad)} ${bad === 1 ? 'problem' : 'problems'} found.`);
  if (options.setAside !== true && vault.problems.some(({ code }) => code === 'pack-damaged')) {
    lines.push(
      'twinvault check --read-data --set-aside moves damaged packs aside; the next backups then store again what they held.',
    );
  }
  if (bad > 0 && sealed !== null && sealed.problems.length > 0) lines.splice(1, 1);
  return lines;
}
