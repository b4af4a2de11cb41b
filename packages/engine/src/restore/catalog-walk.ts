/*
 * The entries that a restore takes, in key order. A part of the catalog that is damaged or missing is told and passed over: the rest is
 * restored.
 */
import { equalBytes } from '@twinvault/std';
import { belowPrefix, compareKeys, entryKey, splitPath } from '@twinvault/seal';
import type { CatalogEntry, CatalogReader, Subtree } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import { entryTypes } from '../source-port.ts';
import { lossOf } from './losses.ts';
import { joinName, pathsDownTo, showPath, splitName } from './selection.ts';
import type { Selector } from './selection.ts';

export type WalkEvent =
  | { readonly type: 'entries'; readonly entries: readonly CatalogEntry[] }
  /** `path`: of the first entry. `entries`: how many, as far as is known; some of them may not be wanted. */
  | { readonly type: 'lost'; readonly path: Uint8Array; readonly entries: number };

export interface Totals {
  readonly entries: number;
  readonly bytes: number;
}

export class CatalogWalk {
  readonly #catalog: CatalogReader;
  readonly #selector: Selector;

  constructor(catalog: CatalogReader, selector: Selector) {
    this.#catalog = catalog;
    this.#selector = selector;
  }

  /** What there is to restore, from the inner nodes alone where a subtree is wanted whole. `path-unknown` for a path that leads nowhere. */
  async totals(): Promise<Totals> {
    let [entries, bytes] = [0, 0];
    for await (const entry of this.#ways()) {
      entries += 1;
      if (entry.type === entryTypes.file) bytes += entry.sizeBytes;
    }
    for (const start of this.#selector.starts) {
      const prefix = belowPrefix(start);
      for await (const found of this.#below(prefix, { whole: true })) {
        if (found.type === 'lost') continue;
        if (found.type === 'whole') [entries, bytes] = [entries + found.entries, bytes + found.bytes];
        else {
          entries += found.entries.length;
          for (const { sizeBytes } of found.entries) bytes += sizeBytes;
        }
      }
    }
    return { entries, bytes };
  }

  /** The directories above each selected path first, each once. */
  async *events(): AsyncGenerator<WalkEvent, void, undefined> {
    for await (const entry of this.#ways()) yield { type: 'entries', entries: [entry] };
    for (const start of this.#selector.starts) {
      for await (const found of this.#below(belowPrefix(start), { whole: false })) if (found.type !== 'whole') yield found;
    }
  }

  async *#ways(): AsyncGenerator<CatalogEntry, void, undefined> {
    let last: Uint8Array | null = null;
    for (const start of this.#selector.starts) {
      if (start.length === 0) continue;
      for (const path of pathsDownTo(start)) {
        if (!this.#selector.isPlaced(path) || (last !== null && isOnWayTo(path, last))) continue;
        const { directory, name } = splitName(path);
        const entry = await this.#catalog.entry(directory, name);
        if (entry === null) throw new EngineError('path-unknown', { context: { localPath: showPath(start) } });
        yield entry;
      }
      // A stripped beginning is no entry of the restore, but has to be there.
      if (!this.#selector.isPlaced(start)) {
        const { directory, name } = splitName(start);
        if ((await this.#catalog.entry(directory, name)) === null) {
          throw new EngineError('path-unknown', { context: { localPath: showPath(start) } });
        }
      }
      last = start;
    }
  }

  /** Entries whose keys begin with the prefix; subtrees of which all do are not opened when `whole`. */
  async *#below(prefix: Uint8Array, { whole }: { readonly whole: boolean }): AsyncGenerator<Found, void, undefined> {
    const stack: Subtree[] = [this.#catalog.top];
    for (let subtree = stack.pop(); subtree !== undefined; subtree = stack.pop()) {
      if (!mayHold(subtree, prefix)) continue;
      const inside = isInside(subtree, prefix);
      if (whole && inside && subtree.entries !== null && subtree.bytes !== null) {
        yield { type: 'whole', entries: subtree.entries, bytes: subtree.bytes };
        continue;
      }
      try {
        if (subtree.level > 0) {
          stack.push(...(await this.#catalog.children(subtree)).toReversed());
          continue;
        }
        const entries = await this.#catalog.entries(subtree);
        const wanted = inside ? entries : entries.filter(({ directory, name }) => startsWith(entryKey(directory, name), prefix));
        if (wanted.length > 0) yield { type: 'entries', entries: wanted };
      } catch (error) {
        if (lossOf(error) === null || subtree === this.#catalog.top) throw error;
        yield { type: 'lost', path: pathOfKey(subtree.key), entries: subtree.entries ?? 0 };
      }
    }
  }
}

type Found = WalkEvent | { readonly type: 'whole'; readonly entries: number; readonly bytes: number };

/** Whether the path is the other, or an ancestor of it. */
function isOnWayTo(path: Uint8Array, other: Uint8Array): boolean {
  return other.length > path.length && other[path.length] === 0 && equalBytes(other.subarray(0, path.length), path);
}

/** False only if no key of the subtree begins with the prefix. */
function mayHold({ key, end }: Subtree, prefix: Uint8Array): boolean {
  if (end !== null && compareKeys(end, prefix) <= 0) return false;
  return compareKeys(key, prefix) <= 0 || startsWith(key, prefix);
}

/** True only if every key of the subtree does. */
function isInside({ key, end }: Subtree, prefix: Uint8Array): boolean {
  return prefix.length === 0 || (startsWith(key, prefix) && end !== null && startsWith(end, prefix));
}

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && equalBytes(key.subarray(0, prefix.length), prefix);
}

/** docs/format/catalog.md, "Keys": directory path, 0x00 0x00, name. */
function pathOfKey(key: Uint8Array): Uint8Array {
  const components = splitPath(key).filter(({ length }) => length > 0);
  return components.reduce((path, component) => joinName(path, component), new Uint8Array(0)).slice();
}
