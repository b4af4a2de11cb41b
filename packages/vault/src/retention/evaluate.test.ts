/* The evaluator by tables: each row is one situation, written as the safesets of a job from oldest to newest. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayMs, hourMs } from '@twinvault/std';
import fc from 'fast-check';
import { evaluateRetention } from './evaluate.ts';
import type { RetentionItem, RetentionOptions, RetentionRule } from './evaluate.ts';

const nowMs = 1_800_000_000_000 - (1_800_000_000_000 % dayMs);

interface Row {
  readonly days: number;
  readonly type?: string;
  readonly job?: string;
  readonly bad?: true;
  readonly held?: true;
  readonly flagged?: true;
  readonly erased?: true;
}

/** `days`: age. Sequence counts up with the place in the list, in each job. */
function items(rows: readonly Row[]): RetentionItem[] {
  return rows.map(({ days, type = 'daily', job = 'job', bad, held, flagged, erased }, index) => ({
    id: String(index).padStart(4, '0'),
    job,
    type,
    sequence: index + 1,
    receivedMs: nowMs - days * dayMs,
    good: bad !== true && flagged !== true,
    held: held === true,
    flagged: flagged === true,
    erased: erased === true,
  }));
}

function rules(table: Record<string, RetentionRule | null>): RetentionOptions {
  return { nowMs, ruleOf: (type) => table[type] ?? null };
}

function reasons(rows: readonly Row[], options: RetentionOptions): string[] {
  return evaluateRetention(items(rows), options).map(({ keep, reason }) => `${keep ? '+' : '-'}${reason}`);
}

const rule = (days: number, copies: number, intraday: boolean = false): RetentionRule => ({ days, copies, intraday });

const tables: readonly { title: string; rows: readonly Row[]; options: RetentionOptions; expected: readonly string[] }[] = [
  {
    title: 'a safeset goes only when it is beyond days and copies',
    rows: [{ days: 5 }, { days: 4 }, { days: 3 }, { days: 2 }, { days: 1 }],
    options: rules({ daily: rule(2, 3) }),
    expected: ['-retention', '-retention', '+copies', '+days', '+newest-good'],
  },
  {
    title: 'on the day itself it is not older',
    rows: [{ days: 7.01 }, { days: 7 }, { days: 0 }],
    options: rules({ daily: rule(7, 0) }),
    expected: ['-retention', '+days', '+newest-good'],
  },
  {
    title: 'a type without a rule keeps everything',
    rows: [{ days: 900 }, { days: 800, type: 'odd' }, { days: 1 }],
    options: rules({ daily: rule(1, 0) }),
    expected: ['-retention', '+no-rule', '+newest-good'],
  },
  {
    title: 'types are ranked apart: grandfather, father, son',
    rows: [
      { days: 400, type: 'yearly' },
      { days: 61, type: 'monthly' },
      { days: 60 },
      { days: 31, type: 'monthly' },
      { days: 30 },
      { days: 1 },
    ],
    options: rules({ daily: rule(0, 1), monthly: rule(0, 1), yearly: rule(0, 1) }),
    expected: ['+copies', '-retention', '-retention', '+copies', '-retention', '+newest-good'],
  },
  {
    title: 'the newest good one stays, however old and whatever came after',
    rows: [{ days: 50 }, { days: 40 }, { days: 30, bad: true }, { days: 20, bad: true }],
    options: rules({ daily: rule(1, 0) }),
    expected: ['-retention', '+newest-good', '-retention', '+head'],
  },
  {
    title: 'what is not good pushes nothing out of the copies',
    rows: [{ days: 9 }, { days: 8 }, { days: 7, bad: true }, { days: 6, bad: true }, { days: 5 }],
    options: rules({ daily: rule(0, 2) }),
    expected: ['-retention', '+copies', '+copies', '+copies', '+newest-good'],
  },
  {
    title: 'a job of which nothing is good keeps its head',
    rows: [
      { days: 9, bad: true },
      { days: 8, bad: true },
    ],
    options: rules({ daily: rule(0, 0) }),
    expected: ['-retention', '+head'],
  },
  {
    title: 'holds and locks keep',
    rows: [{ days: 90, held: true }, { days: 80 }, { days: 1 }],
    options: rules({ daily: rule(1, 1) }),
    expected: ['+held', '-retention', '+newest-good'],
  },
  {
    title: 'a flag keeps the safeset, which is not good, and all older ones of the job and of no other',
    rows: [
      { days: 90, type: 'monthly' },
      { days: 80 },
      { days: 75, job: 'other' },
      { days: 70, flagged: true },
      { days: 60 },
      { days: 2, job: 'other' },
      { days: 1, bad: true },
    ],
    options: { ...rules({ daily: rule(1, 1), monthly: rule(1, 0) }), countMax: 1 },
    expected: ['+before-flagged', '+before-flagged', '-retention', '+flagged', '+newest-good', '+newest-good', '+head'],
  },
  {
    title: 'erase order and minimum age go before a flag; one that is erased flags nothing',
    rows: [{ days: 9, erased: true }, { days: 8 }, { days: 4, flagged: true, erased: true }, { days: 3 }],
    options: { ...rules({ daily: rule(0, 0) }), minimumAgeMs: 3.5 * dayMs },
    expected: ['-erase', '-retention', '-erase', '+minimum-age'],
  },
  {
    title: 'an erase order goes before everything',
    rows: [{ days: 3, held: true, erased: true }, { days: 2 }, { days: 0, erased: true }],
    options: { ...rules({ daily: rule(99, 99) }), minimumAgeMs: 10 * dayMs },
    expected: ['-erase', '+minimum-age', '-erase'],
  },
  {
    title: 'nothing goes below the minimum age',
    rows: [{ days: 12 }, { days: 9 }, { days: 0 }],
    options: { ...rules({ daily: rule(0, 0) }), minimumAgeMs: 10 * dayMs, countMax: 1 },
    expected: ['-retention', '+minimum-age', '+minimum-age'],
  },
  {
    title: 'a cap takes the oldest that only a rule keeps',
    rows: [{ days: 5, held: true }, { days: 4 }, { days: 3 }, { days: 2 }, { days: 1 }],
    options: { ...rules({ daily: rule(99, 99) }), countMax: 3 },
    expected: ['+held', '-cap', '-cap', '+days', '+newest-good'],
  },
  {
    title: 'jobs do not touch each other',
    rows: [
      { days: 9, job: 'a' },
      { days: 8, job: 'b' },
      { days: 7, job: 'a' },
    ],
    options: rules({ daily: rule(0, 0) }),
    expected: ['-retention', '+newest-good', '+newest-good'],
  },
];

