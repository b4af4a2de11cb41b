/*
 * A leaf of a catalog back into entries, docs/format/catalog.md. It takes only what LeafEncoder would write: whatever it
 * accepts encodes to the same bytes again. All bytes of the entries are views of the node.
 */

import { pathBytesMax } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { compareBytes } from '@twinvault/std';
import { nodeItemsMax, timeSecondsMax } from './catalog-limits.ts';
import type { CborReader } from './cbor-reader.ts';
import { ColumnReader, nodeDefect } from './column-reader.ts';
import { entryTypes } from './entry.ts';
import type { CatalogEntry, EntryType } from './entry.ts';
import { extentsBytes, readContent } from './extents-codec.ts';
import type { ContentList } from './extents-codec.ts';
import { noExtras, readAllExtras } from './extras-decoder.ts';
import type { Extras } from './extras-decoder.ts';
import type { IdUses } from './id-table.ts';
import { isComponent, isDirectoryPath } from './path.ts';

export interface DecodedLeaf {
  readonly type: 'leaf';
  /** In key order. */
  readonly entries: readonly CatalogEntry[];
  readonly ids: readonly ChunkId[];
}

interface DirectoryRun {
  readonly path: Uint8Array;
  readonly count: number;
}

const nanosMax = 999_999_999;
const modeMax = 0o7777;
/** In the order of deterministic CBOR. */
const columnNames = ['gid', 'uid', 'mode', 'size', 'type', 'mtime', 'extents'] as const;
type ColumnName = (typeof columnNames)[number];
type Columns = Readonly<Record<ColumnName, ColumnReader>>;

/** Reads what follows the ids of a leaf, to the end. `bytesMax`: no part is longer. */
export function readLeaf(cbor: CborReader, ids: IdUses, bytesMax: number): DecodedLeaf {
  const directories = readDirectories(cbor);
  const names = new ColumnReader(cbor.bytes(bytesMax));
  const columns = readColumns(cbor, bytesMax);
  let count = 0;
  for (const directory of directories) count += directory.count;
  if (count > nodeItemsMax) throw nodeDefect('too many entries');
  const types = readTypes(columns, count);
  const contents = types.map((type) => (type === entryTypes.file ? readContent(columns.extents, ids) : noContent));
  const extras = readAllExtras({ cbor, ids }, count);
  cbor.end();
  ids.end();
  const decoder = new EntryDecoder(columns);
  const entries: CatalogEntry[] = [];
  for (const { path, count: runLength } of directories) {
    let last: Uint8Array | null = null;
    for (let left = runLength; left > 0; left -= 1) {
      const name = names.take(names.varint());
      if (last !== null && compareBytes(last, name) >= 0) throw nodeDefect('names not in order');
      last = name;
      const index = entries.length;
      const type = types[index] ?? entryTypes.file;
      const content = contents[index] ?? noContent;
      entries.push(decoder.entry({ directory: path, name, type, content, extras: extras.get(index) ?? noExtras }));
    }
  }
  names.end();
  for (const name of columnNames) columns[name].end();
  return { type: 'leaf', entries, ids: ids.ids };
}

function readDirectories(cbor: CborReader): DirectoryRun[] {
  const runs: DirectoryRun[] = [];
  let last: Uint8Array | null = null;
  for (let left = cbor.array(); left > 0; left -= 1) {
    cbor.tuple(2);
    const path = cbor.bytes(pathBytesMax);
    const count = cbor.uint();
    if (!isDirectoryPath(path)) throw nodeDefect('directory path out of range');
    if (count === 0) throw nodeDefect('directory without entries');
    if (last !== null && compareBytes(last, path) >= 0) throw nodeDefect('directories not in order');
    last = path;
    runs.push({ path, count });
  }
  return runs;
}

const emptyColumn = new Uint8Array(0);
const noContent: ContentList = { extents: [], rope: null };

