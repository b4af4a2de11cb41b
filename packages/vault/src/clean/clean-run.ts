/*
 * The steps of a clean-up that change something. Each looks after the lock "clean" before it does what must not be done twice.
 */

import { dayMs } from '@twinvault/std';
import { choosePacks } from '../compact/choose.ts';
import type { ChosenPack } from '../compact/choose.ts';
import { compact, noCompaction } from '../compact/compact.ts';
import type { CompactionReport } from '../compact/compact.ts';
import { inLock, openLeases } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';
import type { OpenLease } from '../leases/leases.ts';
import type { LiveSet } from '../live/live-set.ts';
import { deletePack } from '../packs/deletion.ts';
import { concurrently } from '../store/concurrently.ts';
import type { CleanPlan } from './clean-plan.ts';
import type { CleanRights } from './consent.ts';
import { isYoung, markPacks } from './mark.ts';
import type { Marked, MarkTimes } from './mark.ts';
import { takeBack, writeQuarantine } from './quarantine.ts';
import type { CleanedPack, CleanOptions, CleanProgress } from './report.ts';
import { retireRecord } from './retire.ts';
import { SecondMark } from './second-mark.ts';

export const quarantineMsDefault: number = dayMs;
/** Notes that are written with one reading of the time: far less than `markSpreadMs` apart. */
const markBatch = 64;
/** Packs that one holding of the lock "commit" moves to deletion: commits do not wait long. */
const secondMarkBatch = 64;
const statsAtOnce = 16;

interface ChooseParts {
  readonly context: SafeContext;
  readonly leases: readonly OpenLease[];
  readonly options: CleanOptions;
  readonly rights: CleanRights;
}

/** Plans are home's. Packs that an open session put are left to it: it may need more of them than is live now. */
export async function chooseNow({ context, leases, options, rights }: ChooseParts, { facts }: Marked): Promise<ChosenPack[]> {
  if (options.compact === null || rights.home !== null) return [];
  const chosen = await choosePacks(facts, options.compact, context.turns);
  const young = await concurrently(chosen, statsAtOnce, ({ facts: { hex } }) => isYoung({ context, leases }, hex));
  return chosen.filter((_, index) => young[index] !== true);
}

export type CleanDelays = Pick<MarkTimes, 'quarantineMs' | 'minimumAgeMs'>;

/** What is asked for never goes below what the vault promises. */
export async function delaysOf({ minimumAgeMs }: SafeContext, options: CleanOptions): Promise<CleanDelays> {
  return {
    quarantineMs: options.quarantineMs ?? quarantineMsDefault,
    minimumAgeMs: Math.max(await minimumAgeMs(), options.minimumAgeMs ?? 0),
  };
}

interface RunParts {
  readonly options: CleanOptions;
  readonly lock: Lease;
  readonly live: LiveSet;
  readonly rights: CleanRights;
}

/** The steps of a clean-up that change something, in their order. */
export class CleanRun {
  readonly #context: SafeContext;
  readonly #options: CleanOptions;
  readonly #lock: Lease;
  readonly #live: LiveSet;
  readonly #rights: CleanRights;

  constructor(context: SafeContext, { options, lock, live, rights }: RunParts) {
    this.#context = context;
    this.#options = options;
    this.#lock = lock;
    this.#live = live;
    this.#rights = rights;
  }

  async retire({ records, retiring, times }: CleanPlan): Promise<void> {
    const reasons = new Map(records.map(({ record, reason }) => [record, reason]));
    let done = 0;
    for (const [hex, { digest }] of retiring) {
      await this.#step('retire', done, retiring.size);
      await retireRecord(this.#context, { digest, reason: reasons.get(hex) ?? 'retention', retiredMs: times.nowMs });
      done += 1;
    }
  }

  /** New packs of what is live in those that were chosen. */
  async compact({ rows, marked, chosen, times }: CleanPlan): Promise<CompactionReport> {
    if (this.#options.compact === null) return noCompaction;
    const ofPlan = (number: number): number => Array.from(marked.facts).filter(({ plan }) => plan === number).length;
    const { signal } = this.#options;
    const progress = (packs: number): void => {
      this.#options.progress?.({ step: 'compact', done: packs, total: Math.max(packs, chosen.length) });
    };
    const work = { lock: this.#lock, live: rows, packsOfPlan: ofPlan, nowMs: times.nowMs, signal, progress };
    return compact(this.#context, work, async (hasEnded) => {
      if (!hasEnded) return chosen;
      const leases = await openLeases(this.#context, times.nowMs);
      const parts = { context: this.#context, leases, options: this.#options, rights: this.#rights };
      return chooseNow(parts, await this.markedNow());
    });
  }

  /** What is needless now that records were retired and packs were made. */
  async markedNow(): Promise<Marked> {
    const context = this.#context;
    const nowMs = await context.leases.nowMs();
    const times = { nowMs, clockMs: context.ports.clock.nowMs(), ...(await delaysOf(context, this.#options)) };
    const reads = await context.twins.reads(context.safe);
    return markPacks({ context, live: await this.#live.rows(), leases: await openLeases(context, nowMs), times, reads });
  }

  /** First marks, and the taking back of what lives again. */
  async mark(marked: Marked, times: MarkTimes): Promise<void> {
    const fresh = marked.packs.filter(({ action }) => action === 'quarantine');
    for (let start = 0; start < fresh.length; start += markBatch) {
      await this.#step('mark', start, fresh.length);
      const markedMs = await this.#context.leases.nowMs();
      const leases = (await openLeases(this.#context, markedMs)).map(({ name }) => name);
      for (const { pack } of fresh.slice(start, start + markBatch)) {
        await writeQuarantine(this.#context, pack, { state: 'quarantined', markedMs, clockMs: times.clockMs, leases });
      }
    }
    const back = [...marked.packs.filter(({ action }) => action === 'take-back').map(({ pack }) => pack), ...marked.staleNotes];
    if (back.length === 0) return;
    await inLock(this.#context, { name: 'commit' }, async (lock) => {
      for (const hex of back) {
        await lock.check();
        await takeBack(this.#context, hex);
      }
    });
  }

  /** Second mark in batches under the lock "commit", then deletion. Gives what was deleted. */
  async deleteNeedless(due: readonly CleanedPack[]): Promise<CleanedPack[]> {
    if (due.length === 0) return [];
    const mark = await SecondMark.of(this.#context, due, {
      live: this.#live,
      delays: await delaysOf(this.#context, this.#options),
    });
    const deleted: CleanedPack[] = [];
    for (let start = 0; start < due.length; start += secondMarkBatch) {
      await this.#step('second-mark', start, due.length);
      const batch = await mark.batch(due.slice(start, start + secondMarkBatch));
      for (const pack of batch) {
        await this.#step('delete', deleted.length, due.length);
        if (await deletePack(this.#context, pack.pack, this.#lock)) deleted.push(pack);
      }
    }
    return deleted;
  }

  async #step(step: CleanProgress['step'], done: number, total: number): Promise<void> {
    this.#options.signal?.throwIfAborted();
    await this.#lock.check();
    this.#options.progress?.({ step, done, total });
  }
}
