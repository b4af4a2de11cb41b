/* What the store has of a safe, as the inventory names it. */

import { twinObjectKinds } from '@twinvault/protocol';
import type { NewObject, ObjectKind } from '../database/inventory.ts';
import type { SafeContext } from '../context.ts';
import { packNames } from '../packs/pack-files.ts';
import { concurrently } from '../store/concurrently.ts';
import { isDigestName } from '../store/layout.ts';
import type { SafeFolder, SafeLayout } from '../store/layout.ts';

const statsAtOnce = 16;

/** Besides packs, which lie one folder deeper. */
const folders: Readonly<Record<Exclude<ObjectKind, 'pack'>, SafeFolder>> = {
  ledger: 'ledger',
  slots: 'slots',
  plan: 'plans',
  record: 'records',
  receipt: 'receipts',
  stub: 'stubs',
  erase: 'erases',
};

/** In this order a follower can verify each object when it meets it. */
export const objectKinds: readonly ObjectKind[] = twinObjectKinds;

/** Name in the store. */
export function storeNameOf(layout: SafeLayout, kind: ObjectKind, name: string): string {
  return kind === 'pack' ? layout.pack(name) : layout.inFolder(folders[kind], name);
}

/** Names of all objects of a kind that the store has now, sorted. */
export async function storedNames(context: SafeContext, kind: ObjectKind): Promise<string[]> {
  if (kind === 'pack') return [...(await packNames(context))].sort();
  const names = await context.store.list(context.layout.inFolder(folders[kind]));
  return names.filter((name) => (kind === 'ledger' ? /^\d{10}$/u.test(name) : isDigestName(name))).sort();
}

/** With size and the store's time of each, oldest first; what went meanwhile is left out. */
export async function statObjects(
  { store, layout }: SafeContext,
  kind: ObjectKind,
  names: readonly string[],
): Promise<(NewObject & { readonly storedMs: number })[]> {
  const stats = await concurrently(names, statsAtOnce, (name) => store.stat(storeNameOf(layout, kind, name)));
  return names
    .flatMap((name, index) => {
      const stat = stats[index];
      return stat ? [{ kind, name, bytes: stat.sizeBytes, storedMs: Math.floor(stat.modifiedMs) }] : [];
    })
    .sort((a, b) => a.storedMs - b.storedMs || (a.name < b.name ? -1 : 1));
}
