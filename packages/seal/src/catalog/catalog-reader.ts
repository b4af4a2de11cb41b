/*
 * Reads a catalog out of its nodes, one at a time as they are needed: docs/format/catalog.md. What a parent says of a child
 * (level, first key, range, entries, bytes) is checked when the child is opened, so a node in another's place is noticed.
 *
 * Entries hold views of a node's plaintext: copy what is kept long. `catalog-invalid` for anything that does not fit; the
 * source throws what it throws.
 */

import type { ChunkId } from '@twinvault/format';
import { assert, compareBytes } from '@twinvault/std';
import type { Attributes, CatalogEntry, Extent } from './entry.ts';
import { nodeDefect } from './column-reader.ts';
import { decodeNode } from './node-decoder.ts';
import type { DecodedInner } from './small-nodes.ts';
import type { DecodedLeaf } from './leaf-decoder.ts';
import type { NodeSource } from './node-sink.ts';
import { belowPrefix, compareKeys, entryKey, isComponent, isDirectoryPath, listPrefix, startsWith } from './path.ts';
import { extentsAfter, ropeExtents, ropeIds } from './rope-reader.ts';
import type { CatalogRoot } from '../sealed-record.ts';

export interface WalkOptions {
  /** Directory path: only what lies anywhere below it. The root, and the default, is everything. */
  readonly prefix?: Uint8Array;
  /** Only entries above this key: to go on where an earlier walk stopped. It need not exist. */
  readonly after?: Uint8Array;
}

/** A subtree and what its parent says of it; null: nothing is known of a root but its level. */
export interface Subtree {
  readonly id: ChunkId;
  readonly level: number;
  readonly key: Uint8Array;
  readonly entries: number | null;
  readonly bytes: number | null;
  /** First key of the next subtree, which all keys here are below; null: no bound. */
  readonly end: Uint8Array | null;
}

/** What an entry or a stream says of its content. */
export type Content = Pick<CatalogEntry, 'extents' | 'rope' | 'sizeBytes' | 'unread'>;

const noKey = new Uint8Array(0);
const noAttributes: Attributes = { acls: [], streams: [], xattrs: [] };

export class CatalogReader {
  readonly #source: NodeSource;
  readonly #top: Subtree;

  constructor(source: NodeSource, { root, level }: CatalogRoot) {
    this.#source = source;
    this.#top = { id: root, level, key: noKey, entries: null, bytes: null, end: null };
  }

