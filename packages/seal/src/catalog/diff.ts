/*
 * What differs between two catalogs. Equal subtrees have equal ids and are stepped over unopened, so the cost is that of what
 * differs, not of what is there.
 */

import { equalBytes } from '@twinvault/std';
import type { CatalogReader, Subtree } from './catalog-reader.ts';
import type { CatalogEntry } from './entry.ts';
import { equalEntries } from './entry.ts';
import { compareKeys, entryKey } from './path.ts';

export interface CatalogChange {
  readonly key: Uint8Array;
  /** Null: added. */
  readonly before: CatalogEntry | null;
  /** Null: removed. */
  readonly after: CatalogEntry | null;
}

type Item = { readonly type: 'subtree'; readonly key: Uint8Array; readonly subtree: Subtree } | EntryItem;

interface EntryItem {
  readonly type: 'entry';
  readonly key: Uint8Array;
  readonly entry: CatalogEntry;
}

/** The rest of one catalog in key order, opened only where it must be. */
class Side {
  readonly #reader: CatalogReader;
  readonly #stack: Item[];

  constructor(reader: CatalogReader) {
    this.#reader = reader;
    this.#stack = [subtreeItem(reader.top)];
  }

  get front(): Item | undefined {
    return this.#stack.at(-1);
  }

  pop(): void {
    this.#stack.pop();
  }

  /** Puts what the subtree in front consists of in its place. */
  async open(subtree: Subtree): Promise<void> {
    this.pop();
    const items =
      subtree.level > 0
        ? (await this.#reader.children(subtree)).map(subtreeItem)
        : (await this.#reader.entries(subtree)).map(entryItem);
    this.#stack.push(...items.toReversed());
  }
}

function subtreeItem(subtree: Subtree): Item {
  return { type: 'subtree', key: subtree.key, subtree };
}

function entryItem(entry: CatalogEntry): Item {
  return { type: 'entry', key: entryKey(entry.directory, entry.name), entry };
}

/** In key order. Entries that are equal in all that a catalog says of them are left out. */
export async function* diffCatalogs(before: CatalogReader, after: CatalogReader): AsyncGenerator<CatalogChange, void, undefined> {
  const left = new Side(before);
  const right = new Side(after);
  for (;;) {
    const a = left.front;
    const b = right.front;
    if (a === undefined && b === undefined) return;
    const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a.key, b.key);
    if (a?.type === 'subtree' && b?.type === 'subtree' && order === 0) {
      await stepSubtrees({ left, right, a: a.subtree, b: b.subtree });
    } else if (a?.type === 'subtree' && order <= 0) {
      await left.open(a.subtree);
    } else if (b?.type === 'subtree' && order >= 0) {
      await right.open(b.subtree);
    } else {
      const change = stepEntries({ left, right, order });
      if (change !== null) yield change;
    }
  }
}

/** Both begin with the same key: equal ones are stepped over, else the higher one is opened, so that equal levels meet. */
async function stepSubtrees(step: { left: Side; right: Side; a: Subtree; b: Subtree }): Promise<void> {
  const { left, right, a, b } = step;
  if (a.level === b.level && equalBytes(a.id, b.id)) {
    left.pop();
    right.pop();
    return;
  }
  if (a.level >= b.level) await left.open(a);
  if (b.level >= a.level) await right.open(b);
}

/** The lower of the fronts is an entry, or both are. */
function stepEntries({ left, right, order }: { left: Side; right: Side; order: number }): CatalogChange | null {
  const a = order <= 0 && left.front?.type === 'entry' ? left.front : null;
  const b = order >= 0 && right.front?.type === 'entry' ? right.front : null;
  if (a !== null) left.pop();
  if (b !== null) right.pop();
  const key = a?.key ?? b?.key ?? new Uint8Array(0);
  const change: CatalogChange = { key, before: a?.entry ?? null, after: b?.entry ?? null };
  return a !== null && b !== null && equalEntries(a.entry, b.entry) ? null : change;
}
