import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './system-clock.ts';

test('the monotonic reading never goes back', () => {
  let last = systemClock.monotonicMs();
  for (let round = 0; round < 1000; round += 1) {
    const next = systemClock.monotonicMs();
    assert.ok(next >= last);
    last = next;
  }
});

test('the wall reading counts milliseconds since 1970', () => {
  assert.ok(systemClock.nowMs() > Date.UTC(2026, 0, 1));
});
