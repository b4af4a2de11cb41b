/*
 * Where the time of a Twinvault command goes, from Node's own sampling of each of its threads; there is no measuring code in what is
 * measured. A thread that stands in a system call counts as working, one that waits for a message does not; what libuv does in
 * threads of its own (files of the vault, the password) is not sampled and shows as the difference to the CPU seconds.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Measurement } from '../support/measure.ts';
import { measure } from '../support/measure.ts';
import { published } from '../support/published.ts';
import type { Published } from '../support/published.ts';
import type { Style, Table } from './report.ts';
import { megabytes } from './report.ts';
import { cpuSeconds } from './results.ts';
import type { Frame } from './stages.ts';
import { stageOf, waiting } from './stages.ts';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: Frame & { readonly lineNumber: number; readonly columnNumber: number };
  readonly children?: readonly number[];
}

/** The format of the Chrome DevTools Protocol, Profiler.Profile; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Milliseconds of a thread by stage. */
export type StageTimes = ReadonlyMap<string, number>;

/** `root`: URL of the repository with its last slash. `sourceOf`: of a place in the bundle. */
export function stageTimes(
  { nodes, samples, timeDeltas }: CpuProfile,
  root: string,
  sourceOf: Published['sourceOf'],
): StageTimes {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const stages = new Map<number, string>();
  const stageOfNode = (id: number): string => {
    const stack: Frame[] = [];
    for (let node = byId.get(id); node !== undefined; node = parents.get(node.id)) {
      const { functionName, url, lineNumber, columnNumber } = node.callFrame;
      stack.push({ functionName, url: sourceOf(url, lineNumber, columnNumber) });
    }
    return stageOf(stack, root);
  };
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const stage = stages.get(id) ?? stageOfNode(id);
    stages.set(id, stage);
    times.set(stage, (times.get(stage) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
  });
  return times;
}

export interface Profiled {
  readonly name: string;
  readonly measurement: Measurement;
  readonly main: StageTimes;
  /** Of all other threads together. */
  readonly workers: StageTimes;
  readonly workerCount: number;
}

const root = new URL('../../', import.meta.url).href;
const intervalMicros = 500;

/** Runs the command with sampling on, and measures it as `measure` does. */
export function profile(name: string, command: Command): Profiled {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-profile-'));
  try {
    const NODE_OPTIONS = `--cpu-prof --cpu-prof-interval=${intervalMicros} --cpu-prof-dir=${folder}`;
    const measurement = measure({ ...command, environment: { ...command.environment, NODE_OPTIONS } });
    const main = new Map<string, number>();
    const workers = new Map<string, number>();
    let workerCount = 0;
    for (const file of readdirSync(folder)) {
      // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile; thread 0 is the main one.
      const isMain = file.split('.')[4] === '0';
      if (!isMain) workerCount += 1;
      const times = stageTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, root, published().sourceOf);
      const into = isMain ? main : workers;
      for (const [stage, ms] of times) into.set(stage, (into.get(stage) ?? 0) + ms);
    }
    if (main.size === 0) throw new Error('Node wrote no profile');
    return { name, measurement, main, workers, workerCount };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function working(times: StageTimes): number {
  return [...times].reduce((total, [stage, ms]) => (stage === waiting ? total : total + ms), 0);
}

/** Stages with the most time first, waiting last; `bytes`: of the input. */
export function profileTable({ main, workers }: Profiled, bytes: number): Table {
  const total = working(main) + working(workers);
  const of = (stage: string): number => (main.get(stage) ?? 0) + (workers.get(stage) ?? 0);
  const stages = [...new Set([...main.keys(), ...workers.keys()])].filter((stage) => stage !== waiting);
  const row = (stage: string, ms: number, [first, others]: readonly [number, number]): string[] => [
    stage,
    ms.toFixed(0),
    first.toFixed(0),
    others.toFixed(0),
    stage === waiting ? '' : `${((100 * ms) / total).toFixed(1)} %`,
    (ms / (bytes / 1e6)).toFixed(3),
  ];
  return [
    ['stage', 'ms', 'main thread', 'workers', 'share', 'ms for each MB'],
    ...stages
      .sort((a, b) => of(b) - of(a))
      .map((stage) => row(stage, of(stage), [main.get(stage) ?? 0, workers.get(stage) ?? 0])),
    row('all work', total, [working(main), working(workers)]),
    row(waiting, of(waiting), [main.get(waiting) ?? 0, workers.get(waiting) ?? 0]),
  ];
}

/** One command's table with its heading. */
export function profileText(profiled: Profiled, input: { readonly name: string; readonly bytes: number }, style: Style): string {
  const { measurement, main, workers, name, workerCount } = profiled;
  const { wallSeconds, userSeconds, systemSeconds } = measurement;
  const sampled = (working(main) + working(workers)) / 1000;
  const heading = style.heading(`${name}, ${input.name}, ${megabytes(input.bytes)} MB: ${wallSeconds.toFixed(2)} s`);
  const cpu = `${cpuSeconds(measurement).toFixed(2)} s of CPU (${userSeconds.toFixed(2)} user, ${systemSeconds.toFixed(2)} kernel)`;
  const note = `${cpu}; threads seen at work: ${sampled.toFixed(2)} s, main and ${workerCount} others. Sampling itself costs some of it.`;
  return `${heading}${style.table(profileTable(profiled, input.bytes), 1)}\n${note}\n`;
}
