/*
 * Holds the inventory against the store, which is right: what became durable without being announced is announced now, what is gone is
 * withdrawn, what was set aside is damaged. Runs beside everything else.
 */

import type { SafeContext } from '../context.ts';
import type { Inventory, KeptObject, ObjectKind } from '../database/inventory.ts';
import { isDigestName } from '../store/layout.ts';
import { objectKinds, statObjects, storedNames, storeNameOf } from './stored-objects.ts';

export interface Reconciled {
  readonly objects: number;
  readonly bytes: number;
  /** Were in the store and not in the inventory. */
  readonly announced: number;
  /** Were in the inventory and not in the store. */
  readonly withdrawn: number;
  /** Stand aside as damaged. */
  readonly aside: number;
}

const pageMax = 1000;

export async function reconcileSafe(context: SafeContext, inventory: Inventory, signal?: AbortSignal): Promise<Reconciled> {
  const safe = context.layout.safeHex;
  let announced = 0;
  let withdrawn = 0;
  for (const kind of objectKinds) {
    signal?.throwIfAborted();
    // Rows first: what is announced while the store is listed is then not taken for gone.
    const rows = await rowsOf(inventory, safe, kind);
    const stored = await storedNames(context, kind);
    const fresh = stored.filter((name) => rows.get(name) !== 'whole');
    const objects = await statObjects(context, kind, fresh);
    await inventory.announce(safe, objects, { unread: true });
    announced += objects.length;
    const present = new Set(stored);
    const gone: string[] = [];
    for (const [name, state] of rows) {
      if (present.has(name) || (state === 'damaged' && (await isAside(context, kind, name)))) continue;
      if ((await context.store.stat(storeNameOf(context.layout, kind, name))) === null) gone.push(name);
    }
    await inventory.withdraw(safe, kind, gone);
    withdrawn += gone.length;
  }
  const aside = await rememberAside(context, inventory);
  const { objects, bytes } = await inventory.totals(safe);
  return { objects, bytes, announced, withdrawn, aside };
}

async function rowsOf(inventory: Inventory, safe: string, kind: ObjectKind): Promise<Map<string, KeptObject['state']>> {
  const rows = new Map<string, KeptObject['state']>();
  for (let after = ''; ;) {
    const page = await inventory.page(safe, kind, { after, countMax: pageMax });
    for (const { name, state } of page) rows.set(name, state);
    const last = page.at(-1);
    if (last === undefined || page.length < pageMax) return rows;
    after = last.name;
  }
}

/** Only packs are set aside. */
async function isAside({ store, layout }: SafeContext, kind: ObjectKind, name: string): Promise<boolean> {
  return kind === 'pack' && (await store.stat(layout.inFolder('damaged', name))) !== null;
}

/** What `check` or another node set aside, and was not put again since. */
async function rememberAside(context: SafeContext, inventory: Inventory): Promise<number> {
  const { store, layout } = context;
  const names = (await store.list(layout.inFolder('damaged'))).filter(isDigestName);
  for (const name of names) {
    if ((await store.stat(layout.pack(name))) !== null) continue;
    const stat = await store.stat(layout.inFolder('damaged', name));
    if (stat === null) continue;
    await inventory.keepAside(layout.safeHex, { kind: 'pack', name, bytes: stat.sizeBytes });
  }
  return names.length;
}
