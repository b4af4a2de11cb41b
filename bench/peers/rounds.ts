/*
 * Measures the cases on one input. In a round everybody works on the same copy of the data: a change happens once, then each program
 * takes its turn, and another one begins in each round and case, so that a machine that drifts drifts for all. The first restore of
 * each program is compared with the data, since a program that loses something is not fast.
 *
 * The data, or the store where that is read, is in the page cache for all, and what was written before is written out before
 * anybody is measured. That takes longer than file systems whose times have nanoseconds need for a change to be told from the
 * backup before it.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '@twinvault/std';
import { filesBelow } from '../inputs/changes.ts';
import type { Changed } from '../inputs/changes.ts';
import type { Input, TreeSize } from '../inputs/input.ts';
import { sizeOf } from '../inputs/input.ts';
import type { Command, Measurement } from '../support/measure.ts';
import type { Case } from './cases.ts';
import { cases, suits } from './cases.ts';
import type { Contender, Job } from './contenders.ts';
import { freshFileSystem } from './fresh-file-system.ts';
import type { CaseResult, InputResult, Sample } from './results.ts';
import { medianSample } from './results.ts';

export interface RoundsParts {
  readonly input: Input;
  /** Where it lies. It is only read. */
  readonly folder: string;
  readonly contenders: readonly Contender[];
  readonly chosen: readonly Case[];
  readonly rounds: number;
  readonly say: (line: string) => void;
  /** How a command is run and measured. */
  readonly measureCommand: (one: Case, command: Command) => Measurement;
}