for (const { title, rows, options, expected } of tables) {
  test(title, () => assert.deepEqual(reasons(rows, options), expected));
}

test('several of one hour count as one copy, unless the type is intra-daily', () => {
  const rows = [3, 2.03, 2.02, 2.01, 1].map((days) => ({ days }));
  assert.deepEqual(reasons(rows, rules({ daily: rule(0, 2) })), ['-retention', '+copies', '+copies', '+copies', '+newest-good']);
  assert.deepEqual(reasons(rows, rules({ daily: rule(0, 2, true) })), [
    '-retention',
    '-retention',
    '-retention',
    '+copies',
    '+newest-good',
  ]);
  assert.equal((nowMs - 2.03 * dayMs) % hourMs < hourMs - 0.02 * dayMs, true);
});

test('order is that of the chain: a clock that jumped ahead does not make an old safeset the newest', () => {
  const [old, newest] = items([{ days: -400 }, { days: 3 }]);
  assert.ok(old && newest);
  const decisions = evaluateRetention([old, newest], rules({ daily: rule(0, 0) }));
  assert.deepEqual(
    decisions.map(({ reason }) => reason),
    ['days', 'newest-good'],
  );
});

const row: fc.Arbitrary<Row> = fc
  .tuple(
    fc.double({ min: -2, max: 60, noNaN: true }),
    fc.constantFrom('daily', 'monthly', 'odd'),
    fc.constantFrom('a', 'b'),
    fc.nat(7),
  )
  .map(([days, type, job, marks]) => ({
    days,
    type,
    job,
    ...(marks & 1 ? { bad: true } : {}),
    ...(marks & 2 ? { held: true } : {}),
    ...(marks & 4 ? { flagged: true } : {}),
  }));

test('properties: one decision each; the newest good one stays; more days or copies never lose more', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.nat(30), fc.nat(10), (rows, days, copies) => {
      const all = items(rows);
      const keep = (extraDays: number, extraCopies: number): Set<string> => {
        const options = rules({ daily: rule(days + extraDays, copies + extraCopies), monthly: rule(3, 2) });
        const decisions = evaluateRetention(all, options);
        assert.deepEqual(
          decisions.map(({ item }) => item),
          all,
        );
        return new Set(decisions.flatMap((decision) => (decision.keep ? [decision.item.id] : [])));
      };
      const kept = keep(0, 0);
      for (const id of kept) assert.ok(keep(1, 0).has(id) && keep(0, 1).has(id));
      for (const job of ['a', 'b']) {
        const own = all.filter((item) => item.job === job);
        const newestGood = own.findLast(({ good }) => good);
        assert.ok(newestGood === undefined || kept.has(newestGood.id));
        assert.ok(own.length === 0 || kept.has(own.at(-1)?.id ?? ''));
        const flaggedFrom = Math.max(-1, ...own.map(({ flagged, sequence }) => (flagged ? sequence : -1)));
        for (const { id, held, sequence } of own) assert.ok((!held && sequence > flaggedFrom) || kept.has(id));
      }
    }),
  );
});
