/*
 * Which safesets stay and which may go, docs/format/records.md, Keeping. A pure function of facts, rules and the time.
 *
 * Precedence: erase order, minimum age, hold or lock or flag, newest good one and head of the job, cap, days and copies. A flag keeps the
 * older ones of its job too: they may be what is left of the data. A type without a rule keeps everything. Order within a job is that of the chain (sequence), not of any clock.
 */

import { dayMs, hourMs } from '@twinvault/std';

export interface RetentionRule {
  /** A safeset that is not older than that stays. */
  readonly days: number;
  /** The newest so many of the type stay. */
  readonly copies: number;
  /** Several of one hour count as several copies. */
  readonly intraday: boolean;
}

export interface RetentionItem {
  /** Unique: the record's digest in hexadecimal. */
  readonly id: string;
  /** The same for all safesets of one computer and job. */
  readonly job: string;
  /** Retention type. */
  readonly type: string;
  readonly sequence: number;
  /** The site's receipt, ms since 1970. */
  readonly receivedMs: number;
  /** Ended ok or with errors, and not flagged. */
  readonly good: boolean;
  /** A hold or lock is on. */
  readonly held: boolean;
  /** It is not to be trusted: it stays, and so do the older ones of its job. */
  readonly flagged: boolean;
  /** An erase order names it. */
  readonly erased: boolean;
}

export interface RetentionOptions {
  readonly nowMs: number;
  readonly ruleOf: (type: string) => RetentionRule | null;
  /** No role goes below it. */
  readonly minimumAgeMs?: number;
  /** So many safesets of a job at most, where an operator applies a cap. */
  readonly countMax?: number;
}

export type KeepReason =
  | 'minimum-age'
  | 'held'
  | 'flagged'
  | 'before-flagged'
  | 'newest-good'
  | 'head'
  | 'days'
  | 'copies'
  | 'no-rule';
export type RetireReason = 'erase' | 'cap' | 'retention';

export type RetentionDecision =
  | { readonly item: RetentionItem; readonly keep: true; readonly reason: KeepReason }
  | { readonly item: RetentionItem; readonly keep: false; readonly reason: RetireReason };

/** One decision for each item, in the order of the items. */
export function evaluateRetention(items: readonly RetentionItem[], options: RetentionOptions): RetentionDecision[] {
  const decisions = new Map<string, RetentionDecision>();
  for (const job of groupBy(items, (item) => item.job)) {
    for (const decision of decideJob(job, options)) decisions.set(decision.item.id, decision);
  }
  return items.flatMap((item) => decisions.get(item.id) ?? []);
}

function decideJob(items: readonly RetentionItem[], options: RetentionOptions): RetentionDecision[] {
  const newestFirst = [...items].sort((a, b) => b.sequence - a.sequence || b.receivedMs - a.receivedMs || (a.id < b.id ? -1 : 1));
  const standing = newestFirst.filter((item) => !item.erased);
  const [head] = standing;
  const newestGood = standing.find((item) => item.good);
  const flaggedFrom = Math.max(-1, ...standing.map((item) => (item.flagged ? item.sequence : -1)));
  const ranks = ranksOf(newestFirst, options);
  const decisions = newestFirst.map((item): RetentionDecision => {
    if (item.erased) return { item, keep: false, reason: 'erase' };
    if (options.minimumAgeMs !== undefined && options.nowMs - item.receivedMs < options.minimumAgeMs)
      return { item, keep: true, reason: 'minimum-age' };
    if (item.held) return { item, keep: true, reason: 'held' };
    if (item.flagged) return { item, keep: true, reason: 'flagged' };
    if (item.sequence < flaggedFrom) return { item, keep: true, reason: 'before-flagged' };
    if (item === newestGood) return { item, keep: true, reason: 'newest-good' };
    if (item === head) return { item, keep: true, reason: 'head' };
    return decideByRule(item, ranks.get(item.id) ?? 0, options);
  });
  return capped(decisions, options.countMax);
}

function decideByRule(item: RetentionItem, rank: number, { nowMs, ruleOf }: RetentionOptions): RetentionDecision {
  const rule = ruleOf(item.type);
  if (rule === null) return { item, keep: true, reason: 'no-rule' };
  if (nowMs - item.receivedMs <= rule.days * dayMs) return { item, keep: true, reason: 'days' };
  if (rank <= rule.copies) return { item, keep: true, reason: 'copies' };
  return { item, keep: false, reason: 'retention' };
}

/** Rank of each item among those of its type, from 1 for the newest. Only good ones push others back, at most one an hour unless the type is intra-daily. */
function ranksOf(newestFirst: readonly RetentionItem[], { ruleOf }: RetentionOptions): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const items of groupBy(newestFirst, (item) => item.type)) {
    const intraday = ruleOf(items[0]?.type ?? '')?.intraday ?? false;
    let counted = 0;
    let hour: number | null = null;
    for (const item of items) {
      const itemHour = Math.floor(item.receivedMs / hourMs);
      if (item.good && !item.erased && (intraday || itemHour !== hour)) {
        counted += 1;
        hour = itemHour;
        ranks.set(item.id, counted);
      } else {
        ranks.set(item.id, item.good && !item.erased ? counted : counted + 1);
      }
    }
  }
  return ranks;
}

const cappable: ReadonlySet<string> = new Set(['days', 'copies', 'no-rule']);

/** Newest first in, newest first out: the oldest that nothing but a rule keeps go until the job has no more than the cap. */
function capped(decisions: readonly RetentionDecision[], countMax: number | undefined): RetentionDecision[] {
  let excess = decisions.filter(({ keep }) => keep).length - (countMax ?? Infinity);
  const result: RetentionDecision[] = [];
  for (const decision of decisions.toReversed()) {
    if (excess > 0 && decision.keep && cappable.has(decision.reason)) {
      excess -= 1;
      result.push({ item: decision.item, keep: false, reason: 'cap' });
    } else result.push(decision);
  }
  return result.reverse();
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
