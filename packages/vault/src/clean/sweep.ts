/*
 * Leftovers that mean nothing: temporary files and directories a day old, lapsed leases, key slots that no ledger entry names, records that
 * a crash brought back beside their stub.
 */

import { dayMs } from '@twinvault/std';
import type { CommitParts } from '../commit/commit.ts';
import type { VaultContext } from '../context.ts';
import { discardLapsed } from '../leases/open-leases.ts';
import { digestNames } from '../records/record-store.ts';
import { sweepCachedRefs } from '../live/refs-cache.ts';
import { sweepSlots } from '../safes/slots.ts';
import { cacheFolder, safeFolders, safesFolder } from '../store/layout.ts';
import { isTemporaryName } from '../store/object-store.ts';

export const temporaryAgeMs: number = dayMs;

/** The number of things removed. */
export async function sweepSafe(parts: CommitParts, nowMs: number): Promise<number> {
  const { context } = parts;
  const { store, layout } = context;
  let count = await discardLapsed(context, nowMs);
  for (const folder of safeFolders) count += await sweepFolder(context, layout.inFolder(folder), nowMs);
  for (const name of await store.folders(layout.inFolder('packs'))) {
    count += await sweepFolder(context, `${layout.inFolder('packs')}/${name}`, nowMs);
  }
  count += await sweepFolder(context, layout.folder, nowMs);
  count += await sweepFolder(context, layout.index, nowMs);
  count += await sweepFolder(context, layout.refs, nowMs);
  await sweepCachedRefs(context);
  count += await sweepSlots(context, parts.ledger, { nowMs, ageMs: temporaryAgeMs });
  const records = new Set(await digestNames(context, 'records'));
  for (const hex of await digestNames(context, 'stubs')) {
    if (records.has(hex) && (await store.remove(layout.record(hex)))) count += 1;
  }
  return count;
}

export async function sweepVault(context: VaultContext, nowMs: number): Promise<number> {
  let count = 0;
  for (const folder of ['.', 'site', safesFolder, cacheFolder]) count += await sweepFolder(context, folder, nowMs);
  return count;
}

async function sweepFolder({ ports, store }: VaultContext, folder: string, nowMs: number): Promise<number> {
  const { files } = ports;
  let count = 0;
  for (const { name, kind } of await files.list(store.path(folder))) {
    if (!isTemporaryName(name)) continue;
    const path = store.path(`${folder}/${name}`);
    const stat = await files.stat(path);
    if (stat === null || nowMs - stat.modifiedMs < temporaryAgeMs) continue;
    if (kind === 'directory') await files.removeTree(path);
    else await files.remove(path);
    count += 1;
  }
  return count;
}
