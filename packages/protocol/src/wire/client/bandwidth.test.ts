/* Limits of bandwidth on a clock of the test: what passes in which time, and what a window or a change does. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '@twinvault/testkit';
import { Bandwidth } from './bandwidth.ts';
import type { BandwidthWindow } from './bandwidth.ts';

/** Midnight UTC. */
const midnightMs = 1_767_225_600_000;

function minuteOfDay(nowMs: number): number {
  return Math.floor(nowMs / 60_000) % 1440;
}

function always(bytesPerSecond: number): BandwidthWindow[] {
  return [{ bytesPerSecond, fromMinute: 0, toMinute: 0 }];
}

/** So many pieces as fast as they may go; gives the time when each has passed. */
async function send(clock: FakeClock, pace: Bandwidth, pieces: readonly number[]): Promise<number[]> {
  const passedMs: number[] = [];
  const taken = pieces.map((bytes) => pace.take(bytes).then(() => passedMs.push(clock.monotonicMs())));
  while (await clock.advanceToNext());
  await Promise.all(taken);
  return passedMs;
}

test('in any time no more passes than the rate allows, and little less', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1000, max: 1_000_000 }), async (given, rate) => {
      const clock = new FakeClock(midnightMs);
      const passedMs = await send(clock, new Bandwidth({ clock, timers: clock, minuteOfDay }, always(rate)), given);
      const total = given.reduce((sum, bytes) => sum + bytes, 0);
      const neededMs = (1000 * total) / rate;
      const lastMs = passedMs.at(-1) ?? 0;
      assert.ok(lastMs >= neededMs - 1, `${total} bytes in ${lastMs} ms are too fast for ${rate}/s`);
      assert.ok(lastMs <= neededMs + 2 + 2 * given.length, `${total} bytes in ${lastMs} ms are too slow for ${rate}/s`);
      assert.deepEqual(
        passedMs,
        passedMs.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 50 },
  );
});

test('what was not used for a while is not used at once later', async () => {
  const clock = new FakeClock(midnightMs);
  const pace = new Bandwidth({ clock, timers: clock, minuteOfDay }, always(1000));
  await clock.advance(3_600_000);
  const [firstMs = 0] = await send(clock, pace, [5000]);
  assert.ok(firstMs - 3_600_000 >= 4000);
});

test('each time of day has its window, and a wait notices the next one', async () => {
  const clock = new FakeClock(midnightMs + 7 * 3_600_000 + 59 * 60_000 + 50_000);
  const windows = [{ bytesPerSecond: 1000, fromMinute: 480, toMinute: 1080 }];
  const pace = new Bandwidth({ clock, timers: clock, minuteOfDay }, windows);
  assert.deepEqual(await send(clock, pace, [1e9]), [0]);
  await clock.advance(10_000);
  const [passedMs = 0] = await send(clock, pace, [60_000]);
  assert.ok(passedMs >= 10_000 + 59_000 && passedMs <= 10_000 + 61_000, `${passedMs}`);
  const slow = pace.take(1e9);
  let passed = false;
  void slow.then(() => (passed = true));
  await clock.advance(9 * 3_600_000);
  assert.equal(passed, false);
  await clock.advance(3_600_000);
  assert.equal(passed, true);
});

test('a window may go over midnight, and the first that fits counts', async () => {
  const clock = new FakeClock(midnightMs + 23 * 3_600_000);
  const windows = [{ bytesPerSecond: 1000, fromMinute: 1320, toMinute: 360 }, ...always(1_000_000)];
  const pace = new Bandwidth({ clock, timers: clock, minuteOfDay }, windows);
  const [atNightMs = 0] = await send(clock, pace, [10_000]);
  assert.ok(atNightMs >= 9990);
  await clock.advance(10 * 3_600_000);
  const before = clock.monotonicMs();
  const [byDayMs = 0] = await send(clock, pace, [3_000_000]);
  assert.ok(byDayMs - before >= 1990 && byDayMs - before <= 3010, `${byDayMs - before}`);
});

test('limits change while they are used', async () => {
  const clock = new FakeClock(midnightMs);
  const pace = new Bandwidth({ clock, timers: clock, minuteOfDay }, always(100));
  let passed = false;
  const taken = pace.take(1_000_000).then(() => (passed = true));
  await clock.advance(60_000);
  assert.equal(passed, false);
  pace.set(always(10_000_000));
  await clock.advance(2000);
  assert.equal(passed, true);
  await taken;
  pace.set([]);
  await pace.take(1e12);
});

test('who gives up waits no longer, and keeps nobody else from going', async () => {
  const clock = new FakeClock(midnightMs);
  const pace = new Bandwidth({ clock, timers: clock, minuteOfDay }, always(1000));
  const controller = new AbortController();
  const given = assert.rejects(pace.take(1_000_000, controller.signal), /enough/u);
  const next = pace.take(1000);
  await clock.advance(500);
  controller.abort(new Error('enough'));
  await given;
  await clock.advance(2000);
  await next;
});
