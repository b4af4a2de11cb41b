/*
 * Makes a catalog out of entries in key order: docs/format/catalog.md. Equal listings give equal nodes and the same root,
 * whatever was written before; memory is a node for each level, whatever the number of entries.
 */

import { nameBytesMax, pathBytesMax, ropeExtentsMin } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { attributesInlineCostMax, nodeCostMax } from './catalog-limits.ts';
import { sortedAttributes, storeAttributes } from './attribute-writer.ts';
import { checkCoverage, checkEntry, checkExtents, entryDefect } from './check-entry.ts';
import { entryTypes } from './entry.ts';
import type { CatalogEntry, Extent, NamedStream } from './entry.ts';
import { extentsBytes, mergeExtents, touches } from './extents-codec.ts';
import { LeafEncoder, attributesCost } from './leaf-encoder.ts';
import type { LeafContent } from './leaf-encoder.ts';
import { NodeBounds } from './node-bounds.ts';
import type { NodeSink } from './node-sink.ts';
import { entryKey, isComponent, isDirectoryPath } from './path.ts';
import type { Place } from './path.ts';
import { RopeWriter } from './rope-writer.ts';
import { encodeInner } from './small-nodes.ts';
import type { CatalogChild } from './small-nodes.ts';
import { Tower } from './tower.ts';
import { SealError } from '../errors.ts';
import type { CatalogRoot } from '../sealed-record.ts';
import { compareBytes } from '@twinvault/std';

export interface CatalogWriterOptions {
  /** 16 bytes, of kind catalog. */
  readonly cutterKey: Uint8Array;
  readonly sink: NodeSink;
  /** Told of each leaf when it was stored: the entries added since the one before, or all but the last of them. */
  readonly onLeaf?: (leaf: WrittenLeaf) => void;
}

export interface WrittenLeaf {
  readonly id: ChunkId;
  readonly entries: number;
  readonly bytes: number;
  /** A later catalog of the same keys may take the leaf as it is: it names no other nodes, and it does not end with the catalog. */
  readonly reusable: boolean;
  /** The next entry had no room in it: only before that same entry may it be taken. */
  readonly endsByCost: boolean;
}

/** A reusable leaf of an earlier catalog. */
export interface KnownLeaf {
  readonly id: ChunkId;
  readonly first: Place;
  readonly last: Place;
  readonly entries: number;
  /** Sum of the sizes of its files. */
  readonly bytes: number;
  /** As it was said of the leaf. */
  readonly endsByCost: boolean;
}

/** What a record names, and what the catalog holds. */
export interface WrittenCatalog extends CatalogRoot {
  readonly entries: number;
  /** Sum of the sizes of files, at most 2^53 - 1. */
  readonly bytes: number;
}

/** Fields of an entry. */
export interface StoredContent {
  readonly extents: readonly Extent[];
  readonly rope: ChunkId | null;
  readonly sizeBytes: number;
}

const childCost = 64;

export class CatalogWriter {
  readonly #sink: NodeSink;
  readonly #bounds: NodeBounds;
  readonly #leaf = new LeafEncoder();
  readonly #tower: Tower<CatalogChild>;
  readonly #content: LeafContent = { extents: [], rope: null, inline: null, attributeNodes: null };
  readonly #last = new LastPlace();
  #firstKey: Uint8Array | null = null;
  #anyLeaf = false;
  /** An entry of the open leaf has a rope, or attributes in nodes of their own. */
  #namesNodes = false;
  readonly #onLeaf: ((leaf: WrittenLeaf) => void) | undefined;

