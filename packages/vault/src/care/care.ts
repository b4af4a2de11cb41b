/*
 * What a site does by itself, as tasks of its queue: whichever node takes one does it, and one that dies in the middle is followed by
 * another. Recurring: scrub and housekeeping for the site; clean-up, reconciling, healing, locks, metering and erase orders for each safe. Once: reconciling
 * after a node died; for operators clean-up, check, rebuild.
 *
 * Nothing here makes a backup or a restore wait: clean-up holds the lock of commits for moments, everything else reads.
 */

import type { SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { dayMs, hourMs, secondMs, toHex } from '@twinvault/std';
import type { CheckOptions, CheckReport } from '../check/check-run.ts';
import type { CleanOptions } from '../clean/report.ts';
import { Exchanges } from '../database/exchanges.ts';
import type { Json } from '../database/tasks.ts';
import { mendTimesAhead } from '../database/times-ahead.ts';
import type { TaskHandler, TaskRun } from '../database/worker.ts';
import type { RebuildOptions } from '../rebuild/rebuild.ts';
import { careSafe } from './care-parts.ts';
import type { CaredSafe, CareParts } from './care-parts.ts';
import { askAfterDead, reconcileAll } from './dead-nodes.ts';
import { askToHeal, runHeal, runLook } from './heal.ts';
import { eraseEveryMs, eraseInSafe } from './erase.ts';
import { beginOtherFeed, renewLife, wasPutBack } from './life.ts';
import { lockEveryMs, lockSafe } from './lock.ts';
import { dayOf, meterDay } from './meter.ts';
import { reconcileSafe } from './reconcile.ts';
import { empty, factsOf, fill, isCurrent } from './refill.ts';
import { reportJson } from './report-json.ts';
import { scrub, scrubEveryMs } from './scrub.ts';

export const cleanEveryMs: number = dayMs;
const reconcileEveryMs: number = dayMs;
const healEveryMs: number = dayMs;
const meterEveryMs: number = 6 * hourMs;
const housekeepingEveryMs: number = 10 * 60 * secondMs;
const collectMax = 1000;
/** Progress is written so often, however often it is told. */
const progressEveryMs: number = secondMs;

export function careHandlers(parts: CareParts): Readonly<Record<string, TaskHandler>> {
  return {
    scrub: (run) => runScrub(parts, run),
    housekeeping: (run) => keepHouse(parts, run),
    clean: (run) => runClean(parts, run),
    check: (run) => runCheck(parts, run),
    rebuild: (run) => runRebuild(parts, run),
    fill: async (run) => reportJson(await fill(parts, run.signal)),
    reconcile: (run) => (run.task.safe === null ? reconcileAll(parts, run) : runReconcile(parts, run)),
    lock: (run) => withSafe(parts, run, async (safe) => ({ ...(await lockSafe(parts, safe, run.signal)) })),
    look: (run) => withSafe(parts, run, (safe) => runLook(parts, safe, run)),
    heal: (run) => withSafe(parts, run, (safe) => runHeal(parts, safe, run)),
    erase: (run) => withSafe(parts, run, (safe) => eraseInSafe(parts, run, safe)),
    meter: (run) => withSafe(parts, run, ({ hex }) => meter(parts, hex)),
  };
}

function runReconcile(parts: CareParts, run: TaskRun): Promise<Json> {
  return withSafe(parts, run, async ({ context }) => ({ ...(await reconcileSafe(context, parts.inventory, run.signal)) }));
}

export interface CareBegun {
  readonly emptied: boolean;
  /** Store or database stood as it was before the other. */
  readonly wasPutBack: boolean;
}

/** At each start of a node. Tables of another life of the site are emptied, and filled by a task; says whether that was so. */
export async function beginCare(parts: CareParts): Promise<CareBegun> {
  const { generation } = await parts.vault.site();
  const current = await isCurrent(parts.database, toHex(generation));
  if (!current) {
    // The task first: a node that dies between the two finds the tables as they were, and comes here again.
    await parts.queue.add({ kind: 'fill', customer: 'site', key: 'fill' });
    await empty(parts.database, toHex(generation));
  }
  const isPutBack = current && (await wasPutBack(parts));
  if (isPutBack) await beginOtherFeed(parts);
  await renewLife(parts);
  await mendTimesAhead(parts.database);
  await scheduleSite(parts);
  return { emptied: !current, wasPutBack: isPutBack };
}

async function scheduleSite(parts: CareParts): Promise<void> {
  const { queue, vault } = parts;
  const site = { customer: 'site', delayMs: housekeepingEveryMs };
  await queue.recur({ ...site, kind: 'housekeeping', key: 'housekeeping', periodMs: housekeepingEveryMs });
  await queue.recur({ ...site, kind: 'scrub', key: 'scrub', periodMs: scrubEveryMs });
  for (const { safe } of await vault.safes()) await scheduleSafe(parts, safe);
}

/** Spread over their period, so that not all safes are cleaned at the same minute. */
export async function scheduleSafe({ queue, vault }: CareParts, safe: SafeId): Promise<void> {
  const hex = toHex(safe);
  const [first = 0] = safe;
  const customer = await vault.customerOf(safe);
  const of = (kind: string, periodMs: number): Promise<string> =>
    queue.recur({
      kind,
      customer,
      safe: hex,
      key: `${kind} ${hex}`,
      periodMs,
      delayMs: Math.floor((periodMs * first) / 256),
    });
  await of('clean', cleanEveryMs);
  await of('reconcile', reconcileEveryMs);
  await of('heal', healEveryMs);
  await of('lock', lockEveryMs);
  await of('meter', meterEveryMs);
  await of('erase', eraseEveryMs);
}

async function runScrub(parts: CareParts, run: TaskRun): Promise<Json> {
  const { inventory, ports, database, policy } = parts;
  const told = throttled(parts, run);
  const report = await scrub(
    {
      inventory,
      safeOf: async (hex) => (await careSafe(parts, hex))?.context ?? null,
      ...ports,
      nowMs: () => database.nowMs(),
    },
    {
      signal: run.signal,
      progress: ({ objects, bytes }) => told({ step: 'scrub', done: objects, doneBytes: bytes }),
      ...(policy.scrubBytesPerSecondMax === undefined ? {} : { bytesPerSecondMax: policy.scrubBytesPerSecondMax }),
    },
  );
  for (const safe of new Set(report.damaged.map((each) => each.safe))) await askToHeal(parts, safe);
  return { ...report, damaged: report.damaged.map((each) => ({ ...each })) };
}

/** Ends what lapsed, forgets what is old, and sees to it that each safe is looked after. */
async function keepHouse(parts: CareParts, run: TaskRun): Promise<Json> {
  const exchanges = new Exchanges(parts.database);
  let lapsed = 0;
  for (let count = collectMax; count === collectMax; lapsed += count) {
    run.signal.throwIfAborted();
    count = (await exchanges.collectLapsed(collectMax)).length;
  }
  const tasks = await parts.queue.sweep();
  const deadNodes = await askAfterDead(parts);
  await renewLife(parts);
  await mendTimesAhead(parts.database);
  await scheduleSite(parts);
  return { lapsed, tasks, deadNodes };
}

/** Input: what `POST …/clean` takes; of the nightly one null, and then the rules are the site's. */
async function runClean(parts: CareParts, run: TaskRun): Promise<Json> {
  const told = throttled(parts, run);
  return withSafe(parts, run, async ({ context }) => {
    const asked = run.task.input === null ? { keep: parts.policy.keep } : cleanOptionsOf(run.task.input);
    const report = await parts.vault.clean(context.safe, {
      ...asked,
      signal: run.signal,
      progress: ({ step, done, total }) => void told({ step, done, total }).catch(() => undefined),
    });
    if (!report.dryRun) await reconcileSafe(context, parts.inventory, run.signal);
    return reportJson(report);
  });
}

async function runCheck(parts: CareParts, run: TaskRun): Promise<Json> {
  const told = throttled(parts, run);
  const { safe } = run.task;
  const found = safe === null ? null : await careSafe(parts, safe);
  if (safe !== null && found === null) throw new ProtocolError('safe-unknown', { context: { safe } });
  const asked = (run.task.input ?? {}) as Pick<CheckOptions, 'readData' | 'setAside'>;
  const report: CheckReport = await parts.vault.check({
    ...asked,
    ...(found === null ? {} : { safe: found.context.safe }),
    signal: run.signal,
    progress: (progress) => void told({ ...progress }).catch(() => undefined),
  });
  if (asked.setAside === true && found !== null) {
    await reconcileSafe(found.context, parts.inventory, run.signal);
    await askToHeal(parts, found.hex);
  }
  return reportJson(report);
}

/** Objects first, then the tables. */
async function runRebuild(parts: CareParts, run: TaskRun): Promise<Json> {
  const told = throttled(parts, run);
  const asked = (run.task.input ?? {}) as Pick<RebuildOptions, 'voidLeases' | 'waitMs'>;
  const report = await parts.vault.rebuild({
    ...asked,
    signal: run.signal,
    progress: (progress) => void told({ ...progress, step: 'rebuild' }).catch(() => undefined),
  });
  const generation = toHex(report.generation);
  await empty(parts.database, generation);
  const tables = await fill(parts, run.signal);
  await scheduleSite(parts);
  return reportJson({ ...report, tables });
}

/** Yesterday to its end, and today so far. */
async function meter(parts: CareParts, safe: string): Promise<Json> {
  const facts = await factsOf(parts, safe);
  if (facts === null) return null;
  const today = dayOf(await parts.database.nowMs());
  for (const day of [today - 1, today]) await parts.metering.measured(safe, day, meterDay(facts, day));
  return { day: today, records: facts.records.length, packs: facts.packs.length };
}

/** A safe that is gone is not looked after any more. */
async function withSafe(parts: CareParts, run: TaskRun, body: (safe: CaredSafe) => Promise<Json>): Promise<Json> {
  const { safe, key } = run.task;
  const found = safe === null ? null : await careSafe(parts, safe);
  if (found !== null) return body(found);
  if (key !== null) await parts.queue.drop(key);
  throw new ProtocolError('safe-unknown', { context: { safe: safe ?? '' } });
}

function throttled({ ports: { clock } }: CareParts, run: TaskRun): (progress: Json) => Promise<void> {
  let lastMs = -Infinity;
  return async (progress) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lastMs < progressEveryMs) return;
    lastMs = nowMs;
    await run.progress(progress);
  };
}

/** The body was held against its schema when it was taken; types of retention become a map. */
function cleanOptionsOf(input: Json): CleanOptions {
  const { keep, ...rest } = input as Omit<CleanOptions, 'keep'> & {
    readonly keep?: { readonly types: Readonly<Record<string, unknown>>; readonly others?: unknown } | null;
  };
  if (keep === undefined || keep === null) return rest;
  const rules = { ...keep, types: new Map(Object.entries(keep.types)) };
  return { ...rest, keep: rules as NonNullable<CleanOptions['keep']> };
}
