import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from './fake-clock.ts';

test('timers set while time passes take their turn', async () => {
  const clock = new FakeClock(1000);
  const log: string[] = [];
  const note = (what: string): void => void log.push(`${what} at ${clock.monotonicMs()}`);
  const run = async (): Promise<void> => {
    await clock.sleep(10);
    note('first');
    await clock.sleep(5);
    note('second');
  };
  void run();
  void clock.sleep(12).then(() => note('between'));
  const timer = clock.every(7, () => note('tick'));
  await clock.advance(20);
  assert.deepEqual(log, ['tick at 7', 'first at 10', 'between at 12', 'tick at 14', 'second at 15']);
  assert.equal(clock.nowMs(), 1020);
  timer.cancel();
  assert.equal(clock.pendingCount, 0);
  assert.equal(await clock.advanceToNext(), false);
});

test('equal times fire in the order of setting', async () => {
  const clock = new FakeClock();
  const log: number[] = [];
  for (let index = 0; index < 5; index += 1) void clock.sleep(3).then(() => log.push(index));
  assert.equal(await clock.advanceToNext(), true);
  await clock.advance(0);
  assert.deepEqual(log, [0, 1, 2, 3, 4]);
});

test('the wall clock jumps alone', async () => {
  const clock = new FakeClock(5000);
  clock.jump(-3000);
  assert.equal(clock.nowMs(), 2000);
  assert.equal(clock.monotonicMs(), 0);
  await clock.advance(1);
  assert.equal(clock.nowMs(), 2001);
});
