/*
 * ACL parts, named streams and extended attributes as CBOR, and what they cost: the same inside the extras of a leaf and in
 * attribute nodes. docs/format/catalog.md, "Attributes".
 */

import { nameBytesMax, ropeExtentsMin, xattrBytesMax } from '@twinvault/format';
import { compareBytes } from '@twinvault/std';
import { ByteColumn } from './byte-column.ts';
import type { CborReader } from './cbor-reader.ts';
import type { CborWriter } from './cbor-writer.ts';
import { ColumnReader, nodeDefect } from './column-reader.ts';
import type { AclPart, NamedStream, Xattr } from './entry.ts';
import { extentsBytes, readContent, writeContent } from './extents-codec.ts';
import type { IdTable, IdUses } from './id-table.ts';

const itemCost = 16;
export const extentCost = 64;
export const idUseCost = 40;
/** Extents of a stream as bytes: fewer than a rope needs, each at most 24 bytes. */
const streamExtentsBytesMax: number = 8 + 24 * ropeExtentsMin;

export function aclCost({ kind, value }: AclPart): number {
  return itemCost + kind.length + value.length;
}

export function xattrCost({ name, value }: Xattr): number {
  return itemCost + name.length + value.length;
}

export function streamCost({ name, extents, rope }: NamedStream): number {
  return itemCost + name.length + (rope ? idUseCost : extentCost * extents.length);
}

export function writeAcl(cbor: CborWriter, { kind, value }: AclPart): void {
  cbor.array(2);
  cbor.text(kind);
  cbor.bytes(value);
}

export function writeXattr(cbor: CborWriter, { name, value }: Xattr): void {
  cbor.array(2);
  cbor.bytes(name);
  cbor.bytes(value);
}

const streamColumn = new ByteColumn();

export function writeStream(cbor: CborWriter, ids: IdTable, stream: NamedStream): void {
  cbor.array(3);
  cbor.bytes(stream.name);
  cbor.uint(stream.sizeBytes);
  streamColumn.clear();
  writeContent(streamColumn, ids, stream);
  cbor.bytes(streamColumn.view());
}

/** What the kind of an ACL looks like: `posix-access`, `nfs4`. */
const aclKind = /^[a-z0-9-]{1,32}$/;
const aclKindBytesMax = 32;

export function isAclKind(kind: string): boolean {
  return aclKind.test(kind);
}

/** Sorted by kind, each kind once. */
export function readAcls(cbor: CborReader): AclPart[] {
  let last = '';
  return readList(cbor, () => {
    cbor.tuple(2);
    const kind = cbor.text(aclKindBytesMax);
    if (!isAclKind(kind) || kind <= last) throw nodeDefect('ACLs not sorted by kind');
    last = kind;
    return { kind, value: cbor.bytes(xattrBytesMax) };
  });
}

/** Sorted by name, each name once. */
export function readXattrs(cbor: CborReader): Xattr[] {
  let last: Uint8Array | null = null;
  return readList(cbor, () => {
    cbor.tuple(2);
    const name = cbor.bytes(nameBytesMax);
    if (name.length === 0 || (last !== null && compareBytes(last, name) >= 0)) throw nodeDefect('attributes not sorted by name');
    last = name;
    return { name, value: cbor.bytes(xattrBytesMax) };
  });
}

/** Sorted by name, each name once. */
export function readStreams(cbor: CborReader, ids: IdUses): NamedStream[] {
  let last: Uint8Array | null = null;
  return readList(cbor, () => {
    cbor.tuple(3);
    const name = cbor.bytes(nameBytesMax);
    if (name.length === 0 || (last !== null && compareBytes(last, name) >= 0)) throw nodeDefect('streams not sorted by name');
    last = name;
    const sizeBytes = cbor.uint();
    const column = new ColumnReader(cbor.bytes(streamExtentsBytesMax));
    const { extents, rope } = readContent(column, ids);
    column.end();
    if (!rope && extentsBytes(extents) !== sizeBytes) throw nodeDefect('extents of a stream do not add up to its size');
    return { name, sizeBytes, extents, rope: rope ?? null };
  });
}

function readList<T>(cbor: CborReader, item: () => T): T[] {
  const count = cbor.array();
  const items: T[] = [];
  for (let index = 0; index < count; index += 1) items.push(item());
  return items;
}
