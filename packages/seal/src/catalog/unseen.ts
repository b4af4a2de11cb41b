/*
 * Walks one catalog after another and gives each node's entries once: a subtree that an earlier catalog had is stepped over unopened, since
 * its id says that it holds the same. So many safesets cost little more than one. Entries in a node that changed come again although they
 * did not: who wants each only once compares them.
 *
 * Invariant: a node counts as seen once it was read, so what could not be read in one catalog is tried again in the next.
 */

import { equalBytes, toHex } from '@twinvault/std';
import type { CatalogReader, Subtree } from './catalog-reader.ts';
import type { CatalogEntry } from './entry.ts';
import { belowPrefix, compareKeys, entryKey, startsWith } from './path.ts';

/** `failed`: a part of the catalog could not be read; the walk goes on behind it. */
export type UnseenBatch =
  | { readonly type: 'entries'; readonly entries: readonly CatalogEntry[] }
  | { readonly type: 'failed'; readonly error: unknown };

export class UnseenWalk {
  readonly #prefix: Uint8Array;
  /** Ids in hexadecimal. */
  readonly #seen = new Set<string>();
  #nodesRead = 0;

  /** `below`: directory path; the root, and the default, is everything. It is the same for all catalogs. */
  constructor(below: Uint8Array = new Uint8Array(0)) {
    this.#prefix = belowPrefix(below);
  }

  /** Nodes opened so far. */
  get nodesRead(): number {
    return this.#nodesRead;
  }

  /** In key order. `mayPass` says of an error whether the walk goes on behind it; others are thrown. */
  async *batches(catalog: CatalogReader, mayPass: (error: unknown) => boolean): AsyncGenerator<UnseenBatch, void, undefined> {
    const stack: Subtree[] = [catalog.top];
    for (let subtree = stack.pop(); subtree !== undefined; subtree = stack.pop()) {
      const name = toHex(subtree.id);
      if (this.#seen.has(name) || !mayHold(subtree, this.#prefix)) continue;
      try {
        if (subtree.level > 0) stack.push(...(await catalog.children(subtree)).toReversed());
        else {
          const wanted = (await catalog.entries(subtree)).filter((entry) => isWanted(entry, this.#prefix));
          if (wanted.length > 0) yield { type: 'entries', entries: wanted };
        }
        this.#seen.add(name);
        this.#nodesRead += 1;
      } catch (error) {
        if (!mayPass(error)) throw error;
        yield { type: 'failed', error };
      }
    }
  }
}

/** False only if no key of the subtree begins with the prefix. */
function mayHold({ key, end }: Subtree, prefix: Uint8Array): boolean {
  if (end !== null && compareKeys(end, prefix) <= 0) return false;
  return compareKeys(key, prefix) <= 0 || startsWith(key, prefix);
}

function isWanted({ directory, name }: CatalogEntry, prefix: Uint8Array): boolean {
  if (prefix.length === 0) return true;
  if (directory.length >= prefix.length) return equalBytes(directory.subarray(0, prefix.length), prefix);
  return startsWith(entryKey(directory, name), prefix);
}
