/*
 * Reads every stored byte again and again, so that damage is found while it can still be healed: what was not verified for the longest comes
 * first, at a rate that lets nothing be unverified for longer than `unverifiedMsMax`. A pack that is damaged is set aside: it leaves the live
 * lists, and the next backups store what it held again.
 *
 * A run reads its share of the time since the last one and whatever is due. It takes no lock but to set a pack aside.
 */

import { dayMs, hourMs, KiB, MiB } from '@twinvault/std';
import type { Clock, Timers } from '@twinvault/std';
import { setAside } from '../check/check-packs.ts';
import type { SafeContext } from '../context.ts';
import type { Inventory, KeptObject } from '../database/inventory.ts';
import { verifyObject } from './verify-object.ts';

/** The promise. */
export const unverifiedMsMax: number = 30 * dayMs;
/** What is aimed at, so that a node that was off for days does not break the promise. */
export const scrubPeriodMs: number = 20 * dayMs;
export const scrubEveryMs: number = hourMs;
/** Where nothing is set: beside backups and restores a disk has so much to spare. */
export const scrubRateDefault: number = 64 * MiB;
/** No slower than that, so that small sites are through long before. */
const bytesPerSecondMin: number = 256 * KiB;
const batchMax = 64;

export interface ScrubParts {
  readonly inventory: Inventory;
  /** Null: there is no such safe any more. */
  readonly safeOf: (hex: string) => Promise<SafeContext | null>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** The database's time. */
  readonly nowMs: () => Promise<number>;
}

export interface ScrubOptions {
  /** Bytes per second at most, unless more is needed to keep the promise; `scrubRateDefault` when left out. */
  readonly bytesPerSecondMax?: number;
  readonly signal?: AbortSignal;
  /** Called after each object: the place to look after a claim. */
  readonly progress?: (done: ScrubReport) => Promise<void>;
}

export interface ScrubDamage {
  readonly safe: string;
  readonly kind: string;
  readonly name: string;
  readonly defect: string;
}

export interface ScrubReport {
  readonly objects: number;
  readonly bytes: number;
  readonly missing: number;
  /** The store could not read them this time. */
  readonly unreadable: number;
  readonly damaged: readonly ScrubDamage[];
  /** Of what is whole, after the run; null when there is nothing. */
  readonly oldestVerifiedMs: number | null;
  /** Something is unverified for longer than promised. */
  readonly late: boolean;
}

interface Tally {
  objects: number;
  bytes: number;
  missing: number;
  unreadable: number;
  damaged: ScrubDamage[];
}

/** One run. Errors of the database and of the signal; what is wrong with objects stands in the report. */
export async function scrub(parts: ScrubParts, options: ScrubOptions = {}): Promise<ScrubReport> {
  const { inventory, clock, timers } = parts;
  const startedMs = clock.monotonicMs();
  const totals = await inventory.totals();
  const neededPerSecond = (totals.bytes / scrubPeriodMs) * 1000;
  const budgetBytes = Math.max(neededPerSecond, bytesPerSecondMin) * (scrubEveryMs / 1000);
  const rate = Math.max(options.bytesPerSecondMax ?? scrubRateDefault, 2 * neededPerSecond);
  const tally: Tally = { objects: 0, bytes: 0, missing: 0, unreadable: 0, damaged: [] };
  const passed = new Set<string>();
  const report = async (): Promise<ScrubReport> =>
    reportOf(tally, (await inventory.totals()).oldestVerifiedMs, await parts.nowMs());
  for (;;) {
    const dueMs = (await parts.nowMs()) - scrubPeriodMs;
    const stalest = await inventory.stalest(
      batchMax + passed.size,
      startedAt(await parts.nowMs(), clock.monotonicMs() - startedMs),
    );
    const next = stalest.filter((row) => !passed.has(keyOf(row)));
    if (next.length === 0) return report();
    for (const row of next) {
      options.signal?.throwIfAborted();
      if (tally.bytes >= budgetBytes && row.verifiedMs > dueMs) return report();
      passed.add(keyOf(row));
      await scrubOne(parts, row, tally);
      const aheadMs = (tally.bytes / rate) * 1000 - (clock.monotonicMs() - startedMs);
      if (aheadMs > 0) await timers.sleep(aheadMs, options.signal);
      await options.progress?.(reportOf(tally, null, 0));
    }
  }
}

/** Of the run: what was verified since then is not looked at again. */
function startedAt(nowMs: number, elapsedMs: number): number {
  return nowMs - Math.ceil(elapsedMs);
}

async function scrubOne({ inventory, safeOf }: ScrubParts, row: KeptObject, tally: Tally): Promise<void> {
  const { safe, kind, name } = row;
  const context = await safeOf(safe);
  const verdict = context === null ? ({ type: 'missing' } as const) : await verifyObject(context, row);
  tally.objects += 1;
  switch (verdict.type) {
    case 'whole':
      tally.bytes += verdict.bytes;
      await inventory.verified(safe, [row]);
      return;
    case 'missing':
      // Retired or compacted away since it was listed; reconciling tells whether it should be there.
      tally.missing += 1;
      await inventory.withdraw(safe, kind, [name]);
      return;
    case 'unreadable':
      tally.unreadable += 1;
      return;
    case 'damaged':
      tally.bytes += row.bytes;
      tally.damaged.push({ safe, kind, name, defect: verdict.defect });
      if (kind === 'pack' && context !== null) await setAside(context, new Set([name]));
      await inventory.damaged(safe, row);
      return;
  }
}

function reportOf(tally: Tally, oldestVerifiedMs: number | null, nowMs: number): ScrubReport {
  const late = oldestVerifiedMs !== null && nowMs - oldestVerifiedMs > unverifiedMsMax;
  return { ...tally, damaged: [...tally.damaged], oldestVerifiedMs, late };
}

function keyOf({ safe, kind, name }: KeptObject): string {
  return `${safe} ${kind} ${name}`;
}
