/*
 * Healing as tasks of the site. What a scrub, a check, a reader or the comparison with the twin finds damaged or missing is fetched from the twin; once a
 * day each safe is looked through for what its records need, so that nothing stays unhealed because nobody told.
 *
 * A site without a twin heals nothing: what is damaged stands aside, and the next backups store what it held again.
 */

import type { TwinSource } from '@twinvault/protocol';
import { CodedError } from '@twinvault/std';
import { setAside } from '../check/check-packs.ts';
import type { Json } from '../database/tasks.ts';
import type { TaskRun } from '../database/worker.ts';
import type { ObjectKind, ObjectName } from '../database/inventory.ts';
import { healSafe } from '../twins/heal.ts';
import { customerOf } from './care-parts.ts';
import type { CaredSafe, CareParts, TwinOpener } from './care-parts.ts';
import { reportJson } from './report-json.ts';
import { objectKinds } from './stored-objects.ts';
import { verifyObject } from './verify-object.ts';

const pageMax = 1000;

/** Adds the task that heals a safe; one that waits already will do. `safe`: hexadecimal. */
export async function askToHeal(parts: CareParts, safe: string): Promise<void> {
  const customer = await customerOf(parts, safe);
  await parts.queue.add({ kind: 'heal', customer, safe, key: `heal now ${safe}` });
}

/** Reads packs through that somebody called damaged. Input: their names. */
export async function runLook(parts: CareParts, { hex, context }: CaredSafe, run: TaskRun): Promise<Json> {
  const damaged: string[] = [];
  const packs = run.task.input as readonly string[];
  for (const name of packs) {
    run.signal.throwIfAborted();
    const verdict = await verifyObject(context, { kind: 'pack', name });
    if (verdict.type === 'damaged') {
      await setAside(context, new Set([name]));
      await parts.inventory.damaged(hex, { kind: 'pack', name });
    }
    if (verdict.type === 'damaged' || verdict.type === 'missing') damaged.push(name);
  }
  if (damaged.length > 0) await askToHeal(parts, hex);
  return { packs: packs.length, damaged: damaged.length };
}

export async function runHeal(parts: CareParts, safe: CaredSafe, run: TaskRun): Promise<Json> {
  const { inventory, twinOpeners = [] } = parts;
  if (twinOpeners.length === 0) return { twins: 0 };
  await using stack = new AsyncDisposableStack();
  const sources = await openSome(twinOpeners, stack, run.signal);
  const report = await healSafe(safe.parts, {
    sources,
    damaged: await damagedObjects(parts, safe.hex),
    announce: (object) => inventory.announce(safe.hex, [object]),
    progress: ({ objects, bytes }) => void run.progress({ step: 'heal', done: objects, doneBytes: bytes }).catch(() => undefined),
    signal: run.signal,
  });
  return reportJson(report);
}

/** Those that can be reached; when none can, the task is tried again later. */
async function openSome(openers: readonly TwinOpener[], stack: AsyncDisposableStack, signal: AbortSignal): Promise<TwinSource[]> {
  const sources: TwinSource[] = [];
  let failure: unknown = null;
  for (const open of openers) {
    try {
      sources.push(stack.use(await open(signal)));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      failure = error;
    }
  }
  if (sources.length === 0) throw failure;
  return sources;
}

async function damagedObjects({ inventory }: CareParts, safe: string): Promise<ObjectName[]> {
  const damaged: ObjectName[] = [];
  for (const kind of objectKinds) damaged.push(...(await damagedOfKind(inventory, safe, kind)));
  return damaged;
}

async function damagedOfKind(inventory: CareParts['inventory'], safe: string, kind: ObjectKind): Promise<ObjectName[]> {
  const damaged: ObjectName[] = [];
  for (let after = ''; ;) {
    const page = await inventory.page(safe, kind, { after, countMax: pageMax });
    for (const { name, state } of page) if (state === 'damaged') damaged.push({ kind, name });
    const last = page.at(-1);
    if (last === undefined || page.length < pageMax) return damaged;
    after = last.name;
  }
}
