/** `twinvault vault usage`: what each job of each safe uses at a site, as metering has it. */
import { dayMs, formatBytes, toHex, utf8Encode } from '@twinvault/std';
import type { MeteringAnswer } from '@twinvault/protocol/wire';
import { UsageError } from '../errors/usage-error.ts';
import { formatCount, formatTable, printableName } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { isAddress, openRemote } from '../wiring/open-remote.ts';
import type { VaultOptions } from '../wiring/open-remote.ts';
import { placesOf } from '../wiring/vault-places.ts';

export interface VaultUsageOptions extends VaultOptions {
  /** Days since 1970 in UTC; the newest that was measured when left out. */
  readonly day?: number | undefined;
  readonly customer?: string | undefined;
}

type Row = MeteringAnswer['rows'][number];

/** A safe is measured four times a day: one that was not for longer has nothing in it. */
const recentDays = 7;

export async function vaultUsage(context: VerbContext, options: VaultUsageOptions): Promise<void> {
  if (placesOf(options.vault).length > 1 || !isAddress(options.vault))
    throw new UsageError('This asks one site that runs: give a token for it with --token-file.');
  await using vault = await openRemote(context, options);
  const today = Math.floor(context.platform.clock.nowMs() / dayMs);
  const from = options.day ?? today - recentDays + 1;
  const all = await vault.metering({ from, to: (options.day ?? today) + 1 });
  const rows = newestOf(all.filter(({ customer }) => options.customer === undefined || customer === options.customer));
  const labels = new Map((await vault.safes()).map(({ safe, label }) => [toHex(safe), label]));
  const total = {
    protectedBytes: sumOf(rows, ({ protectedBytes }) => protectedBytes),
    storedBytes: sumOf(rows, ({ storedBytes }) => storedBytes),
    safesets: sumOf(rows, ({ safesets }) => safesets),
  };
  context.output.result(
    { rows: rows.map(({ day, ...row }) => ({ ...row, day: dayText(day), label: labels.get(row.safe) ?? '' })), ...total },
    linesOf(rows, labels, total),
  );
}

/** Of each safe the rows of the last day that has any. */
function newestOf(rows: readonly Row[]): Row[] {
  const newest = new Map<string, number>();
  for (const { safe, day } of rows) newest.set(safe, Math.max(newest.get(safe) ?? 0, day));
  return rows
    .filter(({ safe, day }) => newest.get(safe) === day)
    .sort((a, b) => compare(a.customer, b.customer) || compare(a.safe, b.safe) || compare(a.job, b.job));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sumOf(rows: readonly Row[], of: (row: Row) => number): number {
  return rows.reduce((sum, row) => sum + of(row), 0);
}

function dayText(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

function linesOf(
  rows: readonly Row[],
  labels: ReadonlyMap<string, string>,
  total: Pick<Row, 'protectedBytes' | 'storedBytes' | 'safesets'>,
): string[] {
  if (rows.length === 0) return ['Nothing was measured yet: a site measures each safe every six hours.'];
  const columns = [
    ...['Customer', 'Safe', 'Job', 'Day'].map((title) => ({ title })),
    ...['Protected', 'Stored', 'Safesets'].map((title) => ({ title, align: 'right' as const })),
  ];
  const amounts = ({ protectedBytes, storedBytes, safesets }: typeof total): string[] => [
    formatBytes(protectedBytes),
    formatBytes(storedBytes),
    formatCount(safesets),
  ];
  const shown = rows.map((row) => [
    row.customer === row.safe ? '(its own)' : printable(row.customer),
    `${row.safe.slice(0, 8)} ${printable(labels.get(row.safe) ?? '')}`,
    row.job === '' ? '(of no job)' : printable(row.job),
    dayText(row.day),
    ...amounts(row),
  ]);
  return formatTable(columns, [...shown, ['Together', '', '', '', ...amounts(total)]]);
}

function printable(text: string): string {
  return printableName(utf8Encode(text));
}
