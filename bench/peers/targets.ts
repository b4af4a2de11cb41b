/* What Twinvault wants to reach, as docs/performance.md says it, against what was measured. Computation alone. */

import { GiB, MiB } from '@twinvault/std';
import { databaseNights, safesetsKept } from './nights.ts';
import type { CaseResult, InputResult, Results } from './results.ts';
import { ratiosOf, subjectOf } from './results.ts';

export interface TargetResult {
  readonly what: string;
  readonly input: string;
  readonly measured: number;
  readonly target: number;
  /** Whether more or less is better. */
  readonly better: 'more' | 'less';
  readonly met: boolean;
}

interface Target {
  readonly what: string;
  readonly caseName: string;
  readonly target: number;
  readonly better: 'more' | 'less';
  /** Null: it cannot be said of this run. */
  measured(result: CaseResult, input: InputResult): number | null;
}

/** How much the file of an insertion may cost: 2 MB for a GiB. */
const insertionBytesOfGiB = 2e6;

function timesFasterThan(name: string, result: CaseResult): number | null {
  const other = result.programs.find(({ program }) => program === name)?.median.wallSeconds;
  const own = subjectOf(result)?.median.wallSeconds;
  return other === undefined || own === undefined || own === 0 ? null : other / own;
}

function addedBy(result: CaseResult): number | null {
  return subjectOf(result)?.median.addedBytes ?? null;
}

const targets: readonly Target[] = [
  {
    what: 'first backup, times faster',
    caseName: 'first-backup',
    target: 2.5,
    better: 'more',
    measured: (result) => ratiosOf(result).timesFaster,
  },
  {
    what: 'first backup, share of the CPU seconds',
    caseName: 'first-backup',
    target: 0.5,
    better: 'less',
    measured: (result) => ratiosOf(result).cpuShare,
  },
  {
    what: 'first backup, share of the stored bytes',
    caseName: 'first-backup',
    target: 1.02,
    better: 'less',
    measured: (result) => ratiosOf(result).storedShare,
  },
  {
    what: 'first backup, peak memory in MiB',
    caseName: 'first-backup',
    target: 300,
    better: 'less',
    measured: (result) => subjectOf(result)?.median.peakMiB ?? null,
  },
  {
    what: 'nothing changed, times faster',
    caseName: 'nothing-changed',
    target: 6,
    better: 'more',
    measured: (result) => ratiosOf(result).timesFaster,
  },
  {
    what: 'restore, times faster',
    caseName: 'restore',
    target: 1.5,
    better: 'more',
    measured: (result) => ratiosOf(result).timesFaster,
  },
  {
    what: 'restore, times faster than tar x',
    caseName: 'restore',
    target: 1,
    better: 'more',
    measured: (result) => timesFasterThan('tar x', result),
  },
  {
    what: '1 % of pages changed, sent by the least possible',
    caseName: 'pages-changed',
    target: 1.25,
    better: 'less',
    measured: (result) => {
      const [added, least] = [addedBy(result), result.changed?.leastBytes ?? null];
      return added === null || least === null || least === 0 ? null : added / least;
    },
  },
  {
    what: 'insertions, MB sent for each GiB of the file',
    caseName: 'insertions',
    target: insertionBytesOfGiB / 1e6,
    better: 'less',
    measured: (result, { size }) => {
      const added = addedBy(result);
      // A small file gets ten insertions at least, and a run costs a few kB whatever the file is: that says nothing of a GiB.
      return added === null || size.bytes < 64 * MiB ? null : (added / 1e6) * (GiB / size.bytes);
    },
  },
];

function compare(measured: number, { target, better }: Pick<Target, 'target' | 'better'>): boolean {
  return better === 'more' ? measured >= target : measured <= target;
}

export function targetResults(results: Results): TargetResult[] {
  const ofCases = results.inputs.flatMap((input) =>
    targets.flatMap((target) => {
      const result = input.cases.find(({ name }) => name === target.caseName);
      const measured = result === undefined ? null : target.measured(result, input);
      if (measured === null) return [];
      return [
        {
          what: target.what,
          input: input.name,
          measured,
          target: target.target,
          better: target.better,
          met: compare(measured, target),
        },
      ];
    }),
  );
  const ofDatabase = results.nights.filter((night) => night.of === databaseNights.of);
  const ofNights = ofDatabase.flatMap((night) => {
    const row = (what: string, measured: number, target: number): TargetResult => ({
      what: `${night.nights} nights, ${what}`,
      input: 'database',
      measured,
      target,
      better: 'less',
      met: measured <= target,
    });
    return [
      row('sent by the least possible', night.sentBytes / night.leastBytes, 1.35),
      row(`stored with ${safesetsKept} kept, by the file`, night.storedBytes / night.firstStoredBytes, 2.5),
      row('read by a restore, by the file', night.restoreReadBytes / night.firstStoredBytes, 2),
    ];
  });
  return [...ofCases, ...ofNights];
}
