/* Progress is drawn at its own pace whatever the pace of the work, and tells rate and time left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, Output } from './output.ts';
import { ProgressReporter } from './progress.ts';

interface Recorded {
  readonly output: Output;
  readonly lines: string[];
  readonly values: JsonObject[];
}

function recordingOutput(interactive: boolean): Recorded {
  const lines: string[] = [];
  const values: JsonObject[] = [];
  const nothing = (): void => {};
  const output: Output = {
    json: false,
    interactive,
    columns: 80,
    text: nothing,
    note: nothing,
    item: nothing,
    result: nothing,
    failure: nothing,
    clearProgress: nothing,
    raw: () => Promise.resolve(),
    progress: (value, line) => {
      values.push(value);
      lines.push(line);
    },
  };
  return { output, lines, values };
}

function steadyClock(): { nowMs: () => number; monotonicMs: () => number; advance: (ms: number) => void } {
  let now = 0;
  return { nowMs: () => now, monotonicMs: () => now, advance: (ms) => (now += ms) };
}

test('a terminal is redrawn at most four times a second', () => {
  const { output, lines } = recordingOutput(true);
  const clock = steadyClock();
  const reporter = new ProgressReporter(output, clock);
  for (let done = 0; done < 1000; done += 1) {
    reporter.report({ phase: 'Reading', done, total: 1000, unit: 'files' });
    clock.advance(1);
  }
  assert.equal(lines.length, 4);
});

test('rate and time left follow the work', () => {
  const { output, lines, values } = recordingOutput(true);
  const clock = steadyClock();
  const reporter = new ProgressReporter(output, clock);
  for (let second = 0; second <= 10; second += 1) {
    reporter.report({ phase: 'Reading', done: second * 1024 * 1024, total: 100 * 1024 * 1024, unit: 'bytes' });
    clock.advance(1000);
  }
  assert.equal(values.at(-1)?.['ratePerSecond'], 1024 * 1024);
  assert.equal(values.at(-1)?.['secondsLeft'], 90);
  assert.match(lines.at(-1) ?? '', /Reading +10 % +10\.0 MiB of 100 MiB +1\.00 MiB\/s .*left/);
});

test('without a terminal there is a line every ten seconds, and none for what is over at once', () => {
  const { output, lines } = recordingOutput(false);
  const clock = steadyClock();
  const reporter = new ProgressReporter(output, clock);
  for (let second = 0; second < 25; second += 1) {
    reporter.report({ phase: 'Reading', done: second, total: null, unit: 'files' });
    clock.advance(1000);
  }
  assert.equal(lines.length, 2);
});