  constructor({ cutterKey, sink, onLeaf }: CatalogWriterOptions) {
    this.#sink = sink;
    this.#onLeaf = onLeaf;
    this.#bounds = new NodeBounds(cutterKey);
    this.#tower = new Tower({
      costOf: ({ key }) => childCost + key.length,
      endsAfter: (level, { key }) => this.#bounds.endsAfterKey(level, key),
      store: (level, children) => joined(this.#sink.put(encodeInner(level, children)), children),
    });
  }

  /**
   * The next entry; its key is above that of the last one (else `catalog-order`). Extents are merged, attributes sorted, long
   * lists laid out in nodes of their own. An entry of a reader is taken as it is, rope and attribute nodes included.
   * `catalog-entry-invalid` names the field that the format cannot hold; then nothing was added. Of the entry nothing is kept
   * but chunk ids in its streams and attributes.
   */
  add(entry: CatalogEntry): void {
    const sameDirectory = this.#checkPlace(entry);
    checkEntry(entry);
    const content = this.#takeContent(entry);
    let opens = !sameDirectory || this.#leaf.entries === 0;
    let cost = this.#leaf.costOf(entry, content, opens);
    if (this.#leaf.entries > 0 && this.#leaf.cost + cost > nodeCostMax) {
      this.#closeLeaf('cost');
      opens = true;
      cost = this.#leaf.costOf(entry, content, true);
    }
    this.#firstKey ??= entryKey(entry.directory, entry.name);
    this.#leaf.add(entry, content, opens);
    this.#leaf.cost += cost;
    this.#namesNodes ||= namesNodes(content);
    this.#last.set(entry, sameDirectory);
    if (this.#bounds.endsAfterEntry(entry.directory, entry.name, sameDirectory)) this.#closeLeaf('key');
  }

  /**
   * A leaf that an earlier writer said to be reusable, all of whose entries come next and are unchanged, as is the entry after
   * them where it ends by cost: the same catalog as adding them one by one. False, and nothing was added, where a leaf does
   * not begin here or would not end there. That the id is that of these entries is the caller's word.
   */
  addLeaf({ id, first, last, entries, bytes, endsByCost }: KnownLeaf): boolean {
    if (this.#leaf.entries > 0) return false;
    this.#checkPlace(first);
    if (!endsByCost && !this.#bounds.endsAfterEntry(last.directory, last.name, false)) return false;
    this.#last.set(last, false);
    this.#anyLeaf = true;
    this.#tower.add({ key: entryKey(first.directory, first.name), id, entries, bytes });
    return true;
  }

  /**
   * What an entry says of a content whose extents come one by one: a short list as it is, a long one stored as a rope before
   * the entry is added. For files whose lists are better not held in memory.
   */
  content(extents: Iterable<Extent>): StoredContent {
    const held: Extent[] = [];
    let rope: RopeWriter | null = null;
    for (const extent of extents) {
      if (rope !== null) {
        rope.add(extent);
        continue;
      }
      checkExtents([extent]);
      const last = held.at(-1);
      if (last !== undefined && touches(last, extent)) {
        held[held.length - 1] = { ...last, lengthBytes: last.lengthBytes + extent.lengthBytes };
      } else if (held.push(extent) === ropeExtentsMin) {
        rope = this.#ropeOf(held);
      }
    }
    if (rope === null) return { extents: held, rope: null, sizeBytes: extentsBytes(held) };
    const { id, lengthBytes } = rope.finish();
    return { extents: [], rope: id, sizeBytes: lengthBytes };
  }

  /** Stores what is left. Nothing may be added afterwards. */
  finish(): WrittenCatalog {
    if (this.#leaf.entries > 0) this.#closeLeaf('end');
    if (!this.#anyLeaf) return { root: this.#sink.put(this.#leaf.finish()), level: 0, entries: 0, bytes: 0 };
    const { child, level } = this.#tower.finish();
    return { root: child.id, level, entries: child.entries, bytes: child.bytes };
  }

  /** Whether the entry lies in the directory of the one before. */
  #checkPlace({ directory, name }: Place): boolean {
    const order = this.#last.compareDirectory(directory);
    if (order !== 0 && !isDirectoryPath(directory)) throw entryDefect('directory');
    if (!isComponent(name) || directory.length + 1 + name.length > pathBytesMax) throw entryDefect('name');
    if (order > 0 || (order === 0 && this.#last.compareName(name) >= 0)) throw new SealError('catalog-order');
    return order === 0;
  }

  #takeContent(entry: CatalogEntry): LeafContent {
    const content = this.#content;
    content.rope = null;
    content.extents = entry.extents;
    content.inline = null;
    content.attributeNodes = null;
    if (entry.type === entryTypes.file) this.#takeExtents(entry, content);
    if (entry.acls?.length || entry.streams?.length || entry.xattrs?.length) this.#takeAttributes(entry, content);
    else if (entry.attributes?.length) content.attributeNodes = entry.attributes;
    return content;
  }

  #takeExtents(entry: CatalogEntry, content: LeafContent): void {
    if (entry.rope) {
      content.rope = entry.rope;
      return;
    }
    checkExtents(entry.extents);
    checkCoverage(entry, extentsBytes(entry.extents));
    const extents = mergeExtents(entry.extents);
    if (extents.length < ropeExtentsMin) {
      content.extents = extents;
    } else {
      content.extents = [];
      content.rope = this.#ropeOf(extents).finish().id;
    }
  }

  #takeAttributes(entry: CatalogEntry, content: LeafContent): void {
    const attributes = sortedAttributes(entry);
    if (attributes === null) return;
    const stored = { ...attributes, streams: attributes.streams.map((stream) => this.#storedStream(stream)) };
    if (attributesCost(stored) <= attributesInlineCostMax) content.inline = stored;
    else content.attributeNodes = storeAttributes(this.#sink, stored);
  }

  #storedStream(stream: NamedStream): NamedStream {
    const extents = mergeExtents(stream.extents);
    if (extents.length < ropeExtentsMin) return { ...stream, extents };
    return { ...stream, extents: [], rope: this.#ropeOf(extents).finish().id };
  }

  #ropeOf(extents: readonly Extent[]): RopeWriter {
    const writer = new RopeWriter(this.#bounds, this.#sink);
    for (const extent of extents) writer.add(extent);
    return writer;
  }

  #closeLeaf(why: 'key' | 'cost' | 'end'): void {
    const { entries, bytes } = this.#leaf;
    const key = this.#firstKey ?? new Uint8Array(0);
    const id = this.#sink.put(this.#leaf.finish());
    this.#anyLeaf = true;
    this.#firstKey = null;
    this.#tower.add({ key, id, entries, bytes });
    const reusable = why !== 'end' && !this.#namesNodes;
    this.#namesNodes = false;
    this.#onLeaf?.({ id, entries, bytes, reusable, endsByCost: why === 'cost' });
  }
}

function namesNodes({ rope, attributeNodes, inline }: LeafContent): boolean {
  return rope !== null || attributeNodes !== null || (inline?.streams.some((stream) => stream.rope) ?? false);
}

/** Where the last entry stood, in bytes of its own: callers read names into one buffer again and again. */
class LastPlace {
  #directory: Uint8Array | null = null;
  readonly #name = new Uint8Array(nameBytesMax);
  #nameBytes = 0;

  set({ directory, name }: Place, sameDirectory: boolean): void {
    if (!sameDirectory) this.#directory = directory.slice();
    for (let index = 0; index < name.length; index += 1) this.#name[index] = name[index] ?? 0;
    this.#nameBytes = name.length;
  }

  /** Negative before the first entry: whatever comes is above nothing. */
  compareDirectory(directory: Uint8Array): number {
    return this.#directory === null ? -1 : compareBytes(this.#directory, directory);
  }

  compareName(name: Uint8Array): number {
    const length = Math.min(this.#nameBytes, name.length);
    for (let index = 0; index < length; index += 1) {
      const difference = (this.#name[index] ?? 0) - (name[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return this.#nameBytes - name.length;
  }
}

/** A node as child of the next level. */
function joined(id: ChunkId, children: readonly CatalogChild[]): CatalogChild {
  let entries = 0;
  let bytes = 0;
  for (const child of children) {
    entries += child.entries;
    bytes = Math.min(Number.MAX_SAFE_INTEGER, bytes + child.bytes);
  }
  return { key: children[0]?.key ?? new Uint8Array(0), id, entries, bytes };
}
