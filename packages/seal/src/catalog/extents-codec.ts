/*
 * Lists of extents as bytes, docs/format/catalog.md: number of extents, then for each 0 for a hole or 1 + index in the node's
 * ids, the offset in the chunk if it is no hole, and the length. Extents that touch are one, so a content has one list. From
 * `ropeExtentsMin` on they stand in a rope: then that number and the index of the rope's root are all.
 */

import { plaintextBytesMax, ropeExtentsMin } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { equalBytes } from '@twinvault/std';
import type { ByteColumn } from './byte-column.ts';
import { nodeDefect } from './column-reader.ts';
import type { ColumnReader } from './column-reader.ts';
import type { Extent } from './entry.ts';
import type { IdTable, IdUses } from './id-table.ts';

/** An extent takes at least two bytes: a hole and its length. */
const extentBytesMin = 2;

/** Whether `next`, right behind `extent` in the content, is its continuation. */
export function touches(extent: Extent, next: Extent): boolean {
  if (extent.chunk === null || next.chunk === null) return extent.chunk === next.chunk;
  if (extent.offsetBytes + extent.lengthBytes !== next.offsetBytes) return false;
  return extent.chunk === next.chunk || equalBytes(extent.chunk, next.chunk);
}

/** Whether an extent is one that the format can hold. */
export function isExtent({ chunk, offsetBytes, lengthBytes }: Extent): boolean {
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes <= 0) return false;
  if (chunk === null) return offsetBytes === 0;
  return Number.isSafeInteger(offsetBytes) && offsetBytes >= 0 && offsetBytes + lengthBytes <= plaintextBytesMax;
}

/** The same content with touching extents made one; the very list if there were none. */
export function mergeExtents(extents: readonly Extent[]): readonly Extent[] {
  let index = 1;
  for (; index < extents.length; index += 1) if (touches(extents[index - 1] as Extent, extents[index] as Extent)) break;
  if (index >= extents.length) return extents;
  const merged: Extent[] = extents.slice(0, index);
  for (; index < extents.length; index += 1) {
    const next = extents[index] as Extent;
    const last = merged.at(-1) as Extent;
    if (touches(last, next)) merged[merged.length - 1] = { ...last, lengthBytes: last.lengthBytes + next.lengthBytes };
    else merged.push(next);
  }
  return merged;
}

export function writeExtents(column: ByteColumn, ids: IdTable, extents: readonly Extent[]): void {
  column.varint(extents.length);
  for (const { chunk, offsetBytes, lengthBytes } of extents) {
    if (chunk === null) {
      column.u8(0);
    } else {
      column.varint(1 + ids.indexOf(chunk));
      column.varint(offsetBytes);
    }
    column.varint(lengthBytes);
  }
}

/** Content of a file or stream: its extents, or the rope that has them. */
export interface ContentList {
  readonly extents: readonly Extent[];
  readonly rope?: ChunkId | null;
}

export function writeContent(column: ByteColumn, ids: IdTable, { extents, rope }: ContentList): void {
  if (rope) {
    column.varint(ropeExtentsMin);
    column.varint(ids.indexOf(rope));
  } else {
    writeExtents(column, ids, extents);
  }
}

const noExtents: readonly Extent[] = [];
const noContent: ContentList = { extents: noExtents, rope: null };

export function readContent(reader: ColumnReader, ids: IdUses): ContentList {
  const count = reader.varint();
  if (count === 0) return noContent;
  if (count > ropeExtentsMin) throw nodeDefect('long list of extents without a rope');
  if (count === ropeExtentsMin) return { extents: noExtents, rope: ids.at(reader.varint()) };
  return { extents: readItems(reader, ids, count), rope: null };
}

/** The list of a rope leaf: of any length but 0. */
export function readExtents(reader: ColumnReader, ids: IdUses): readonly Extent[] {
  const count = reader.varint();
  if (count === 0) throw nodeDefect('rope without extents');
  return readItems(reader, ids, count);
}

/** Checked in all but their sum. */
function readItems(reader: ColumnReader, ids: IdUses, count: number): readonly Extent[] {
  if (count > reader.remaining / extentBytesMin) throw nodeDefect('more extents than bytes');
  const extents: Extent[] = [];
  let last: Extent | null = null;
  for (let index = 0; index < count; index += 1) {
    const place = reader.varint();
    const chunk = place === 0 ? null : ids.at(place - 1);
    const offsetBytes = chunk === null ? 0 : reader.varint();
    const extent: Extent = { chunk, offsetBytes, lengthBytes: reader.varint() };
    if (!isExtent(extent)) throw nodeDefect('extent out of range');
    if (last !== null && touches(last, extent)) throw nodeDefect('touching extents');
    extents.push(extent);
    last = extent;
  }
  return extents;
}

/** Sum of the lengths; above 2^53 - 1 it is not exact, but above 2^53 - 1. */
export function extentsBytes(extents: readonly Extent[]): number {
  let sum = 0;
  for (const { lengthBytes } of extents) sum += lengthBytes;
  return sum;
}
