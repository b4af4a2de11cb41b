/*
 * Runs a whole process and measures it from outside, with the operating system's own accounting (GNU time): wall, user
 * and system seconds of the process and its children, and the largest resident set of any of them.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Measurement {
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly peakMiB: number;
}

export interface Command {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The working directory; that of this process if omitted. */
  readonly inFolder?: string;
}

const timeProgram = '/usr/bin/time';

export function canMeasure(): boolean {
  return existsSync(timeProgram);
}

/** Throws with the command's own output when it fails: a failed run is no measurement. */
export function measure(command: Command): Measurement {
  if (!canMeasure()) throw new Error('GNU time is missing: apt-get install time');
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-bench-'));
  try {
    const report = join(folder, 'time');
    const done = spawnSync(timeProgram, ['-q', '-f', '%e %U %S %M', '-o', report, command.program, ...command.words], {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      cwd: command.inFolder,
      env: { ...process.env, ...command.environment },
    });
    if (done.status !== 0) {
      throw new Error(`${command.program} ${command.words.join(' ')} ended with ${done.status}:\n${done.stdout}\n${done.stderr}`);
    }
    const [wall, user, system, peak] = readFileSync(report, 'utf8').trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
    return { wallSeconds: wall ?? NaN, userSeconds: user ?? NaN, systemSeconds: system ?? NaN, peakMiB: (peak ?? NaN) / 1024 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export function medians(all: readonly Measurement[]): Measurement {
  return {
    wallSeconds: median(all.map((one) => one.wallSeconds)),
    userSeconds: median(all.map((one) => one.userSeconds)),
    systemSeconds: median(all.map((one) => one.systemSeconds)),
    peakMiB: median(all.map((one) => one.peakMiB)),
  };
}
