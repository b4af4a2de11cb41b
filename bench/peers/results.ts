/* What was measured, as it goes into the JSON file, and the numbers that follow from it. */

import type { Changed } from '../inputs/changes.ts';
import type { TreeSize } from '../inputs/input.ts';
import type { Measurement } from '../support/measure.ts';
import { median, medians } from '../support/measure.ts';
import type { Contender } from './contenders.ts';
import type { NightsResult } from './nights.ts';

export interface Sample extends Measurement {
  /** All bytes of the store afterwards, and by how much it grew, which is what was sent. Null where nothing is stored. */
  readonly storedBytes: number | null;
  readonly addedBytes: number | null;
}

export interface ProgramResult {
  readonly program: string;
  readonly role: Contender['role'];
  readonly samples: readonly Sample[];
  readonly median: Sample;
}

export interface CaseResult {
  readonly name: string;
  readonly about: string;
  /** Of the last round; null when nothing was changed. */
  readonly changed: Changed | null;
  /** Where restores went; null for other cases. */
  readonly fileSystem: string | null;
  readonly programs: readonly ProgramResult[];
}

export interface InputResult {
  readonly name: string;
  readonly about: string;
  readonly size: TreeSize;
  readonly cases: readonly CaseResult[];
}

export interface Results {
  readonly machine: string;
  readonly programs: readonly { readonly name: string; readonly version: string }[];
  readonly scale: number;
  readonly rounds: number;
  readonly inputs: readonly InputResult[];
  readonly nights: readonly NightsResult[];
}

export function cpuSeconds({ userSeconds, systemSeconds }: Measurement): number {
  return userSeconds + systemSeconds;
}

/** The median of each number by itself. `samples` is not empty. */
export function medianSample(samples: readonly Sample[]): Sample {
  const of = (values: readonly (number | null)[]): number | null =>
    values.includes(null) ? null : median(values.map((value) => value ?? NaN));
  return {
    ...medians(samples),
    storedBytes: of(samples.map(({ storedBytes }) => storedBytes)),
    addedBytes: of(samples.map(({ addedBytes }) => addedBytes)),
  };
}

/** Each ratio is of medians. Null where one side is missing. */
export interface Ratios {
  /** Wall seconds of the faster peer by ours: above 1, we are faster. */
  readonly timesFaster: number | null;
  /** Our CPU seconds by those of the peer that took fewest. */
  readonly cpuShare: number | null;
  /** Our stored bytes by those of the smaller peer. */
  readonly storedShare: number | null;
  readonly addedShare: number | null;
}

function least(programs: readonly ProgramResult[], numberOf: (sample: Sample) => number | null): number | null {
  const numbers = programs.filter(({ role }) => role === 'peer').map((result) => numberOf(result.median));
  return numbers.length === 0 || numbers.includes(null) ? null : Math.min(...numbers.map((value) => value ?? NaN));
}

export function subjectOf({ programs }: CaseResult): ProgramResult | null {
  return programs.find(({ role }) => role === 'subject') ?? null;
}

export function ratiosOf(result: CaseResult): Ratios {
  const own = subjectOf(result)?.median ?? null;
  const share = (numberOf: (sample: Sample) => number | null): number | null => {
    const [ours, theirs] = [own === null ? null : numberOf(own), least(result.programs, numberOf)];
    return ours === null || theirs === null || theirs === 0 ? null : ours / theirs;
  };
  const wall = share(({ wallSeconds }) => wallSeconds);
  return {
    timesFaster: wall === null || wall === 0 ? null : 1 / wall,
    cpuShare: share(cpuSeconds),
    storedShare: share(({ storedBytes }) => storedBytes),
    addedShare: share(({ addedBytes }) => addedBytes),
  };
}