/** Measures `rounds` rounds; each leaves nothing behind. */
export function measureInput(parts: RoundsParts): InputResult {
  const { input, folder, rounds, chosen, contenders, say } = parts;
  const size = sizeOf(folder);
  const measured = new Measured();
  for (let round = 0; round < rounds; round += 1) {
    say(`${input.name}: round ${round + 1} of ${rounds}`);
    const work = mkdtempSync(join(tmpdir(), 'twinvault-bench-'));
    try {
      new Round({ ...parts, work, round, size, measured }).run();
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const results = chosen.filter((one) => suits(one, input)).map((one) => measured.result(one, contenders));
  return { name: input.name, about: input.about, size, cases: results };
}

/** Samples by case and program. */
class Measured {
  readonly #samples = new Map<string, Sample[]>();
  readonly #changed = new Map<string, Changed>();
  #fileSystem: string | null = null;

  take(name: string, program: string, sample: Sample): void {
    const key = `${name} ${program}`;
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), sample]);
  }

  changed(name: string, changed: Changed): void {
    this.#changed.set(name, changed);
  }

  restoredInto(kind: string): void {
    if (this.#fileSystem !== null && !this.#fileSystem.split(', ').includes(kind)) this.#fileSystem += `, ${kind}`;
    this.#fileSystem ??= kind;
  }

  result({ name, about, action }: Case, contenders: readonly Contender[]): CaseResult {
    const programs = contenders.flatMap(({ name: program, role }) => {
      const samples = this.#samples.get(`${name} ${program}`);
      return samples === undefined ? [] : [{ program, role, samples, median: medianSample(samples) }];
    });
    const fileSystem = action === 'restore' ? this.#fileSystem : null;
    return { name, about, changed: this.#changed.get(name) ?? null, fileSystem, programs };
  }
}

interface RoundParts extends RoundsParts {
  readonly work: string;
  readonly round: number;
  readonly size: TreeSize;
  readonly measured: Measured;
}

class Round {
  readonly #parts: RoundParts;
  readonly #data: string;
  /** The file in the middle. */
  readonly #file: string;

  constructor(parts: RoundParts) {
    const { folder, work } = parts;
    this.#parts = parts;
    this.#data = this.#isOnlyRead() ? folder : join(work, 'data');
    if (!this.#isOnlyRead()) execFileSync('cp', ['-a', '--reflink=auto', folder, this.#data]);
    const paths = filesBelow(this.#data);
    this.#file = paths[paths.length >> 1] ?? '';
  }

  /** A folder of this machine is not copied: it may be large, and nothing changes it. */
  #isOnlyRead(): boolean {
    return this.#parts.input.traits.length === 0;
  }

  run(): void {
    const { input, chosen, round } = this.#parts;
    // Without the first backup there is nothing that the others could look at.
    const sequence = cases.filter((one) => suits(one, input) && (chosen.includes(one) || one.action === 'first'));
    const taking = this.#parts.contenders.filter((contender) => this.#takesPart(contender, sequence));
    for (const contender of taking) {
      const job = this.#job(contender);
      mkdirSync(job.folder);
      contender.prepare(job);
    }
    sequence.forEach((one, number) => {
      if (one.change !== null) {
        const random = new Prng(`bench ${input.name} ${one.name} ${round}`);
        this.#parts.measured.changed(one.name, one.change(this.#data, random));
      }
      for (let index = 0; index < taking.length; index += 1) {
        const contender = taking[(index + round + number) % taking.length];
        if (contender !== undefined) this.#measure(one, contender);
      }
    });
  }

  #takesPart(contender: Contender, sequence: readonly Case[]): boolean {
    return sequence.some(({ action }) => contender.command(action, this.#job(contender)) !== null);
  }

  #job({ name }: Contender, to = ''): Job {
    return { folder: join(this.#parts.work, name.replaceAll(/\W+/g, '-')), data: this.#data, to, file: this.#file };
  }

  #measure(one: Case, contender: Contender): void {
    const { action } = one;
    if (action === 'restore' || action === 'restore-file') return this.#measureRestore(one, contender);
    const job = this.#job(contender);
    const command = contender.command(action, job);
    if (command === null) return;
    const store = contender.store(job.folder);
    const stores = action !== 'check' && contender.command('again', job) !== null;
    const before = storedBytes(store);
    if (action === 'check') readThrough(store);
    else readThrough(this.#data);
    execFileSync('sync');
    const measurement = this.#parts.measureCommand(one, command);
    const after = storedBytes(store);
    const bytes = stores || action === 'first' ? { storedBytes: after, addedBytes: after - before } : nothingStored;
    this.#parts.measured.take(one.name, contender.name, { ...measurement, ...bytes });
  }

  #measureRestore(one: Case, contender: Contender): void {
    const { work, round, size, measured, measureCommand } = this.#parts;
    if (contender.command(one.action, this.#job(contender)) === null) return;
    using fresh = freshFileSystem(work, size);
    const to = join(fresh.path, 'restored');
    mkdirSync(to);
    const command = contender.command(one.action, this.#job(contender, to));
    if (command === null) return;
    readThrough(contender.store(this.#job(contender).folder));
    execFileSync('sync');
    const measurement = measureCommand(one, command);
    measured.take(one.name, contender.name, { ...measurement, ...nothingStored });
    if (one.action === 'restore') measured.restoredInto(fresh.kind);
    if (round === 0 && contender.role !== 'reference') this.#compare(one, contender, to);
  }

  #compare({ action }: Case, { name }: Contender, to: string): void {
    const path = action === 'restore' ? this.#data : this.#file;
    const restored = join(to, path);
    const { status, stdout } = spawnSync('diff', ['-r', '-q', '--no-dereference', path, restored], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} did not restore what it was given:\n${stdout.slice(0, 2000)}`);
  }
}

/**
 * Puts what is read next into the page cache: borg takes what it has read out of it, Twinvault writes packs past it, and who
 * reads next would pay for that.
 */
function readThrough(folder: string): void {
  if (existsSync(folder)) execFileSync('sh', ['-c', 'tar -cf - -C "$1" . | cat > /dev/null', 'sh', folder]);
}

const nothingStored = { storedBytes: null, addedBytes: null };

/** Sum of the sizes of all files below; 0 for a folder that is not there yet. */
function storedBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .reduce((total, entry) => total + lstatSync(join(entry.parentPath, entry.name)).size, 0);
}
