/*
 * What clean-up will keep from now on: the evaluator, run again and again over a time to come, on the safesets that stand and on those that
 * a schedule would add. A pure function; nothing is removed.
 */

import { dayMs } from '@twinvault/std';
import { evaluateRetention } from './evaluate.ts';
import type { KeepReason, RetentionItem, RetentionOptions, RetireReason } from './evaluate.ts';

/** One schedule entry: safesets that will come. */
export interface ScheduledRuns {
  /** As in RetentionItem. */
  readonly job: string;
  readonly type: string;
  /** When each comes, ms since 1970, ascending. */
  readonly timesMs: readonly number[];
}

export interface SimulationInput {
  /** Safesets that stand. */
  readonly items: readonly RetentionItem[];
  readonly schedule: readonly ScheduledRuns[];
  /** The first clean-up, ms since 1970. */
  readonly fromMs: number;
  /** No clean-up after it. */
  readonly untilMs: number;
  /** From one clean-up to the next; a day when left out. */
  readonly stepMs?: number;
  readonly rules: Omit<RetentionOptions, 'nowMs'>;
}

export interface SimulatedItem {
  readonly item: RetentionItem;
  /** It does not stand yet: the schedule brings it. */
  readonly scheduled: boolean;
  /** Of the first clean-up; null for one that is still to come then. */
  readonly first: KeepReason | RetireReason | null;
  /** Of the clean-up that takes it, else of the last. */
  readonly last: KeepReason | RetireReason;
  /** When it goes; null: not within this time. */
  readonly goesMs: number | null;
}

export interface Simulation {
  /** Standing ones first, in their order; then scheduled ones in the order in which they come. */
  readonly items: readonly SimulatedItem[];
  /** Of each job and type, how many stand after each clean-up. */
  readonly counts: readonly SimulatedCount[];
}

export interface SimulatedCount {
  readonly job: string;
  readonly type: string;
  readonly now: number;
  readonly most: number;
  readonly end: number;
}

interface State {
  readonly item: RetentionItem;
  readonly scheduled: boolean;
  first: SimulatedItem['first'];
  last: SimulatedItem['last'];
  goesMs: number | null;
}

export function simulateRetention(input: SimulationInput): Simulation {
  const { items, fromMs, untilMs, rules, stepMs = dayMs } = input;
  const coming = scheduledItems(input);
  const states = [...items.map((item) => newState(item, false)), ...coming.map((item) => newState(item, true))];
  const byId = new Map(states.map((state) => [state.item.id, state]));
  const counts = new Counts(states);
  let standing: RetentionItem[] = [...items];
  let next = 0;
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += stepMs) {
    for (; next < coming.length && (coming[next]?.receivedMs ?? Infinity) <= nowMs; next += 1) {
      standing.push(...coming.slice(next, next + 1));
    }
    const decisions = evaluateRetention(standing, { ...rules, nowMs });
    standing = [];
    for (const { item, keep, reason } of decisions) {
      const state = byId.get(item.id);
      if (state === undefined) continue;
      if (nowMs === fromMs) state.first = reason;
      state.last = reason;
      if (keep) standing.push(item);
      else state.goesMs = nowMs;
    }
    counts.add(standing);
  }
  return { items: states, counts: counts.rows() };
}

function newState(item: RetentionItem, scheduled: boolean): State {
  return { item, scheduled, first: null, last: 'days', goesMs: null };
}

/** In the order in which they come; sequences go on from what stands. */
function scheduledItems({ items, schedule, untilMs }: SimulationInput): RetentionItem[] {
  const runs = schedule.flatMap(({ job, type, timesMs }) => timesMs.map((receivedMs) => ({ job, type, receivedMs })));
  const sequences = new Map<string, number>();
  for (const { job, sequence } of items) sequences.set(job, Math.max(sequence, sequences.get(job) ?? 0));
  return runs
    .filter(({ receivedMs }) => receivedMs <= untilMs)
    .sort((a, b) => a.receivedMs - b.receivedMs)
    .map(({ job, type, receivedMs }, index) => {
      const sequence = 1 + (sequences.get(job) ?? 0);
      sequences.set(job, sequence);
      const id = `scheduled ${index}`;
      return { id, job, type, sequence, receivedMs, good: true, held: false, flagged: false, erased: false };
    });
}

class Counts {
  readonly #rows = new Map<string, { job: string; type: string; now: number | null; most: number; end: number }>();

  constructor(states: readonly State[]) {
    for (const { item } of states) {
      const { job, type } = item;
      this.#rows.set(keyOf(item), { job, type, now: null, most: 0, end: 0 });
    }
  }

  add(standing: readonly RetentionItem[]): void {
    const counts = new Map<string, number>();
    for (const item of standing) counts.set(keyOf(item), 1 + (counts.get(keyOf(item)) ?? 0));
    for (const [key, row] of this.#rows) {
      row.end = counts.get(key) ?? 0;
      row.now ??= row.end;
      row.most = Math.max(row.most, row.end);
    }
  }

  rows(): SimulatedCount[] {
    return Array.from(this.#rows.values(), (row) => ({ ...row, now: row.now ?? 0 }));
  }
}

function keyOf({ job, type }: RetentionItem): string {
  return `${job}\n${type}`;
}
