/*
 * Erase orders of a safe as a task: each is carried out when it is due, and looked after until nothing is left of what it covers. What the database knows of
 * that goes too: the inventory by reconciling, metering, and reports of tasks, which name jobs.
 */

import { hourMs, minuteMs, toHex } from '@twinvault/std';
import type { Json } from '../database/tasks.ts';
import type { TaskRun } from '../database/worker.ts';
import type { ErasedOrder } from '../erases/erase.ts';
import { customerOf } from './care-parts.ts';
import type { CaredSafe, CareParts } from './care-parts.ts';
import { reconcileSafe } from './reconcile.ts';
import { reportJson } from './report-json.ts';

export const eraseEveryMs: number = hourMs;
/** Until a twin may have taken an order, or a session has ended. */
const againMs: number = minuteMs;

/** Has the orders of a safe looked at soon: one has just arrived or was taken back. */
export async function eraseSoon(parts: Pick<CareParts, 'queue' | 'vault'>, safe: string, task: SoonTask = {}): Promise<void> {
  const { delayMs = 0, key = null } = task;
  // A task that runs keeps its key: the next one has the other.
  const [first, second] = [`erase-next ${safe}`, `erase-again ${safe}`];
  const customer = await customerOf(parts, safe);
  await parts.queue.add({ kind: 'erase', customer, safe, key: key === first ? second : first, delayMs });
}

interface SoonTask {
  readonly delayMs?: number;
  /** Of the task that asks. */
  readonly key?: string | null;
}

export async function eraseInSafe(parts: CareParts, run: TaskRun, { hex, context }: CaredSafe): Promise<Json> {
  const { vault, inventory, database } = parts;
  const nowMs = await database.nowMs();
  const orders = await vault.erase(context.safe, {
    // Once a day, at an hour of the safe's own.
    again: Math.floor(nowMs / hourMs) % 24 === (context.safe[0] ?? 0) % 24,
    signal: run.signal,
    progress: ({ objects, bytes }) =>
      void run.progress({ step: 'erase', done: objects, doneBytes: bytes }).catch(() => undefined),
  });
  const begun = orders.filter(({ certificate }) => certificate !== null);
  if (begun.length > 0) {
    await reconcileSafe(context, inventory, run.signal);
    await forget(parts, hex, begun);
  }
  const delays = orders.flatMap((order) => delayOf(order, nowMs) ?? []);
  if (delays.length > 0) await eraseSoon(parts, hex, { delayMs: Math.min(...delays), key: run.task.key });
  return reportJson(orders.map(({ order, state, nextMs }) => ({ order, state, nextMs })));
}

/** Null when the hourly look is soon enough. */
function delayOf({ state, nextMs }: ErasedOrder, nowMs: number): number | null {
  if (state === 'apart' || (state === 'begun' && nextMs === null)) return againMs;
  if (nextMs === null || (state !== 'waiting' && state !== 'begun')) return null;
  const delayMs = Math.max(againMs, nextMs - nowMs);
  return delayMs < eraseEveryMs ? delayMs : null;
}

async function forget({ metering, queue }: CareParts, safe: string, begun: readonly ErasedOrder[]): Promise<void> {
  for (const { certificate } of begun) {
    const jobs = certificate?.jobs?.map(({ computer, job }) => ({ computer: toHex(computer), job })) ?? null;
    await metering.forget(safe, jobs);
  }
  await queue.forgetReports(safe);
}
