/*
 * The nodes of a catalog that are not leaves: inner nodes, ropes and attribute nodes, docs/format/catalog.md. Encoding and
 * decoding side by side; the decoders take only what the encoders write.
 */

import { catalogNodeBytesMax, pathBytesMax } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { compareBytes } from '@twinvault/std';
import { readAcls, readStreams, readXattrs, writeAcl, writeStream, writeXattr } from './attribute-items.ts';
import { ByteColumn } from './byte-column.ts';
import { nodeItemsMax } from './catalog-limits.ts';
import type { CborReader } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { ColumnReader, nodeDefect } from './column-reader.ts';
import type { Attributes, Extent } from './entry.ts';
import { extentsBytes, readExtents, writeExtents } from './extents-codec.ts';
import { IdTable } from './id-table.ts';
import type { IdUses } from './id-table.ts';

export const nodeTypes = { leaf: 1, inner: 2, ropeLeaf: 3, ropeInner: 4, attributes: 5 } as const;

/** A subtree of the catalog. */
export interface CatalogChild {
  /** Key of its first entry. */
  readonly key: Uint8Array;
  readonly id: ChunkId;
  readonly entries: number;
  /** Sum of the sizes of files, at most 2^53 - 1. */
  readonly bytes: number;
}

/** A part of a rope. */
export interface RopeChild {
  readonly id: ChunkId;
  readonly lengthBytes: number;
}

export interface DecodedInner {
  readonly type: 'inner';
  readonly level: number;
  readonly children: readonly CatalogChild[];
  readonly ids: readonly ChunkId[];
}

export interface DecodedRopeLeaf {
  readonly type: 'ropeLeaf';
  readonly extents: readonly Extent[];
  readonly ids: readonly ChunkId[];
}

export interface DecodedRopeInner {
  readonly type: 'ropeInner';
  readonly level: number;
  readonly children: readonly RopeChild[];
  readonly ids: readonly ChunkId[];
}

export interface DecodedAttributes {
  readonly type: 'attributes';
  readonly attributes: Attributes;
  readonly ids: readonly ChunkId[];
}

interface NodeHead {
  readonly type: number;
  readonly level: number;
  /** At most so many ids. */
  readonly idsMax: number;
}

/** `[type, level, ids, body]`, where the body names ids: it is written first, since the table follows from it. */
function encodeNode({ type, level, idsMax }: NodeHead, body: (cbor: CborWriter, ids: IdTable) => void): Uint8Array {
  const ids = new IdTable(idsMax);
  const bodyCbor = new CborWriter();
  body(bodyCbor, ids);
  const cbor = new CborWriter();
  cbor.array(4);
  cbor.uint(type);
  cbor.uint(level);
  cbor.bytes(ids.view());
  cbor.column.append(bodyCbor.column.view());
  return cbor.column.copy();
}

export function encodeInner(level: number, children: readonly CatalogChild[]): Uint8Array {
  return encodeNode({ type: nodeTypes.inner, level, idsMax: children.length }, (cbor, ids) => {
    cbor.array(children.length);
    for (const { key, id, entries, bytes } of children) {
      cbor.array(4);
      cbor.bytes(key);
      cbor.uint(ids.indexOf(id));
      cbor.uint(entries);
      cbor.uint(bytes);
    }
  });
}

export function encodeRopeLeaf(extents: readonly Extent[]): Uint8Array {
  return encodeNode({ type: nodeTypes.ropeLeaf, level: 0, idsMax: extents.length }, (cbor, ids) => {
    const column = new ByteColumn();
    writeExtents(column, ids, extents);
    cbor.bytes(column.view());
  });
}

export function encodeRopeInner(level: number, children: readonly RopeChild[]): Uint8Array {
  return encodeNode({ type: nodeTypes.ropeInner, level, idsMax: children.length }, (cbor, ids) => {
    cbor.array(children.length);
    for (const { id, lengthBytes } of children) {
      cbor.array(2);
      cbor.uint(lengthBytes);
      cbor.uint(ids.indexOf(id));
    }
  });
}

export function encodeAttributes({ acls, streams, xattrs }: Attributes): Uint8Array {
  let idsMax = 0;
  for (const { extents } of streams) idsMax += 1 + extents.length;
  return encodeNode({ type: nodeTypes.attributes, level: 0, idsMax }, (cbor, ids) => {
    cbor.array(3);
    cbor.array(acls.length);
    for (const acl of acls) writeAcl(cbor, acl);
    cbor.array(streams.length);
    for (const stream of streams) writeStream(cbor, ids, stream);
    cbor.array(xattrs.length);
    for (const xattr of xattrs) writeXattr(cbor, xattr);
  });
}

const keyBytesMax: number = pathBytesMax + 2;

export function readInner(cbor: CborReader, ids: IdUses, level: number): DecodedInner {
  const children: CatalogChild[] = [];
  let last: Uint8Array | null = null;
  for (let left = childCount(cbor); left > 0; left -= 1) {
    cbor.tuple(4);
    const key = cbor.bytes(keyBytesMax);
    if (last !== null && compareBytes(last, key) >= 0) throw nodeDefect('children not in order');
    last = key;
    const child = { key, id: ids.at(cbor.uint()), entries: filled(cbor.uint()), bytes: cbor.uint() };
    children.push(child);
  }
  return { type: 'inner', level, children, ids: ids.ids };
}

export function readRopeLeaf(cbor: CborReader, ids: IdUses): DecodedRopeLeaf {
  const column = new ColumnReader(cbor.bytes(catalogNodeBytesMax));
  const extents = readExtents(column, ids);
  column.end();
  if (extents.length > nodeItemsMax) throw nodeDefect('too many extents');
  if (extentsBytes(extents) > Number.MAX_SAFE_INTEGER) throw nodeDefect('rope too long');
  return { type: 'ropeLeaf', extents, ids: ids.ids };
}

export function readRopeInner(cbor: CborReader, ids: IdUses, level: number): DecodedRopeInner {
  const children: RopeChild[] = [];
  let sum = 0;
  for (let left = childCount(cbor); left > 0; left -= 1) {
    cbor.tuple(2);
    const lengthBytes = filled(cbor.uint());
    sum += lengthBytes;
    children.push({ lengthBytes, id: ids.at(cbor.uint()) });
  }
  if (sum > Number.MAX_SAFE_INTEGER) throw nodeDefect('rope too long');
  return { type: 'ropeInner', level, children, ids: ids.ids };
}

export function readAttributes(cbor: CborReader, ids: IdUses): DecodedAttributes {
  cbor.tuple(3);
  const acls = readAcls(cbor);
  const streams = readStreams(cbor, ids);
  const xattrs = readXattrs(cbor);
  if (acls.length + streams.length + xattrs.length === 0) throw nodeDefect('empty attribute node');
  return { type: 'attributes', attributes: { acls, streams, xattrs }, ids: ids.ids };
}

/** Number of children that follow. */
function childCount(cbor: CborReader): number {
  const count = filled(cbor.array());
  if (count > nodeItemsMax) throw nodeDefect('too many children');
  return count;
}

function filled(count: number): number {
  if (count === 0) throw nodeDefect('empty node or child');
  return count;
}
