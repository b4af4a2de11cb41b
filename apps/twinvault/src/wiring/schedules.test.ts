import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs } from '@twinvault/std';
import type { RetentionItem } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import { learntRhythms, rhythmOf, runsOf } from './schedules.ts';

const start = Date.UTC(2027, 0, 31, 3);

function itemsAt(times: readonly number[], type = 'daily'): RetentionItem[] {
  const common = { job: 'job', type, good: true, held: false, flagged: false, erased: false };
  return times.map((receivedMs, index) => ({ ...common, id: `${type} ${index}`, sequence: index + 1, receivedMs }));
}

test('named rhythms go by the calendar, numbers by hours and days', () => {
  const { type, next } = rhythmOf('end of month=monthly');
  assert.equal(type, 'end of month');
  assert.equal(new Date(next(start)).toISOString(), '2027-02-28T03:00:00.000Z');
  assert.equal(rhythmOf('y=yearly').next(start), Date.UTC(2028, 0, 31, 3));
  assert.equal(rhythmOf('h=4h').next(start), start + 4 * hourMs);
  assert.equal(rhythmOf('d=10d').next(start), start + 10 * dayMs);
  for (const wrong of ['daily', 'daily=', 'x=0h', 'x=4w', '=daily', 'x=constructor']) {
    assert.throws(() => rhythmOf(wrong), UsageError, wrong);
  }
});

test('what comes is learnt from what came, whatever came late once', () => {
  const times = [0, 1, 2, 3, 9, 10].map((days) => start + days * dayMs);
  const [rhythm, none] = learntRhythms([...itemsAt(times), ...itemsAt([start], 'yearly')]);
  assert.ok(rhythm && none === undefined);
  assert.equal(rhythm.text, 'about every 24 hours');
  const span = { fromMs: start + 12 * dayMs, untilMs: start + 15 * dayMs };
  assert.deepEqual(
    runsOf(rhythm, itemsAt(times), span).timesMs.map((ms) => (ms - start) / dayMs),
    [12, 13, 14, 15],
  );
});
