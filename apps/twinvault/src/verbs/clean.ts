/** `twinvault clean`: retention, and removal of what nothing needs. */
import type { Ledger, SafeId } from '@twinvault/format';
import type { SafeSummary, VaultSafe } from '@twinvault/protocol';
import { replayPinned } from '@twinvault/seal';
import { formatBytes, GiB, hourMs, toHex } from '@twinvault/std';
import type { CleanedPack, CleanProgress, CleanReport, KeepRules } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import { retentionReasons } from '../output/retention-reasons.ts';
import { formatCount, formatTable, formatTime } from '../output/table.ts';
import type { Step } from '../output/progress.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openOperated } from '../wiring/open-operated.ts';
import type { OperatedVault } from '../wiring/open-operated.ts';
import { findSafe } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { demandNotSigned, rulesOf } from '../wiring/retention-rules.ts';

export interface CleanVerbOptions extends VaultOptions {
  readonly safe: string;
  readonly days?: number | undefined;
  readonly copies?: number | undefined;
  readonly keep?: readonly string[] | undefined;
  readonly intraday?: true | undefined;
  readonly delayHours: number;
  /** Percent. */
  readonly unused: number;
  readonly compactGib: number;
  readonly compact: boolean;
  readonly allowLarge?: true | undefined;
  readonly clockOk?: true | undefined;
  readonly dryRun?: true | undefined;
}

/** Erase orders that are due, where no site does that by itself. True when nothing is left to be cleaned. */
async function eraseHere(context: VerbContext, vault: OperatedVault, { safe, label }: SafeSummary): Promise<boolean> {
  const orders = (await vault.erase?.(safe, { again: true, signal: context.signal })) ?? [];
  const begun = orders.filter(({ certificate }) => certificate !== null);
  for (const { order, state } of begun) {
    const end = state === 'done' ? 'is carried out' : 'was begun, and something waits: twinvault safe erase shows what';
    context.output.note(`Erase order ${order.slice(0, 8)} of safe "${label}" ${end}.`);
  }
  const isWhole = begun.some(({ certificate }) => certificate?.jobs === null);
  if (isWhole) context.output.result({ label, erased: true, orders: begun.map(({ order, state }) => ({ order, state })) }, []);
  return isWhole;
}

export async function clean(context: VerbContext, options: CleanVerbOptions): Promise<void> {
  await using vault = await openOperated(context, options);
  const { safe, label } = await findSafe(vault, options.safe);
  if (options.dryRun !== true && (await eraseHere(context, vault, { safe, label }))) return;
  const keep = keepRules(options, await ledgerOf(await vault.openSafe(safe)));
  const names = await safesetNames(vault, safe);
  const report = await vault.clean(safe, {
    keep,
    dryRun: options.dryRun === true,
    quarantineMs: options.delayHours * hourMs,
    compact: options.compact ? { unusedMax: options.unused / 100, bytesMax: options.compactGib * GiB } : null,
    signal: context.signal,
    progress: (told) => context.progress.report(stepOf(told)),
    ...(options.allowLarge === true ? { shareMax: 1 } : {}),
    ...(options.clockOk === true ? { clockOk: true } : {}),
  });
  context.progress.finish();
  context.output.result(
    {
      label,
      ...report,
      records: report.records.map((one) => ({ ...one, safeset: names.get(one.record) ?? null })),
      packs: report.packs.map((one) => ({ ...one })),
      compaction: { ...report.compaction },
    },
    lines({ report, label, names }),
  );
}

/** As the vault itself replays it: clean-up holds no key and no memory of the safe. */
async function ledgerOf(safe: VaultSafe): Promise<Ledger> {
  return replayPinned({ descriptor: await safe.descriptor(), ledger: await safe.ledger(1) });
}

function keepRules({ days, copies, keep, intraday }: CleanVerbOptions, ledger: Ledger): KeepRules {
  if ((days === undefined) !== (copies === undefined))
    throw new UsageError('--days and --copies go together: a safeset goes only when it is beyond both.');
  if (days === undefined && keep === undefined && ledger.retentions().size === 0) {
    throw new UsageError(
      'Say what to keep: twinvault safe retention writes it into the safe for good; --days N --copies N for all types, or --keep TYPE=DAYS/COPIES for one, say it for this time. --dry-run shows what would go.',
    );
  }
  const types = rulesOf(keep ?? [], intraday === true);
  demandNotSigned(types, ledger);
  return {
    types,
    ...(days === undefined || copies === undefined ? {} : { others: { days, copies, intraday: intraday === true } }),
  };
}

const steps = {
  records: 'Safesets',
  packs: 'Packs',
  retire: 'Retiring',
  compact: 'Compacting',
  mark: 'Marking',
  'second-mark': 'Marking',
  delete: 'Removing',
  sweep: 'Sweeping',
} as const;

function stepOf({ step, done, total }: CleanProgress): Step {
  return { phase: steps[step], done, total, unit: 'objects' };
}

