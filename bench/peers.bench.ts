/*
 * How fast are first backup, a run with nothing changed, restore and check against restic and borg, on real folders of this machine?
 *
 *   npm run bench -- peers                     /usr/share and a large source tree found here, 3 rounds
 *   BENCH_INPUTS=/a:/b BENCH_ROUNDS=5 npm run bench -- peers
 *
 * The programs take turns in each round, so that a machine that drifts drifts for all; the table shows medians and the ratio to the
 * faster of the others. The files are read once before, so that no program pays for the cold cache.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from './support/measure.ts';
import { measure, median, medians } from './support/measure.ts';
import type { BackupProgram } from './support/programs.ts';
import { backupPrograms, emptyFolder, storedBytes } from './support/programs.ts';

const cases = ['first backup', 'nothing changed', 'restore', 'check, reading all'] as const;
type Case = (typeof cases)[number];

interface Samples {
  readonly times: Map<Case, Measurement[]>;
  readonly stored: number[];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function inputs(): string[] {
  const given = process.env['BENCH_INPUTS'];
  if (given !== undefined) return given.split(':');
  const trees = ['/usr/src', '/usr/lib/python3', '/usr/include', join(process.cwd(), 'node_modules')];
  const home = process.env['HOME'];
  if (home !== undefined) trees.unshift(join(home, '.pyenv', 'versions'));
  return ['/usr/share', ...trees.filter((tree) => existsSync(tree)).slice(0, 1)];
}

function round(program: BackupProgram, input: string, samples: Samples): void {
  const folder = mkdtempSync(join(tmpdir(), `twinvault-bench-${program.name}-`));
  const note = (name: Case, measurement: Measurement): void => {
    samples.times.set(name, [...(samples.times.get(name) ?? []), measurement]);
  };
  try {
    program.prepare(folder);
    note('first backup', measure(program.backup(folder, input)));
    samples.stored.push(storedBytes(program.store(folder)));
    note('nothing changed', measure(program.backup(folder, input)));
    note('restore', measure(program.restore(folder, emptyFolder(folder, 'restored'))));
    note('check, reading all', measure(program.check(folder)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index < 2 ? cell.padEnd(index === 0 ? 20 : 11) : cell.padStart(10))).join(' ');
}

function report(programs: readonly BackupProgram[], samples: ReadonlyMap<string, Samples>): void {
  say(row(['case', 'program', 'wall s', 'user s', 'system s', 'peak MiB', 'MB stored', 'ratio']));
  for (const name of cases) {
    const results = programs.map((program) => ({ program, value: medians(samples.get(program.name)?.times.get(name) ?? []) }));
    const others = results.filter(({ program }) => program.name !== 'twinvault').map(({ value }) => value.wallSeconds);
    for (const { program, value } of results) {
      const ratio =
        program.name === 'twinvault' && others.length > 0 ? `${(Math.min(...others) / value.wallSeconds).toFixed(2)}x` : '';
      const stored = name === 'first backup' ? (median(samples.get(program.name)?.stored ?? []) / 1e6).toFixed(1) : '';
      const numbers = [value.wallSeconds, value.userSeconds, value.systemSeconds].map((seconds) => seconds.toFixed(2));
      say(row([name, program.name, ...numbers, value.peakMiB.toFixed(0), stored, ratio]));
    }
  }
}

const rounds = Number(process.env['BENCH_ROUNDS'] ?? '3');
const programs = backupPrograms();
say(
  `${cpus().length} x ${cpus()[0]?.model ?? 'processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.versions.node}`,
);
for (const program of programs) say(`${program.name}: ${program.version}`);
for (const input of inputs()) {
  execFileSync('sh', ['-c', 'tar -cf - "$1" 2>/dev/null | cat >/dev/null || true', 'sh', input]);
  const samples = new Map(
    programs.map((program) => [program.name, { times: new Map(), stored: [] } satisfies Samples as Samples]),
  );
  for (let number = 0; number < rounds; number += 1) {
    // Another one begins in each round.
    for (let index = 0; index < programs.length; index += 1) {
      const program = programs[(index + number) % programs.length];
      const own = program === undefined ? undefined : samples.get(program.name);
      if (program !== undefined && own !== undefined) round(program, input, own);
    }
  }
  say(`\n${input}, ${rounds} rounds, medians; ratio: faster of the others / twinvault`);
  report(programs, samples);
}
