/* Results as text: columns for a terminal, or Markdown. Computation alone. */

import type { NightsResult } from './nights.ts';
import { safesetsKept } from './nights.ts';
import type { CaseResult, InputResult, ProgramResult, Results } from './results.ts';
import { ratiosOf } from './results.ts';
import { targetResults } from './targets.ts';

export type Table = readonly (readonly string[])[];

export interface Style {
  heading(text: string): string;
  /** The first row holds the names of the columns; the first `wordColumns` columns are words, the others numbers. */
  table(rows: Table, wordColumns: number): string;
}

function padded(rows: Table, wordColumns: number): string[][] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => (column < wordColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))),
  );
}

export const plainStyle: Style = {
  heading: (text) => `\n${text}\n`,
  table: (rows, wordColumns) =>
    padded(rows, wordColumns)
      .map((row) => `${row.join('  ').trimEnd()}\n`)
      .join(''),
};

export const markdownStyle: Style = {
  heading: (text) => `\n**${text}**\n\n`,
  table: (rows, wordColumns) => {
    const [names = [], ...others] = rows;
    const rule = names.map((_, column) => (column < wordColumns ? '---' : '---:'));
    return [names, rule, ...others].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');
  },
};

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 3 : bytes < 1e8 ? 2 : 0);
}

function number(value: number | null, digits: number): string {
  return value === null ? '' : value.toFixed(digits);
}

function programRow({ about }: CaseResult, { program, median }: ProgramResult): string[] {
  const { wallSeconds, userSeconds, systemSeconds, peakMiB, storedBytes, addedBytes } = median;
  return [
    about,
    program,
    wallSeconds.toFixed(2),
    userSeconds.toFixed(2),
    systemSeconds.toFixed(2),
    peakMiB.toFixed(0),
    storedBytes === null ? '' : megabytes(storedBytes),
    addedBytes === null ? '' : megabytes(addedBytes),
  ];
}

const columns = ['case', 'program', 'wall s', 'user s', 'system s', 'peak MiB', 'MB stored', 'MB sent'];
const ratioColumns = ['times faster', 'CPU share', 'stored share', 'sent share'];

function inputTable({ cases }: InputResult): Table {
  const rows = cases.flatMap((result) => {
    const { timesFaster, cpuShare, storedShare, addedShare } = ratiosOf(result);
    return result.programs.map((each) => {
      const ratios = each.role === 'subject' ? [timesFaster, cpuShare, storedShare, addedShare] : [null, null, null, null];
      return [...programRow(result, each), ...ratios.map((ratio) => number(ratio, ratio !== null && ratio < 0.1 ? 4 : 2))];
    });
  });
  return [[...columns, ...ratioColumns], ...rows];
}

function notes({ cases }: InputResult): string {
  const changed = cases.flatMap(({ about, changed: change }) => {
    if (change === null) return [];
    const least = change.leastBytes === null ? '' : `; ${megabytes(change.leastBytes)} MB are the least that could be sent`;
    return [`${about}: ${megabytes(change.bytes)} MB${least}`];
  });
  const into = cases.flatMap(({ fileSystem }) => (fileSystem === null ? [] : [`restored into: ${fileSystem}, new each time`]));
  return [...changed, ...into].map((line) => `${line}\n`).join('');
}

function nightsTable(nights: readonly NightsResult[]): Table {
  const head = [
    'of',
    'nights',
    'MB',
    'first stored MB',
    'MB sent',
    'least MB',
    'by the least',
    `MB stored, ${safesetsKept} kept`,
    'by the first',
    'MB read',
    'by the first',
    'CPU s a night',
  ];
  return [
    head,
    ...nights.map((night) => [
      night.of,
      String(night.nights),
      megabytes(night.dataBytes),
      megabytes(night.firstStoredBytes),
      megabytes(night.sentBytes),
      megabytes(night.leastBytes),
      (night.sentBytes / night.leastBytes).toFixed(3),
      megabytes(night.storedBytes),
      (night.storedBytes / night.firstStoredBytes).toFixed(2),
      megabytes(night.restoreReadBytes),
      (night.restoreReadBytes / night.firstStoredBytes).toFixed(2),
      (night.cpuSeconds / night.nights).toFixed(2),
    ]),
  ];
}

function targetsTable(results: Results): Table {
  const rows = targetResults(results).map(({ what, input, measured, target, better, met }) => {
    const [wish, by] = better === 'more' ? ['at least', measured / target] : ['at most', target / measured];
    return [what, input, `${wish} ${target}`, measured.toFixed(2), `${met ? 'met' : 'missed'}, ${by.toFixed(2)}`];
  });
  return [['target', 'input', 'wanted', 'measured', 'outcome'], ...rows];
}

/** The whole report. */
export function reportText(results: Results, style: Style): string {
  const { machine, programs, scale, rounds, inputs, nights } = results;
  const parts = [
    style.heading('Machine and programs'),
    style.table([['what', 'version'], ['machine', machine], ...programs.map(({ name, version }) => [name, version])], 2),
  ];
  for (const input of inputs) {
    const { files, bytes } = input.size;
    parts.push(
      style.heading(
        `${input.name}: ${input.about}; ${files} files, ${megabytes(bytes)} MB; scale ${scale}, medians of ${rounds}`,
      ),
    );
    parts.push(style.table(inputTable(input), 2), `\n${notes(input)}`);
  }
  if (nights.length > 0) {
    parts.push(
      style.heading(
        'Nights: each changes 1 % of the 4 KiB pages of a database, or 2 % of many small files; these count as what the first backup stored',
      ),
    );
    parts.push(style.table(nightsTable(nights), 1));
  }
  const targets = targetsTable(results);
  if (targets.length > 1) {
    parts.push(style.heading('Targets; the outcome says by which factor they are exceeded (above 1) or missed (below 1)'));
    parts.push(style.table(targets, 3));
  }
  return parts.join('');
}
