/* What every clock and its timers must do. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Clock, Timers } from '@twinvault/std';

export interface ClockUnderTest {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Lets at least that much time pass. */
  readonly pass: (durationMs: number) => Promise<void>;
}

export function clockConformance(name: string, make: () => ClockUnderTest): void {
  suite(`clock: ${name}`, () => {
    test('time is whole milliseconds since 1970, and the other clock never goes back', async () => {
      const { clock, pass } = make();
      assert.ok(Number.isInteger(clock.nowMs()) && clock.nowMs() > Date.UTC(2020, 0, 1));
      const before = clock.monotonicMs();
      await pass(20);
      assert.ok(clock.monotonicMs() >= before + 15);
    });

    test('sleeps end in the order of their times', async () => {
      const { timers, pass } = make();
      const ended: string[] = [];
      const sleeps = [60, 5, 30].map(async (delayMs) => {
        await timers.sleep(delayMs);
        ended.push(String(delayMs));
      });
      assert.deepEqual(ended, []);
      await Promise.all([pass(100), ...sleeps]);
      assert.deepEqual(ended, ['5', '30', '60']);
    });

    test('no time, or less, still waits for the others', async () => {
      const { timers, pass } = make();
      let ended = false;
      const sleeps = [timers.sleep(0), timers.sleep(-5)].map((sleep) => sleep.then(() => (ended = true)));
      assert.equal(ended, false);
      await Promise.all([pass(5), ...sleeps]);
    });

    test('a sleep rejects with the reason of its signal', async () => {
      const { timers, pass } = make();
      const controller = new AbortController();
      const reason = new Error('enough');
      const asleep = timers.sleep(1_000_000, controller.signal);
      controller.abort(reason);
      await assert.rejects(asleep, reason);
      await assert.rejects(timers.sleep(1, controller.signal), reason);
      const late = new AbortController();
      await Promise.all([timers.sleep(5, late.signal), pass(20)]);
      late.abort(reason);
    });

    test('every ticks until it is cancelled', async () => {
      const { timers, pass } = make();
      const ticks: string[] = [];
      const timer = timers.every(10, () => void ticks.push('tick'));
      // As long as it takes: a machine that is busy lets real timers wait.
      while (ticks.length < 3) await pass(10);
      timer.cancel();
      timer.cancel();
      const before = ticks.length;
      await pass(50);
      assert.equal(ticks.length, before);
    });
  });
}