  get root(): CatalogRoot {
    return { root: this.#top.id, level: this.#top.level };
  }

  /** One entry, opening one node of each level; null if the catalog does not have it. */
  async entry(directory: Uint8Array, name: Uint8Array): Promise<CatalogEntry | null> {
    if (!isDirectoryPath(directory) || !isComponent(name)) return null;
    const key = entryKey(directory, name);
    let subtree = this.#top;
    while (subtree.level > 0) {
      const children = await this.children(subtree);
      const [first] = children;
      if (first === undefined || compareKeys(first.key, key) > 0) return null;
      subtree = children[lastAtMost(children, key)] ?? first;
    }
    const entries = await this.entries(subtree);
    for (const entry of entries) {
      if (compareBytes(entry.directory, directory) === 0 && compareBytes(entry.name, name) === 0) return entry;
    }
    return null;
  }

  /** The entries of one directory, sorted by name; none if there is no such directory. */
  async *list(directory: Uint8Array): AsyncGenerator<CatalogEntry, void, undefined> {
    if (!isDirectoryPath(directory)) return;
    for await (const batch of this.#range(listPrefix(directory), null)) yield* batch;
  }

  /** All entries in key order: a directory is listed whole before what lies below it. */
  async *walk(options: WalkOptions = {}): AsyncGenerator<CatalogEntry, void, undefined> {
    for await (const batch of this.batches(options)) yield* batch;
  }

  /** As `walk`, some hundred entries at a time: for those who count microseconds. No batch is empty. */
  async *batches({ prefix = noKey, after }: WalkOptions = {}): AsyncGenerator<readonly CatalogEntry[], void, undefined> {
    if (!isDirectoryPath(prefix)) return;
    yield* this.#range(belowPrefix(prefix), after ?? null);
  }

  /** The extents of a file or stream in order from offset 0, out of its rope if it has one. */
  async *extentsOf(content: Content): AsyncGenerator<Extent, void, undefined> {
    for await (const batch of this.extentBatches(content)) yield* batch;
  }

  /** The same, some hundred at a time, from the extent on that holds the byte at `offsetBytes`. No batch is empty. */
  async *extentBatches(content: Content, offsetBytes: number = 0): AsyncGenerator<readonly Extent[], void, undefined> {
    const { rope, sizeBytes, unread = false } = content;
    if (rope) {
      yield* ropeExtents(this.#source, rope, { offsetBytes, sizeBytes, unread });
      return;
    }
    const wanted = extentsAfter(content.extents, offsetBytes);
    if (wanted.length > 0) yield wanted;
  }

  /** ACLs, streams and xattrs, out of their nodes where they stand out of line. */
  async attributesOf(entry: CatalogEntry): Promise<Attributes> {
    if (!entry.attributes || entry.attributes.length === 0) {
      return { acls: entry.acls ?? [], streams: entry.streams ?? [], xattrs: entry.xattrs ?? [] };
    }
    let all = noAttributes;
    for (const id of entry.attributes) {
      const node = decodeNode(await this.#source.node(id));
      if (node.type !== 'attributes') throw nodeDefect('attribute node expected');
      const { acls, streams, xattrs } = node.attributes;
      all = {
        acls: [...all.acls, ...acls],
        streams: [...all.streams, ...streams],
        xattrs: [...all.xattrs, ...xattrs],
      };
    }
    return all;
  }

  /** Ids of all chunks that the catalog needs, nodes and contents alike: what refs are made from. An id may come again. */
  async *chunkIds(): AsyncGenerator<readonly ChunkId[], void, undefined> {
    yield [this.#top.id];
    yield* this.#idsBelow(this.#top);
  }

  /** Ids of all chunks that one entry needs: contents, rope nodes, attribute nodes. An id may come again. */
  async *chunkIdsOf(entry: CatalogEntry): AsyncGenerator<readonly ChunkId[], void, undefined> {
    yield [...idsIn(entry.extents), ...(entry.rope ? [entry.rope] : []), ...(entry.attributes ?? [])];
    for (const stream of entry.streams ?? []) yield [...idsIn(stream.extents), ...(stream.rope ? [stream.rope] : [])];
    yield* this.#idsBehind(entry);
  }

  /** The children of a subtree above level 0, as their parent has them. */
  async children(subtree: Subtree): Promise<readonly Subtree[]> {
    const { level, children } = await this.#inner(subtree);
    return children.map((child, index) => ({
      ...child,
      level: level - 1,
      end: children[index + 1]?.key ?? subtree.end,
    }));
  }

  /** The entries of a subtree of level 0. */
  async entries(subtree: Subtree): Promise<readonly CatalogEntry[]> {
    return (await this.#leaf(subtree)).entries;
  }

  /** The whole catalog. */
  get top(): Subtree {
    return this.#top;
  }

  async #inner(subtree: Subtree): Promise<DecodedInner> {
    const node = decodeNode(await this.#source.node(subtree.id));
    if (node.type !== 'inner' || node.level !== subtree.level) throw nodeDefect('inner node of this level expected');
    const [first] = node.children;
    const last = node.children.at(-1);
    assert(first !== undefined && last !== undefined, 'inner node without children');
    let entries = 0;
    let bytes = 0;
    for (const child of node.children) {
      entries += child.entries;
      bytes = Math.min(Number.MAX_SAFE_INTEGER, bytes + child.bytes);
    }
    checkPromise(subtree, { firstKey: first.key, lastKey: last.key, entries, bytes });
    return node;
  }

  async #leaf(subtree: Subtree): Promise<DecodedLeaf> {
    const node = decodeNode(await this.#source.node(subtree.id));
    if (node.type !== 'leaf' || subtree.level !== 0) throw nodeDefect('leaf expected');
    const { entries } = node;
    const [first] = entries;
    const last = entries.at(-1);
    if (first === undefined || last === undefined) {
      if (subtree.entries !== null) throw nodeDefect('empty leaf below a node');
      return node;
    }
    let bytes = 0;
    for (const { sizeBytes } of entries) bytes = Math.min(Number.MAX_SAFE_INTEGER, bytes + sizeBytes);
    const firstKey = entryKey(first.directory, first.name);
    const lastKey = entryKey(last.directory, last.name);
    checkPromise(subtree, { firstKey, lastKey, entries: entries.length, bytes });
    return node;
  }

  /** Entries whose keys begin with `prefix` and are above `after`. */
  async *#range(prefix: Uint8Array, after: Uint8Array | null): AsyncGenerator<readonly CatalogEntry[], void, undefined> {
    const stack: Subtree[] = [this.#top];
    for (let subtree = stack.pop(); subtree !== undefined; subtree = stack.pop()) {
      if (!mayHold(subtree, prefix, after)) continue;
      if (subtree.level > 0) {
        stack.push(...(await this.children(subtree)).toReversed());
        continue;
      }
      const entries = await this.entries(subtree);
      const wanted = isInside(subtree, prefix, after) ? entries : entries.filter((entry) => isWanted(entry, prefix, after));
      if (wanted.length > 0) yield wanted;
    }
  }

  async *#idsBelow(subtree: Subtree): AsyncGenerator<readonly ChunkId[], void, undefined> {
    if (subtree.level > 0) {
      const children = await this.children(subtree);
      yield children.map(({ id }) => id);
      for (const child of children) yield* this.#idsBelow(child);
      return;
    }
    const { ids, entries } = await this.#leaf(subtree);
    yield ids;
    for (const entry of entries) yield* this.#idsBehind(entry);
  }

  /** Ids that stand in nodes which the entry names. */
  async *#idsBehind(entry: CatalogEntry): AsyncGenerator<readonly ChunkId[], void, undefined> {
    if (entry.rope) yield* ropeIds(this.#source, entry.rope);
    for (const { rope } of entry.streams ?? []) if (rope) yield* ropeIds(this.#source, rope);
    for (const id of entry.attributes ?? []) {
      const node = decodeNode(await this.#source.node(id));
      if (node.type !== 'attributes') throw nodeDefect('attribute node expected');
      yield node.ids;
      for (const { rope } of node.attributes.streams) if (rope) yield* ropeIds(this.#source, rope);
    }
  }
}

/** Index of the last child whose first key is not above `key`; the first child's is not. */
function lastAtMost(children: readonly Subtree[], key: Uint8Array): number {
  let low = 0;
  let high = children.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (compareKeys(children[middle]?.key ?? noKey, key) <= 0) low = middle;
    else high = middle;
  }
  return low;
}

interface Found {
  readonly firstKey: Uint8Array;
  readonly lastKey: Uint8Array;
  readonly entries: number;
  readonly bytes: number;
}

/** What the parent said of the node is what the node holds. */
function checkPromise(subtree: Subtree, { firstKey, lastKey, entries, bytes }: Found): void {
  if (subtree.entries === null) return;
  const fits =
    compareKeys(firstKey, subtree.key) === 0 &&
    (subtree.end === null || compareKeys(lastKey, subtree.end) < 0) &&
    entries === subtree.entries &&
    bytes === subtree.bytes;
  if (!fits) throw nodeDefect('node is not the one that its parent describes');
}

/** False only if no key of the subtree begins with the prefix and is above `after`. */
function mayHold({ key, end }: Subtree, prefix: Uint8Array, after: Uint8Array | null): boolean {
  if (end !== null && compareKeys(end, prefix) <= 0) return false;
  if (end !== null && after !== null && compareKeys(end, after) <= 0) return false;
  return compareKeys(key, prefix) <= 0 || startsWith(key, prefix);
}

/** True only if every key of the subtree is wanted. */
function isInside({ key, end }: Subtree, prefix: Uint8Array, after: Uint8Array | null): boolean {
  if (after !== null && compareKeys(key, after) <= 0) return false;
  return prefix.length === 0 || (startsWith(key, prefix) && end !== null && startsWith(end, prefix));
}

function isWanted({ directory, name }: CatalogEntry, prefix: Uint8Array, after: Uint8Array | null): boolean {
  const key = entryKey(directory, name);
  return startsWith(key, prefix) && (after === null || compareKeys(key, after) > 0);
}

function idsIn(extents: readonly Extent[]): ChunkId[] {
  return extents.flatMap(({ chunk }) => (chunk === null ? [] : [chunk]));
}
