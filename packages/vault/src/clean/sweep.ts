/*
 * Leftovers that mean nothing: temporary files and directories a day old, lapsed leases, key slots that no ledger entry names, records that
 * a crash brought back beside their stub, safes whose making was broken off.
 */

import { dayMs } from '@twinvault/std';
import type { CommitParts } from '../commit/commit.ts';
import type { VaultContext } from '../context.ts';
import { digestNames } from '../records/record-store.ts';
import { sweepCachedRefs } from '../live/refs-cache.ts';
import { sweepUnfinished } from '../safes/safes.ts';
import { sweepSlots } from '../safes/slots.ts';
import { cacheFolder, safesFolder } from '../store/layout.ts';

export const temporaryAgeMs: number = dayMs;

/** The number of things removed. */
export async function sweepSafe(parts: CommitParts, nowMs: number): Promise<number> {
  const { context } = parts;
  const { store, leases, layout } = context;
  let count = await leases.discardLapsed(layout.inFolder('leases'), nowMs);
  const beforeMs = (await store.nowMs()) - temporaryAgeMs;
  count += await store.sweep(layout.folder, { beforeMs, deep: true });
  count += await sweepCache(context, [layout.index, layout.refs]);
  await sweepCachedRefs(context);
  count += await sweepSlots(context, parts.ledger, beforeMs);
  const records = new Set(await digestNames(context, 'records'));
  for (const hex of await digestNames(context, 'stubs')) {
    if (records.has(hex) && (await store.remove(layout.record(hex)))) count += 1;
  }
  return count;
}

/** Of what lies beside the safes. */
export async function sweepVault(context: VaultContext): Promise<number> {
  const { store } = context;
  const beforeMs = (await store.nowMs()) - temporaryAgeMs;
  let count = await sweepCache(context, [cacheFolder]);
  for (const folder of ['', 'site', safesFolder]) count += await store.sweep(folder, { beforeMs, deep: false });
  count += await sweepUnfinished(context, beforeMs);
  return count;
}

async function sweepCache({ cache }: VaultContext, folders: readonly string[]): Promise<number> {
  const beforeMs = (await cache.nowMs()) - temporaryAgeMs;
  let count = 0;
  for (const folder of folders) count += await cache.sweep(folder, { beforeMs, deep: false });
  return count;
}
