/*
 * Following of the twins, as tasks of the queue. For each twin one that looks which safes it has, and one for each of these that takes in what came since.
 * Each run goes on where the note in the safe's folder says, so that any node may make it, and one that dies costs the page it was at.
 *
 * Once a day all names are compared: what neither noticed is found then.
 */

import { safeId } from '@twinvault/format';
import type { SafeId, SiteId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { TwinSource } from '@twinvault/protocol';
import { CodedError, dayMs, equalBytes, fromHex, secondMs, toHex } from '@twinvault/std';
import type { Json } from '../database/tasks.ts';
import { TwinLags } from '../database/twin-lags.ts';
import type { TaskHandler, TaskRun } from '../database/worker.ts';
import type { TakeInReport } from '../twins/taking-in.ts';
import type { TwinProgress } from '../twins/twin-progress.ts';
import type { TwinSite } from '../twins/twins.ts';
import type { CareParts } from './care-parts.ts';
import { eraseSoon } from './erase.ts';

export const followEveryMsDefault: number = 5 * secondMs;
export const compareEveryMs: number = dayMs;
/** Pages of names that are counted ahead: beyond them only their number is known. */
const countedPagesMax = 64;

/** A twin of the configuration. */
export interface FollowedTwin {
  readonly site: SiteId;
  readonly address: string;
  /** What network and token make possible now; the caller disposes of it. */
  open(signal: AbortSignal): Promise<TwinSource>;
}

export interface FollowParts extends CareParts {
  readonly twins: readonly FollowedTwin[];
  /** Called for a safe that is new here. */
  readonly isNew: (safe: SafeId) => Promise<void>;
  readonly warn: (fields: Readonly<Record<string, string | number>>, text: string) => void;
}

export function followHandlers(parts: FollowParts): Readonly<Record<string, TaskHandler>> {
  return {
    twin: (run) => withTwin(parts, run, (twin) => followTwin(parts, run, twin)),
    follow: (run) => withTwin(parts, run, (twin) => followSafe(parts, run, twin)),
  };
}

/** At each start of a node: the twins of the configuration are those of the site from now on. */
export async function beginFollowing({
  vault,
  queue,
  database,
  twins,
  policy,
}: Omit<FollowParts, 'isNew' | 'warn'>): Promise<void> {
  const known = await vault.twins.sites();
  const named = twins.map(
    ({ site }): TwinSite => known.find((each) => equalBytes(each.site, site)) ?? { site, publicKey: new Uint8Array(0) },
  );
  const isSame = named.length === known.length && known.every(({ site }) => named.some((each) => equalBytes(each.site, site)));
  if (!isSame) await vault.nameTwins(named);
  await new TwinLags(database).keepOnly(twins.map(({ site }) => toHex(site)));
  for (const { site } of twins) {
    const hex = toHex(site);
    await queue.recur({
      kind: 'twin',
      customer: 'site',
      key: `twin ${hex}`,
      periodMs: policy.followEveryMs ?? followEveryMsDefault,
      input: { twin: hex },
    });
  }
}

/** One that is taken out of the configuration is not followed any more. */
async function withTwin(parts: FollowParts, run: TaskRun, body: (twin: FollowedTwin) => Promise<Json>): Promise<Json> {
  const { twin: hex } = run.task.input as { readonly twin: string };
  const twin = parts.twins.find(({ site }) => toHex(site) === hex);
  if (twin !== undefined) return body(twin);
  if (run.task.key !== null) await parts.queue.drop(run.task.key);
  return { dropped: true };
}

/** Sees to it that each safe of the twin is followed. */
async function followTwin(parts: FollowParts, run: TaskRun, twin: FollowedTwin): Promise<Json> {
  const { queue, vault, policy } = parts;
  const hex = toHex(twin.site);
  try {
    await using source = await twin.open(run.signal);
    await demandSite(parts, source, twin);
    const safes = await source.safes();
    for (const { safe, home, customer } of safes) {
      if (customer !== undefined && equalBytes(home, twin.site)) await vault.followCustomer(safe, customer);
      const safeHex = toHex(safe);
      const key = `follow ${hex} ${safeHex}`;
      await queue.recur({
        kind: 'follow',
        customer: await vault.customerOf(safe),
        safe: safeHex,
        key,
        periodMs: policy.followEveryMs ?? followEveryMsDefault,
        input: { twin: hex },
      });
    }
    return { safes: safes.length };
  } catch (error) {
    const problem = codeOf(error);
    parts.warn({ twin: hex, code: problem }, 'a twin cannot be reached');
    for (const { safe } of await parts.vault.safes())
      await new TwinLags(parts.database).tell({ twin: hex, safe: toHex(safe), problem });
    return { problem };
  }
}

/** Who it says it is: the site of its token, and the key that it had when it was reached first. */
async function demandSite({ vault }: FollowParts, source: TwinSource, twin: FollowedTwin): Promise<void> {
  const { site, publicKey } = await source.site();
  if (!equalBytes(site, twin.site)) throw new ProtocolError('answer-invalid', { context: { defect: 'another site' } });
  const sites = await vault.twins.sites();
  const known = sites.find((each) => equalBytes(each.site, site));
  if (known !== undefined && equalBytes(known.publicKey, publicKey)) return;
  if (known !== undefined && known.publicKey.length > 0)
    throw new ProtocolError('answer-invalid', { context: { defect: 'another key of the site' } });
  await vault.nameTwins([...sites.filter((each) => each !== known), { site, publicKey }]);
}

/** What went wrong is told and not thrown: the next run comes soon, and a pause that grows would only make the site late. */
async function followSafe(parts: FollowParts, run: TaskRun, twin: FollowedTwin): Promise<Json> {
  const { database, vault } = parts;
  const lags = new TwinLags(database);
  const at = { twin: toHex(twin.site), safe: run.task.safe ?? '' };
  try {
    await using source = await twin.open(run.signal);
    await demandSite(parts, source, twin);
    const report = await takeInSafe(parts, run, { source, twin });
    const problem = report.held[0]?.code ?? null;
    await lags.tell({ ...at, problem, isRead: report.endAskedMs !== null, skewMs: Math.round(report.skewMs) });
    if (problem !== null) parts.warn({ ...at, code: problem, held: report.held.length }, 'a twin has what cannot be taken');
    return { objects: report.objects, bytes: report.bytes, held: report.held.length, left: report.left.length };
  } catch (error) {
    if (run.signal.aborted) throw error;
    const problem = codeOf(error);
    await lags.tell({ ...at, problem });
    parts.warn({ ...at, code: problem }, 'a safe could not be taken in');
    if (problem === 'safe-unknown' && run.task.key !== null && (await isGone(vault, at.safe)))
      await parts.queue.drop(run.task.key);
    return { problem };
  }
}

/** Another feed, or one that is shorter than what was read of it. */
function isOther({ place, last }: TakeInReport, before: TwinProgress): boolean {
  return !equalBytes(place.generation, before.generation) || last < before.position;
}

interface From {
  readonly source: TwinSource;
  readonly twin: FollowedTwin;
}

async function takeInSafe(parts: FollowParts, run: TaskRun, { source, twin }: From): Promise<TakeInReport> {
  const { vault, inventory, database } = parts;
  const lags = new TwinLags(database);
  const safeHex = run.task.safe ?? '';
  const safe = safeId(fromHex(safeHex) ?? new Uint8Array(16));
  const at = { twin: toHex(twin.site), safe: safeHex };
  const wasHere = !(await isGone(vault, safeHex));
  const before = wasHere ? await vault.twinProgress(safe, twin.site) : null;
  const lag = await lags.find(at.twin, safeHex);
  const isDue = lag?.comparedMs === null || (await database.nowMs()) - (lag?.comparedMs ?? 0) > compareEveryMs;
  const behind = await behindOf(source, safe, before?.position ?? 0);
  const started = { bytes: behind.bytes };
  await lags.tell({ ...at, behindObjects: behind.objects, behindBytes: behind.bytes });
  const report = await vault.takeIn(safe, {
    source,
    ...(before === null || isDue ? {} : { from: before }),
    signal: run.signal,
    announce: async (objects) => {
      await inventory.announce(safeHex, objects);
      // It may be due here at once.
      if (objects.some(({ kind }) => kind === 'erase')) await eraseSoon(parts, safeHex);
    },
    remember: async ({ place, last, endAskedMs, skewMs, bytes, held }) => {
      await run.check();
      const isSame = before !== null && equalBytes(before.generation, place.generation);
      // While all names are compared the place goes back, and what was read to its end stays so.
      const position = isSame && isDue && held.length === 0 ? Math.max(place.position, before.position) : place.position;
      const asked = endAskedMs ?? (isSame ? before.endAskedMs : null);
      await vault.tellTwinProgress(safe, twin.site, { generation: place.generation, position, endAskedMs: asked, skewMs });
      const isEnd = endAskedMs !== null;
      const behindObjects = isEnd ? 0 : Math.max(held.length, last - position);
      await lags.tell({ ...at, behindObjects, behindBytes: isEnd ? 0 : Math.max(0, started.bytes - bytes) });
      await run.progress({ step: 'follow', done: place.position, total: last, doneBytes: bytes });
    },
  });
  if (report.endAskedMs !== null && (before === null || isDue)) await lags.tell({ ...at, isCompared: true });
  if (report.returned > 0)
    parts.warn({ ...at, records: report.returned }, 'this site had lost what it had acknowledged, and took it in again');
  if (before !== null && isOther(report, before)) parts.warn(at, 'a twin was put back or made anew: all its names were compared');
  if (!wasHere) await parts.isNew(safe);
  return report;
}

/** Names ahead: their number and, as far as it is worth asking for, their bytes. */
async function behindOf(
  source: TwinSource,
  safe: SafeId,
  from: number,
): Promise<{ readonly objects: number; readonly bytes: number }> {
  let bytes = 0;
  let after = from;
  for (let count = 0; count < countedPagesMax; count += 1) {
    const page = await source.feed(safe, { after, waitMs: 0 });
    bytes += page.events.reduce((sum, event) => sum + event.bytes, 0);
    after = page.next;
    if (page.events.length === 0 || page.next >= page.last) return { objects: Math.max(0, page.last - from), bytes };
  }
  return { objects: Math.max(0, after - from), bytes };
}

async function isGone(vault: CareParts['vault'], hex: string): Promise<boolean> {
  try {
    await vault.openSafe(safeId(fromHex(hex) ?? new Uint8Array(16)));
    return false;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'safe-unknown') return true;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : 'task-failed';
}
