/* One run of the scenario with a power failure at one step, and what must hold after it. */

import { minuteMs, Prng } from '@twinvault/std';
import type { Timer } from '@twinvault/std';
import { MemoryDisk, memoryPlatform, settle } from '@twinvault/testkit';
import type { FakeClock } from '@twinvault/testkit';
import { pump } from './harness.ts';
import { inDirectory, newBook, scenario, verifyBook } from './scenario.ts';

interface World {
  readonly platform: ReturnType<typeof memoryPlatform>;
  readonly disk: MemoryDisk;
  readonly clock: FakeClock;
}

function world(seed: string, onStep: (step: string) => void): World {
  const base = memoryPlatform(seed);
  const disk = new MemoryDisk({ clock: base.clock, onStep });
  return { platform: { ...base, disk, files: disk.mount() }, disk, clock: base.clock };
}

/** Steps of a run without a crash. */
export async function countSteps(): Promise<number> {
  let steps = 0;
  const { platform } = world('crash', () => (steps += 1));
  await pump(platform, scenario(inDirectory(platform), newBook('crash')));
  return steps;
}

export async function runCrash({ step, seed }: { readonly step: number; readonly seed: string }): Promise<void> {
  const state = { steps: 0, crashed: false, done: false };
  const prng = new Prng(seed);
  const { platform, disk, clock } = world('crash', () => {
    state.steps += 1;
    if (state.steps !== step) return;
    state.crashed = true;
    disk.crash(prng);
  });
  const book = newBook('crash');
  const ticking: Timer[] = [];
  const timers = {
    sleep: clock.sleep.bind(clock),
    every: (periodMs: number, tick: () => void) => {
      const timer = clock.every(periodMs, tick);
      ticking.push(timer);
      return timer;
    },
  };
  const work = scenario(inDirectory({ ...platform, timers }), book).finally(() => (state.done = true));
  work.catch(() => undefined);
  while (!state.crashed && !state.done) {
    for (let turn = 0; turn < 20 && !state.crashed && !state.done; turn += 1) await settle();
    if (!state.crashed && !state.done) await clock.advanceToNext();
  }
  // A dead process has no timers either.
  for (const timer of ticking) timer.cancel();
  const after = { ...platform, files: disk.mount() };
  try {
    await pump(after, verifyBook(inDirectory(after), book));
    await clock.advance(6 * minuteMs);
    await pump(after, scenario(inDirectory(after), book));
    await pump(after, verifyBook(inDirectory(after), book));
  } catch (error) {
    throw new Error(`crash at step ${step}, seed "${seed}": ${String(error)}`, { cause: error });
  }
}
