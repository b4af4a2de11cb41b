/** `twinvault check`: what the vault can tell without keys, and, with the password or the kit, what only they can tell. */
import { verifySafe } from '@twinvault/engine';
import type { SiteFinding, VerifyProblem, VerifyProgress, VerifyReport } from '@twinvault/engine';
import { openSafeReader } from '@twinvault/seal';
import type { OpenedSafe } from '@twinvault/seal';
import { siteFailure } from '@twinvault/protocol';
import { CodedError, formatBytes, toHex } from '@twinvault/std';
import type { CheckProblem, CheckProgress, CheckReport } from '@twinvault/vault';
import { explain } from '../errors/explain.ts';
import { sentences } from '../errors/sentences.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { JsonObject } from '../output/output.ts';
import { findingsJson, isAlarm } from '../output/site-findings.ts';
import type { Step } from '../output/progress.ts';
import type { VerbContext } from '../wiring/context.ts';
import { compared } from '../wiring/compare-sites.ts';
import { openOperated } from '../wiring/open-operated.ts';
import type { OperatedVault } from '../wiring/open-operated.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { optionsOfEach } from '../wiring/open-remote.ts';
import { findSafe, openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { hasSecret } from '../wiring/passwords.ts';
import { formatCount } from '../output/table.ts';

export interface CheckVerbOptions extends OpenSafeOptions, VaultOptions {
  readonly safe?: string | undefined;
  readonly readData?: true | undefined;
  readonly setAside?: true | undefined;
}

type OpenLabel = (label: string) => Promise<OpenedSafe>;

interface Findings {
  /** As it was named. */
  readonly site: string;
  readonly vault: CheckReport;
  readonly sealed: VerifyReport | null;
}

/** Each site by itself, then one against the other. */
export async function check(context: VerbContext, options: CheckVerbOptions): Promise<void> {
  const sites = await optionsOfEach(context, options);
  const found: Findings[] = [];
  let failure: unknown = null;
  const open = openedOnce(context, options);
  for (const one of sites) {
    try {
      found.push(await checkSite(context, one, open));
    } catch (error) {
      if (sites.length === 1 || siteFailure(error) === null) throw error;
      failure ??= error;
      const { sentence } = explain(error, false);
      context.output.note(`${one.vault} could not be checked: ${sentence}`);
    }
  }
  if (found.length === 0) throw failure;
  context.progress.finish();
  const comparison = await compareSafes(context, options);
  tell(context, { found, compared: comparison, isWhole: failure === null }, options);
}

/** The secret is asked for when it is needed first, and once for both sites; the longer one of their ledgers covers what either has. */
function openedOnce(context: VerbContext, options: CheckVerbOptions): OpenLabel {
  let opened: OpenedSafe | null = null;
  return async (label) => {
    if (opened !== null) return opened;
    await using vault = await openVault(context, options);
    opened = await openWithSecret(context, await openNamedSafe(vault, label), options);
    return opened;
  };
}

async function checkSite(context: VerbContext, options: CheckVerbOptions, open: OpenLabel): Promise<Findings> {
  await using vault = await openOperated(context, options);
  const keyed = hasSecret(options);
  if (keyed && options.safe === undefined && (await vault.safes()).length !== 1) {
    throw new UsageError('A password opens one safe: say which with --safe.');
  }
  return {
    site: options.vault,
    vault: await checkObjects(context, vault, options),
    sealed: keyed ? await checkSealed(context, vault, { options, open }) : null,
  };
}

/** What the sites show of the safe that was named, or of each, against each other and what was seen before. */
async function compareSafes(context: VerbContext, options: CheckVerbOptions): Promise<readonly SiteFinding[]> {
  const findings: SiteFinding[] = [];
  try {
    await using vault = await openVault(context, options);
    const safes = options.safe === undefined ? await vault.safes() : [await findSafe(vault, options.safe)];
    for (const { safe } of safes)
      findings.push(...(await compared(context, { vault, safe: await vault.openSafe(safe) }, options)));
  } catch (error) {
    // What is too damaged to be compared was told of by the check itself.
    if (!(error instanceof CodedError)) throw error;
  }
  return findings;
}

interface Told {
  readonly found: readonly Findings[];
  readonly compared: readonly SiteFinding[];
  /** Every site that was named could be checked. */
  readonly isWhole: boolean;
}

function tell(context: VerbContext, { found, compared: findings, isWhole }: Told, options: CheckVerbOptions): void {
  const several = found.length > 1;
  const rows = found.flatMap(({ site, vault, sealed }) => {
    const at = several ? { site } : {};
    return [
      ...vault.problems.map((one) => ({ bad: one.severity !== 'note', json: { ...one, ...at } })),
      ...(sealed?.problems ?? []).map(() => ({ bad: true, json: null })),
    ];
  });
  const bad = rows.filter((row) => row.bad).length;
  if (bad > 0) context.setExit('damaged');
  else if (findings.some(isAlarm)) context.setExit('trust');
  else if (!isWhole) context.setExit('unreachable');
  const sum = (count: (report: CheckReport) => number): number => found.reduce((total, { vault }) => total + count(vault), 0);
  const sealed = found.flatMap((one) => one.sealed ?? []);
  context.output.result(
    {
      ok: bad === 0 && isWhole && !findings.some(isAlarm),
      safes: Math.max(...found.map(({ vault }) => vault.safes)),
      objects: sum(({ objects }) => objects),
      packs: sum(({ packs }) => packs),
      records: sum(({ records }) => records),
      readBytes: sum(({ readBytes }) => readBytes),
      problems: rows.flatMap(({ json }) => json ?? []),
      sealed: sealed.length === 0 ? null : sealedSum(sealed),
      findings: findingsJson(findings),
    },
    found.flatMap((one) => [...(several ? [`${one.site}:`] : []), ...linesOf(one, options)]),
  );
}

function sealedSum(reports: readonly VerifyReport[]): JsonObject {
  const sum = (count: (report: VerifyReport) => number): number => reports.reduce((total, report) => total + count(report), 0);
  return {
    safesets: sum(({ safesets }) => safesets),
    chunks: sum(({ chunks }) => chunks),
    bytes: sum(({ bytes }) => bytes),
    problems: reports.flatMap(({ problems }) => problems.map(sealedJson)),
  };
}

function linesOf(found: Findings, options: CheckVerbOptions): string[] {
  const { problems } = found.vault;
  const sealedProblems = found.sealed?.problems ?? [];
  const bad = problems.filter(({ severity }) => severity !== 'note').length + sealedProblems.length;
  return [...problemLines(problems), ...sealedProblems.map(sealedLine), ...summary(found, bad, options)];
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

async function checkSealed(
  context: VerbContext,
  vault: OperatedVault,
  { options, open }: { readonly options: CheckVerbOptions; readonly open: OpenLabel },
): Promise<VerifyReport> {
  const { platform, progress, signal } = context;
  const name = options.safe ?? (await vault.safes())[0]?.label ?? '';
  const found = await openNamedSafe(vault, name);
  const opened = await open(name);
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
