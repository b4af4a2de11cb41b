/*
 * One leaf of a catalog while it is filled, docs/format/catalog.md. Columns are written entry by entry, extras when the leaf
 * ends. It knows what an entry would cost in it; where the leaf ends is for the writer to say.
 */

import type { ChunkId } from '@twinvault/format';
import { utf8Encode } from '@twinvault/std';
import { aclCost, extentCost, idUseCost, streamCost, writeAcl, writeStream, writeXattr, xattrCost } from './attribute-items.ts';
import { ByteColumn } from './byte-column.ts';
import { CborWriter } from './cbor-writer.ts';
import { entryTypes } from './entry.ts';
import type { Attributes, CatalogEntry, Extent } from './entry.ts';
import { writeContent } from './extents-codec.ts';
import { IdTable } from './id-table.ts';

/** What the writer made of an entry's content before it goes into a leaf. Written anew for each entry, kept for none. */
export interface LeafContent {
  /** Merged; empty where `rope` is set. */
  extents: readonly Extent[];
  rope: ChunkId | null;
  /** In the order of the format, to stand in the leaf; null where there are none or they stand in nodes of their own. */
  inline: Attributes | null;
  attributeNodes: readonly ChunkId[] | null;
}

const entryCost = 48;
const directoryCost = 16;
const extraCost = 24;

/** A name to write: undefined says that the one in force holds. */
type NameChange = string | null | undefined;

interface PendingExtras extends Pick<LeafContent, 'inline' | 'attributeNodes'> {
  readonly index: number;
  readonly entry: CatalogEntry;
  readonly user: NameChange;
  readonly group: NameChange;
}

export class LeafEncoder {
  entries = 0;
  /** Sum of the sizes of files, at most 2^53 - 1. */
  bytes = 0;
  cost = 0;
  readonly #ids = new IdTable();
  readonly #names = new ByteColumn();
  readonly #directories = new CborWriter();
  readonly #node = new CborWriter();
  readonly #types = new ByteColumn();
  readonly #modes = new ByteColumn();
  readonly #uids = new ByteColumn();
  readonly #gids = new ByteColumn();
  readonly #mtimes = new ByteColumn();
  readonly #sizes = new ByteColumn();
  readonly #extents = new ByteColumn();
  readonly #users = new Map<number, string>();
  readonly #groups = new Map<number, string>();
  /** Encoded at once, so that nothing of the entry is kept; those that name ids wait until all extents have theirs. */
  #extras: (Uint8Array | PendingExtras)[] = [];
  readonly #extrasCbor = new CborWriter();
  #directoryCount = 0;
  #entriesOfDirectory = 0;
  #lastSeconds = 0;

