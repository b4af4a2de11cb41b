/* A whole safe: everything but what proves why it is gone. */

import type { CommitParts } from '../commit/commit.ts';
import type { SafeFolder } from '../store/layout.ts';
import { keptKinds } from './erase-log.ts';
import { eraseNames, eraseRemains } from './erase-objects.ts';
import type { EraseWork } from './erase-work.ts';

/** Without the slots nothing can be opened any more, so they go first; what names other things goes before it. */
const contents: readonly SafeFolder[] = [
  'slots',
  'committing',
  'records',
  'receipts',
  'stubs',
  'packs',
  'damaged',
  'plans',
  'quarantine',
  'lost',
];
/** Locks are held just now, the notes say whose ledger and safe are, and the twin's are about the order. */
const stays: readonly RegExp[] = [/^locks\//u, /^(follows|customer)$/u, /^twins\/[0-9a-f]+\/(erases\/.*|read)$/u];

export async function eraseWhole({ context }: CommitParts, work: EraseWork): Promise<void> {
  const { store, layout, leases, cache } = context;
  await work.lock.check();
  // Sessions and readings end: there is nothing left that they could do.
  await leases.voidAll(layout.inFolder('leases'));
  const places = (await store.listDeep(layout.folder)).filter((place) => !isKept(place));
  const folders = new Map<string, string[]>(contents.map((folder) => [folder, []]));
  for (const place of places) {
    const folder = place.slice(0, place.indexOf('/') < 0 ? undefined : place.indexOf('/'));
    const names = folders.get(folder) ?? [];
    folders.set(folder, names);
    names.push(`${layout.folder}/${place}`);
  }
  for (const [kind, names] of folders) await eraseNames(context, work, { kind, names });
  await eraseRemains(context, work, { folders: contents, beforeMs: Infinity });
  await cache.clear(layout.cache);
}

function isKept(place: string): boolean {
  const [folder = ''] = place.split('/');
  return keptKinds.includes(folder) || stays.some((pattern) => pattern.test(place));
}