const reasons: Readonly<Record<string, string>> = {
  ...retentionReasons,
  replaced: 'replaced by a newer one',
  apart: 'the two sites are apart',
  clock: 'a clock is wrong',
  'no-consent': 'the home site has not retired it',
};

const heldBackLines: Readonly<Record<string, string>> = {
  apart:
    'Nothing was retired or deleted: this site has not read its twin to the end for a day. It goes on by itself when the sites have met again; twinvault vault twins shows what is in the way.',
  clock:
    'Nothing was retired or deleted: the clocks of the two sites differ by more than an hour. Set the wrong one right; it goes on by itself.',
};

/** From record digests to the ids that people know. */
async function safesetNames(vault: OperatedVault, safe: SafeId): Promise<ReadonlyMap<string, string>> {
  const records = await (await vault.openSafe(safe)).records();
  return new Map(records.map((record) => [toHex(record.digest), toHex(record.public.safeset)]));
}

interface CleanLines {
  readonly report: CleanReport;
  readonly label: string;
  readonly names: ReadonlyMap<string, string>;
}

function lines({ report, label, names }: CleanLines): string[] {
  const { dryRun } = report;
  const goes = dryRun ? 'would go' : 'retired';
  const rows = report.records.map((one) => [
    (names.get(one.record) ?? '').slice(0, 8),
    formatTime(one.receivedMs),
    one.job,
    one.type,
    one.kind === 'checkpoint' ? 'checkpoint' : '',
    one.action === 'keep' ? 'stays' : goes,
    reasons[one.reason] ?? one.reason,
  ]);
  const table = formatTable(
    [
      { title: 'Safeset' },
      { title: 'Received' },
      { title: 'Job' },
      { title: 'Type' },
      { title: '' },
      { title: 'What' },
      { title: 'Why' },
    ],
    rows,
  );
  const held = report.heldBack === null ? [] : [heldBackLines[report.heldBack] ?? report.heldBack, ''];
  return [...(rows.length === 0 ? [] : [...table, '']), ...flagLines(report), ...held, ...packLines(report, label)];
}

function flagLines({ records }: CleanReport): string[] {
  if (!records.some(({ reason }) => reason === 'flagged')) return [];
  return [
    'A flagged safeset keeps all older ones of its job. Compare it with an older one; when all is well, twinvault safe flag SAFESET --off lifts the flag.',
    '',
  ];
}

function packLines(report: CleanReport, label: string): string[] {
  const { dryRun } = report;
  const of = (action: CleanedPack['action']): readonly CleanedPack[] => report.packs.filter((pack) => pack.action === action);
  const amount = (packs: readonly CleanedPack[]): string =>
    `${packs.length} ${packs.length === 1 ? 'pack' : 'packs'}, ${formatBytes(packs.reduce((sum, { bytes }) => sum + bytes, 0))}`;
  const [marked, waiting, removed] = [of('quarantine'), of('wait'), of('delete')];
  const all = [
    removed.length > 0 ? `${dryRun ? 'Would be removed' : 'Removed'}: ${amount(removed)}.` : '',
    marked.length > 0
      ? `${dryRun ? 'Would be set aside' : 'Set aside'}: ${amount(marked)}. A later clean removes them when the delay is over.`
      : '',
    waiting.length > 0 ? `Waiting from before: ${amount(waiting)}.` : '',
    report.stopped
      ? `This is ${Math.round(100 * report.markedShare)} % of the safe: without --allow-large the clean-up stops here.`
      : '',
  ].filter((line) => line !== '');
  all.unshift(...compactionLines(report));
  const total = `Safe "${label}" holds ${formatCount(report.totalPacks)} packs, ${formatBytes(report.totalBytes)}, before removal.`;
  return all.length === 0 ? ['Nothing to remove.', total] : [...all, total];
}

function compactionLines({ compaction, dryRun }: CleanReport): string[] {
  const { sources, sourceBytes, liveBytes, deadBytes, packs, bytes, damaged, stopped } = compaction;
  const count = (number: number): string => `${formatCount(number)} ${number === 1 ? 'pack' : 'packs'}`;
  const what = `${count(sources)}, ${formatBytes(sourceBytes)}: ${formatBytes(liveBytes)} needed, ${formatBytes(deadBytes)} not`;
  const told: string[] = [];
  if (sources > 0 && dryRun) told.push(`Would be compacted: ${what}.`);
  else if (sources > 0 || packs > 0) told.push(`Compacted: ${what}. Made: ${count(packs)}, ${formatBytes(bytes)}.`);
  if (damaged.length > 0) {
    told.push(
      `Not compacted, since damaged: ${damaged.join(', ')}. Run "twinvault check --read-data" to see what depends on it.`,
    );
  }
  if (stopped !== null)
    told.push('Compaction stopped early: the disk is full. It goes on when a later clean has removed what is set aside.');
  return told;
}
