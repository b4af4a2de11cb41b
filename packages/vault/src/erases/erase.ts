/*
 * Carries out the erase orders of a safe at this site, docs/format/records.md, Erasing. Broken off at any step it is simply run again: what is left is looked
 * for anew, and what was begun stays begun.
 *
 * Invariants: nothing goes before the certificate is durable, which is put under the lock that commits hold; then key slots go first.
 */

import type { EraseCertificate } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { EraseOrderState } from '@twinvault/protocol';
import type { CommitParts } from '../commit/commit.ts';
import { inLock } from '../context.ts';
import { EraseLog } from './erase-log.ts';
import { eraseJobs } from './erase-jobs.ts';
import { eraseWhole } from './erase-whole.ts';
import type { EraseOptions, EraseWork } from './erase-work.ts';
import { standingOrders } from './orders.ts';
import type { StandingOrder } from './orders.ts';

export interface ErasedOrder {
  /** Name of the order, hexadecimal. */
  readonly order: string;
  readonly state: EraseOrderState;
  /** When there is something to do again: the end of the wait, or of the first lock; null when that is not known, or nothing is left to do. */
  readonly nextMs: number | null;
  readonly certificate: EraseCertificate | null;
}

/** Each order in its state after the run. `vault-busy` while a clean-up runs. */
export async function eraseSafe(parts: CommitParts, options: EraseOptions = {}): Promise<ErasedOrder[]> {
  const done: ErasedOrder[] = [];
  for (const order of await standingOrders(parts)) done.push(await eraseOrder(parts, order, options));
  return done;
}

const toDo: ReadonlySet<EraseOrderState> = new Set(['due', 'begun']);

async function eraseOrder(parts: CommitParts, standing: StandingOrder, options: EraseOptions): Promise<ErasedOrder> {
  const { hex, state, dueMs, certificate } = standing;
  if (!toDo.has(state) && !(state === 'done' && options.again === true)) {
    return { order: hex, state, nextMs: state === 'waiting' ? dueMs : null, certificate };
  }
  return inLock(parts.context, { name: 'clean', waitMs: 0 }, async (lock) => {
    const log = await EraseLog.of(parts.context, standing);
    if (state === 'due' && !(await begin(parts, { hex, log })))
      return { order: hex, state: 'cancelled', nextMs: null, certificate };
    const work = { ...options, lock, log, order: standing.order };
    try {
      if (standing.order.jobs === null) await eraseWhole(parts, work);
      else await eraseJobs(parts, { ...work, jobs: standing.order.jobs });
    } catch (error) {
      await tellBroken(work);
      throw error;
    }
    const ended = await log.end();
    return { order: hex, state: ended.state === 'done' ? 'done' : 'begun', nextMs: log.waitsUntilMs, certificate: ended };
  });
}

/** What went is told also of a run that was broken off; where that fails too, what was written before it went stands. */
async function tellBroken({ lock, log }: Pick<EraseWork, 'lock' | 'log'>): Promise<void> {
  try {
    await lock.check();
    await log.write();
  } catch {
    // The error that broke it off is the one to be told.
  }
}

/** False when it was taken back meanwhile. No commit is under way while the certificate is put. */
async function begin(parts: CommitParts, { hex, log }: { readonly hex: string; readonly log: EraseLog }): Promise<boolean> {
  return inLock(parts.context, { name: 'commit' }, async (lock) => {
    const now = (await standingOrders(parts)).find((order) => order.hex === hex);
    if (now === undefined) throw new ProtocolError('object-unknown', { context: { kind: 'erase', name: hex } });
    if (now.state !== 'due') return false;
    await lock.check();
    await log.write();
    return true;
  });
}
