import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs } from '@twinvault/std';
import fc from 'fast-check';
import { evaluateRetention } from './evaluate.ts';
import type { RetentionItem, RetentionRule } from './evaluate.ts';
import { simulateRetention } from './simulate.ts';
import type { ScheduledRuns } from './simulate.ts';

const fromMs = 1_800_000_000_000;
const yearMs = 365 * dayMs;

function every(stepMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => fromMs + (index + 1) * stepMs);
}

function standing(ages: readonly number[], changes: Partial<RetentionItem> = {}): RetentionItem[] {
  return ages.map((days, index) => ({
    id: `real ${index}`,
    job: 'job',
    type: 'daily',
    sequence: index + 1,
    receivedMs: fromMs - days * dayMs,
    good: true,
    held: false,
    flagged: false,
    erased: false,
    ...changes,
  }));
}

function ruleOf(rules: Readonly<Record<string, Omit<RetentionRule, 'intraday'>>>): (type: string) => RetentionRule | null {
  return (type) => (rules[type] === undefined ? null : { intraday: false, ...rules[type] });
}

test('three generations over a year: 31 daily ones, 12 monthly ones, one yearly one', () => {
  const schedule: ScheduledRuns[] = [
    { job: 'job', type: 'daily', timesMs: every(dayMs, 365) },
    { job: 'job', type: 'monthly', timesMs: every(30 * dayMs, 12) },
    { job: 'job', type: 'yearly', timesMs: [fromMs + hourMs] },
  ];
  const rules = ruleOf({ daily: { days: 31, copies: 0 }, monthly: { days: 0, copies: 12 }, yearly: { days: 0, copies: 1 } });
  const { counts, items } = simulateRetention({
    items: [],
    schedule,
    fromMs,
    untilMs: fromMs + yearMs,
    rules: { ruleOf: rules },
  });
  assert.deepEqual(
    counts.map(({ type, now, most, end }) => [type, now, most, end]),
    [
      ['yearly', 0, 1, 1],
      ['daily', 0, 32, 32],
      ['monthly', 0, 12, 12],
    ],
  );
  assert.ok(items.every(({ scheduled, first }) => scheduled && first === null));
  for (const { item, goesMs } of items) {
    if (item.type === 'daily' && goesMs !== null) assert.equal(goesMs - item.receivedMs, 32 * dayMs);
  }
});

test('safesets that stand say when they go, and why they stay', () => {
  const [old, held, newest] = standing([20, 10, 1]);
  assert.ok(old && held && newest);
  const input = {
    items: [old, { ...held, held: true }, newest],
    fromMs,
    untilMs: fromMs + yearMs,
    rules: { ruleOf: ruleOf({ daily: { days: 30, copies: 1 } }) },
  };
  const alone = simulateRetention({ ...input, schedule: [] });
  assert.deepEqual(
    alone.items.map(({ first, last, goesMs }) => [first, last, goesMs === null ? null : Math.ceil((goesMs - fromMs) / dayMs)]),
    [
      ['days', 'retention', 11],
      ['held', 'held', null],
      ['newest-good', 'newest-good', null],
    ],
  );
  const schedule = [{ job: 'job', type: 'daily', timesMs: every(dayMs, 365) }];
  const going = simulateRetention({ ...input, schedule });
  assert.deepEqual(
    going.items.slice(0, 3).map(({ last, goesMs }) => [last, goesMs === null ? null : Math.ceil((goesMs - fromMs) / dayMs)]),
    [
      ['retention', 11],
      ['held', null],
      ['retention', 30],
    ],
  );
});

test('properties: the first clean-up is what the evaluator says, and what went is not there later', () => {
  const arbitrary = fc.tuple(fc.array(fc.nat(400), { maxLength: 20 }), fc.nat(40), fc.nat(10), fc.nat(3));
  fc.assert(
    fc.property(arbitrary, ([ages, days, copies, scheduled]) => {
      const items = standing(ages.toSorted((a, b) => b - a));
      const rules = { ruleOf: ruleOf({ daily: { days, copies } }) };
      const schedule = [{ job: 'job', type: 'daily', timesMs: every(7 * dayMs, 52).slice(0, scheduled * 17) }];
      const simulated = simulateRetention({ items, schedule, fromMs, untilMs: fromMs + yearMs, rules });
      const decisions = evaluateRetention(items, { ...rules, nowMs: fromMs });
      assert.deepEqual(
        simulated.items.slice(0, items.length).map(({ first }) => first),
        decisions.map(({ reason }) => reason),
      );
      for (const { item, goesMs } of simulated.items) {
        if (goesMs !== null) assert.ok(goesMs - item.receivedMs > days * dayMs);
      }
      const ends = simulated.items.filter(({ goesMs }) => goesMs === null).length;
      assert.equal(
        simulated.counts.reduce((sum, { end }) => sum + end, 0),
        ends,
      );
    }),
    { numRuns: 40 },
  );
});