  /** `opensDirectory`: the entry is the first of its directory, or of the leaf. */
  costOf(entry: CatalogEntry, content: LeafContent, opensDirectory: boolean): number {
    let cost = entryCost + entry.name.length + (content.rope === null ? extentCost * content.extents.length : idUseCost);
    if (opensDirectory) cost += directoryCost + entry.directory.length;
    const user = nameChange(this.#users, entry.uid, entry.user ?? null);
    const group = nameChange(this.#groups, entry.gid, entry.group ?? null);
    if (user !== undefined) cost += extraCost + byteLength(user);
    if (group !== undefined) cost += extraCost + byteLength(group);
    return hasExtras(entry, content) ? cost + extrasCost(entry, content) : cost;
  }

  add(entry: CatalogEntry, content: LeafContent, opensDirectory: boolean): void {
    if (opensDirectory) this.#openDirectory(entry.directory);
    this.#entriesOfDirectory += 1;
    this.#names.varint(entry.name.length);
    this.#names.append(entry.name);
    this.#types.u8(entry.type);
    this.#modes.varint(entry.mode);
    this.#uids.varint(entry.uid);
    this.#gids.varint(entry.gid);
    this.#mtimes.svarint(entry.mtimeSeconds - this.#lastSeconds);
    this.#mtimes.varint(entry.mtimeNanos);
    this.#lastSeconds = entry.mtimeSeconds;
    if (entry.type === entryTypes.file) {
      this.#sizes.varint(entry.sizeBytes);
      writeContent(this.#extents, this.#ids, content);
      this.bytes = Math.min(Number.MAX_SAFE_INTEGER, this.bytes + entry.sizeBytes);
    }
    this.#keepExtras(entry, content);
    this.entries += 1;
  }

  /** The node's plaintext; the encoder is empty afterwards. */
  finish(): Uint8Array {
    this.#closeDirectory();
    const extras = this.#allExtras();
    const { column } = this.#node;
    column.clear();
    this.#node.array(7);
    this.#node.uint(1);
    this.#node.uint(0);
    this.#node.bytes(this.#ids.view());
    this.#node.array(this.#directoryCount);
    column.append(this.#directories.column.view());
    this.#node.bytes(this.#names.view());
    this.#columns();
    this.#node.map(this.#extras.length);
    for (const part of extras) column.append(part);
    const plaintext = column.copy();
    this.#clear();
    return plaintext;
  }

  #openDirectory(directory: Uint8Array): void {
    this.#closeDirectory();
    this.#directoryCount += 1;
    this.#directories.array(2);
    this.#directories.bytes(directory);
  }

  #closeDirectory(): void {
    if (this.#entriesOfDirectory === 0) return;
    this.#directories.uint(this.#entriesOfDirectory);
    this.#entriesOfDirectory = 0;
  }

  /** Keys by length, then alphabet, as deterministic CBOR sorts them; a column without values is left out. */
  #columns(): void {
    const columns = [
      ['gid', this.#gids],
      ['uid', this.#uids],
      ['mode', this.#modes],
      ['size', this.#sizes],
      ['type', this.#types],
      ['mtime', this.#mtimes],
      ['extents', this.#extents],
    ] as const;
    const filled = columns.filter(([, column]) => column.length > 0);
    this.#node.map(filled.length);
    for (const [name, column] of filled) {
      this.#node.text(name);
      this.#node.bytes(column.view());
    }
  }

  #keepExtras(entry: CatalogEntry, content: LeafContent): void {
    const user = nameChange(this.#users, entry.uid, entry.user ?? null);
    const group = nameChange(this.#groups, entry.gid, entry.group ?? null);
    if (user === undefined && group === undefined && !hasExtras(entry, content)) return;
    if (user !== undefined) takeName(this.#users, entry.uid, user);
    if (group !== undefined) takeName(this.#groups, entry.gid, group);
    const { inline, attributeNodes } = content;
    const extras = { index: this.entries, entry, user, group, inline, attributeNodes };
    const namesIds = attributeNodes !== null || (inline !== null && inline.streams.length > 0);
    this.#extras.push(namesIds ? extras : this.#encoded(extras));
  }

  #encoded(extras: PendingExtras): Uint8Array {
    const { column } = this.#extrasCbor;
    column.clear();
    writeExtras(this.#extrasCbor, this.#ids, extras);
    return column.copy();
  }

  /** Names the last ids, so it comes before the table is written. */
  #allExtras(): Uint8Array[] {
    return this.#extras.map((extras) => (extras instanceof Uint8Array ? extras : this.#encoded(extras)));
  }

  #clear(): void {
    this.entries = 0;
    this.bytes = 0;
    this.cost = 0;
    this.#ids.clear();
    this.#directories.column.clear();
    for (const column of [this.#names, this.#types, this.#modes, this.#uids, this.#gids, this.#mtimes]) column.clear();
    this.#sizes.clear();
    this.#extents.clear();
    this.#users.clear();
    this.#groups.clear();
    this.#extras = [];
    this.#directoryCount = 0;
    this.#lastSeconds = 0;
  }
}

function nameChange(names: ReadonlyMap<number, string>, id: number, name: string | null): NameChange {
  const held = names.size === 0 ? null : (names.get(id) ?? null);
  return held === name ? undefined : name;
}

function takeName(names: Map<number, string>, id: number, name: string | null): void {
  if (name === null) names.delete(id);
  else names.set(id, name);
}

function byteLength(name: string | null): number {
  return name === null ? 0 : utf8Encode(name).length;
}

function hasExtras(entry: CatalogEntry, content: LeafContent): boolean {
  return Boolean(
    content.inline !== null ||
    content.attributeNodes !== null ||
    entry.link ||
    entry.hardlink ||
    entry.device ||
    entry.torn ||
    entry.unread ||
    entry.atime ||
    entry.btime ||
    typeof entry.carried === 'number' ||
    typeof entry.windows === 'number',
  );
}

/** Of everything but the owner names. */
function extrasCost(entry: CatalogEntry, content: LeafContent): number {
  const { inline, attributeNodes } = content;
  let cost = extraCost * countExtras(entry, content);
  if (attributeNodes !== null) cost += idUseCost * attributeNodes.length;
  if (entry.link) cost += entry.link.length;
  if (typeof entry.hardlink?.inode === 'string') cost += entry.hardlink.inode.length;
  return inline === null ? cost : cost + attributesCost(inline);
}

/** What the items cost, without the keys that they stand under. */
export function attributesCost({ acls, streams, xattrs }: Attributes): number {
  let cost = 0;
  for (const acl of acls) cost += aclCost(acl);
  for (const stream of streams) cost += streamCost(stream);
  for (const xattr of xattrs) cost += xattrCost(xattr);
  return cost;
}

function countExtras(entry: CatalogEntry, content: Pick<LeafContent, 'inline' | 'attributeNodes'>): number {
  const { inline, attributeNodes } = content;
  const present = [
    attributeNodes !== null,
    inline !== null && inline.acls.length > 0,
    inline !== null && inline.streams.length > 0,
    inline !== null && inline.xattrs.length > 0,
    Boolean(entry.link),
    Boolean(entry.hardlink),
    Boolean(entry.device),
    Boolean(entry.torn),
    Boolean(entry.unread),
    Boolean(entry.atime),
    Boolean(entry.btime),
    typeof entry.carried === 'number',
    typeof entry.windows === 'number',
  ];
  return present.filter(Boolean).length;
}

/** Keys by length, then alphabet: acl link torn user atime btime group device unread xattrs carried streams windows hardlink attributes. */
function writeExtras(cbor: CborWriter, ids: IdTable, extras: PendingExtras): void {
  const { entry, user, group, inline, attributeNodes } = extras;
  cbor.uint(extras.index);
  cbor.map(countExtras(entry, extras) + (user === undefined ? 0 : 1) + (group === undefined ? 0 : 1));
  writeList(cbor, 'acl', inline?.acls, (acl) => writeAcl(cbor, acl));
  if (entry.link) {
    cbor.text('link');
    cbor.bytes(entry.link);
  }
  writeFlag(cbor, 'torn', entry.torn);
  writeName(cbor, 'user', user);
  writePair(cbor, 'atime', entry.atime && [entry.atime.seconds, entry.atime.nanos]);
  writePair(cbor, 'btime', entry.btime && [entry.btime.seconds, entry.btime.nanos]);
  writeName(cbor, 'group', group);
  writePair(cbor, 'device', entry.device && [entry.device.major, entry.device.minor]);
  writeFlag(cbor, 'unread', entry.unread);
  writeList(cbor, 'xattrs', inline?.xattrs, (xattr) => writeXattr(cbor, xattr));
  writeNumber(cbor, 'carried', entry.carried);
  writeList(cbor, 'streams', inline?.streams, (stream) => writeStream(cbor, ids, stream));
  writeNumber(cbor, 'windows', entry.windows);
  writePair(cbor, 'hardlink', entry.hardlink && [entry.hardlink.device, entry.hardlink.inode]);
  writeList(cbor, 'attributes', attributeNodes ?? undefined, (id) => cbor.uint(ids.indexOf(id)));
}

function writeFlag(cbor: CborWriter, key: string, flag: boolean | undefined): void {
  if (!flag) return;
  cbor.text(key);
  cbor.true();
}

function writeName(cbor: CborWriter, key: string, name: NameChange): void {
  if (name === undefined) return;
  cbor.text(key);
  if (name === null) cbor.null();
  else cbor.text(name);
}

function writeNumber(cbor: CborWriter, key: string, value: number | null | undefined): void {
  if (typeof value !== 'number') return;
  cbor.text(key);
  cbor.uint(value);
}

function writePair(cbor: CborWriter, key: string, pair: readonly [number, number | string] | null | undefined): void {
  if (!pair) return;
  cbor.text(key);
  cbor.array(2);
  cbor.int(pair[0]);
  if (typeof pair[1] === 'string') cbor.text(pair[1]);
  else cbor.uint(pair[1]);
}

function writeList<T>(cbor: CborWriter, key: string, list: readonly T[] | undefined, write: (item: T) => void): void {
  if (list === undefined || list.length === 0) return;
  cbor.text(key);
  cbor.array(list.length);
  for (const item of list) write(item);
}