function readColumns(cbor: CborReader, bytesMax: number): Columns {
  const found = new Map<string, Uint8Array>();
  let place = 0;
  for (let left = cbor.map(); left > 0; left -= 1) {
    const name = cbor.text(7);
    const at = columnNames.indexOf(name as ColumnName, place);
    if (at === -1) throw nodeDefect('columns unknown or not in order');
    place = at + 1;
    const column = cbor.bytes(bytesMax);
    if (column.length === 0) throw nodeDefect('empty column');
    found.set(name, column);
  }
  const column = (name: ColumnName): ColumnReader => new ColumnReader(found.get(name) ?? emptyColumn);
  return {
    gid: column('gid'),
    uid: column('uid'),
    mode: column('mode'),
    size: column('size'),
    type: column('type'),
    mtime: column('mtime'),
    extents: column('extents'),
  };
}

function readTypes(columns: Columns, count: number): EntryType[] {
  const types: EntryType[] = [];
  for (let index = 0; index < count; index += 1) {
    const type = columns.type.u8();
    if (type < entryTypes.file || type > entryTypes.block) throw nodeDefect('type out of range');
    types.push(type as EntryType);
  }
  return types;
}

interface EntryParts {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly type: EntryType;
  readonly content: ContentList;
  readonly extras: Readonly<Extras>;
}

/** Reads the columns on from entry to entry. */
class EntryDecoder {
  readonly #columns: Columns;
  readonly #users = new Map<number, string>();
  readonly #groups = new Map<number, string>();
  #seconds = 0;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  entry({ directory, name, type, content, extras }: EntryParts): CatalogEntry {
    const columns = this.#columns;
    if (!isComponent(name) || directory.length + 1 + name.length > pathBytesMax) throw nodeDefect('name out of range');
    const mode = columns.mode.varint();
    const uid = columns.uid.varint();
    const gid = columns.gid.varint();
    this.#seconds += columns.mtime.svarint();
    const mtimeNanos = columns.mtime.varint();
    const sizeBytes = type === entryTypes.file ? columns.size.varint() : 0;
    if (mode > modeMax) throw nodeDefect('mode out of range');
    if (Math.abs(this.#seconds) > timeSecondsMax || mtimeNanos > nanosMax) throw nodeDefect('time out of range');
    if (!content.rope) checkCovered(content, sizeBytes, extras.unread);
    if (extras !== noExtras) checkKind(type, extras);
    else if (type === entryTypes.link || type >= entryTypes.character) throw nodeDefect('link or device without its target');
    return {
      directory,
      name,
      type,
      mode,
      uid,
      gid,
      mtimeSeconds: this.#seconds,
      mtimeNanos,
      sizeBytes,
      extents: content.extents,
      rope: content.rope ?? null,
      user: ownerName(this.#users, uid, extras.user),
      group: ownerName(this.#groups, gid, extras.group),
      link: extras.link,
      device: extras.device,
      hardlink: extras.hardlink,
      atime: extras.atime,
      btime: extras.btime,
      acls: extras.acls,
      streams: extras.streams,
      xattrs: extras.xattrs,
      attributes: extras.attributes,
      windows: extras.windows,
      carried: extras.carried,
      torn: extras.torn,
      unread: extras.unread,
    };
  }
}

function checkCovered({ extents }: ContentList, sizeBytes: number, unread: boolean): void {
  const covered = extentsBytes(extents);
  if (unread ? covered > sizeBytes : covered !== sizeBytes) throw nodeDefect('extents do not add up to the size');
}

/** What only some types have, and those must have unless they could not be read. */
function checkKind(type: EntryType, { link, device, hardlink, torn, unread }: Readonly<Extras>): void {
  const isLink = type === entryTypes.link;
  if (link === null ? isLink && !unread : !isLink || link.length === 0) throw nodeDefect('link target does not fit the type');
  const isDevice = type === entryTypes.character || type === entryTypes.block;
  if (isDevice !== (device !== null)) throw nodeDefect('device numbers do not fit the type');
  if (hardlink !== null && type === entryTypes.directory) throw nodeDefect('hard link of a directory');
  if (torn && type !== entryTypes.file) throw nodeDefect('torn, but no file');
}

/** The name in force for this owner; one that is written must differ from it. */
function ownerName(names: Map<number, string>, id: number, written: string | null | undefined): string | null {
  const held = names.get(id) ?? null;
  if (written === undefined) return held;
  if (written === held) throw nodeDefect('owner name stands twice');
  if (written === null) names.delete(id);
  else names.set(id, written);
  return written;
}
