import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventTurns } from './event-turns.ts';

/** A clock that is read: each reading is 1 ms later. */
function busy(): { turns: EventTurns; slept: () => number } {
  let ms = 0;
  let slept = 0;
  const clock = { nowMs: () => 0, monotonicMs: () => (ms += 1) };
  const sleep = (): Promise<void> => {
    slept += 1;
    return Promise.resolve();
  };
  const timers = { sleep, every: () => assert.fail('nothing recurs') };
  return { turns: new EventTurns({ clock, timers }, 10), slept: () => slept };
}

test('it gives way when it is due, and not before', async () => {
  const { turns, slept } = busy();
  for (let count = 0; count < 9; count += 1) await turns.take();
  assert.equal(slept(), 0);
  await turns.take();
  assert.equal(slept(), 1);
  await turns.take();
  assert.equal(slept(), 1);
});

test('a loop of small steps looks at the clock now and then', async () => {
  const { turns, slept } = busy();
  const looks: number[] = [];
  for (let step = 0; step < 20_480; step += 1) {
    if (!turns.dueAt(step)) continue;
    looks.push(step);
    await turns.take();
  }
  assert.ok(looks.length > 0 && looks.every((step) => step % 1024 === 1023), String(looks));
  assert.equal(slept(), looks.length);
});
