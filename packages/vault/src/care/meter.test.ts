/* Metering from made-up records and packs: what counts on which day. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordSummary } from '@twinvault/protocol';
import { dayMs, hourMs, primitives, toHex } from '@twinvault/std';
import { TestSafe } from '@twinvault/testkit';
import type { TestRecordOptions } from '@twinvault/testkit';
import { dayOf, meterDay } from './meter.ts';
import type { MeteringFacts } from './meter.ts';

const mine = new TestSafe('meter');
const [one, two] = [mine.enrol('one'), mine.enrol('two')];
const firstDay = 20_000;

function summaryOf(computer: typeof one, hour: number, options: TestRecordOptions): RecordSummary {
  const { digest, public: facts } = mine.record(computer, options);
  return { digest, public: facts, receivedMs: firstDay * dayMs + hour * hourMs, storedBytes: 1, retired: false };
}

const session = (computer: typeof one): string => toHex(primitives.sha256(computer.kem));

const facts: MeteringFacts = {
  safe: 'aa',
  customer: 'c',
  records: [
    { summary: summaryOf(one, 1, { job: 'j', sequence: 1, bytesProtected: 100 }), retiredMs: (firstDay + 2) * dayMs },
    { summary: summaryOf(one, 25, { job: 'j', sequence: 2, bytesProtected: 70 }), retiredMs: null },
    { summary: summaryOf(one, 26, { job: 'j', kind: 'checkpoint', sequence: 3, bytesProtected: 999 }), retiredMs: null },
    { summary: summaryOf(two, 30, { job: 'j', sequence: 1, bytesProtected: 5 }), retiredMs: null },
  ],
  packs: [
    { storedMs: firstDay * dayMs, bytes: new Map([[session(one), 40]]) },
    {
      storedMs: (firstDay + 1) * dayMs,
      bytes: new Map([
        [session(one), 2],
        [session(two), 3],
        ['of nobody', 7],
      ]),
    },
  ],
};

function told(day: number): string[] {
  return meterDay(facts, day)
    .map(
      ({ computer, job, protectedBytes, storedBytes, safesets }) =>
        `${computer.slice(0, 4)} ${job} ${protectedBytes} ${storedBytes} ${safesets}`,
    )
    .toSorted();
}

test('a day has what stood at its end: the newest safeset counts, not checkpoints, not what came later', () => {
  const [a, b] = [toHex(one.computer).slice(0, 4), toHex(two.computer).slice(0, 4)];
  assert.deepEqual(told(firstDay - 1), []);
  assert.deepEqual(told(firstDay), [`${a} j 100 40 1`]);
  assert.deepEqual(told(firstDay + 1), ['  0 7 0', `${a} j 70 42 2`, `${b} j 5 3 1`].toSorted());
  assert.deepEqual(told(firstDay + 2), ['  0 7 0', `${a} j 70 42 1`, `${b} j 5 3 1`].toSorted());
});

test('days begin at midnight UTC', () => {
  assert.deepEqual([dayOf(firstDay * dayMs - 1), dayOf(firstDay * dayMs)], [firstDay - 1, firstDay]);
});
