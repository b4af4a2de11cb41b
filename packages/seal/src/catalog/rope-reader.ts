/*
 * Reads ropes: docs/format/catalog.md. What a parent says of a child, its level and its length, is checked when the child is
 * opened; the root is held to the size of its entry.
 */

import type { ChunkId } from '@twinvault/format';
import { nodeDefect } from './column-reader.ts';
import type { Extent } from './entry.ts';
import { extentsBytes } from './extents-codec.ts';
import { decodeNode } from './node-decoder.ts';
import type { NodeSource } from './node-sink.ts';
import type { DecodedRopeInner, DecodedRopeLeaf } from './small-nodes.ts';

export interface RopeRange {
  readonly sizeBytes: number;
  /** The rope may end before the size. */
  readonly unread: boolean;
  /** The first extent that is given holds the byte at this offset. */
  readonly offsetBytes: number;
}

interface Part {
  readonly id: ChunkId;
  /** Null: a root, of any level. */
  readonly level: number | null;
  readonly lengthBytes: number | null;
}

type RopeNode = DecodedRopeLeaf | DecodedRopeInner;

async function open(source: NodeSource, { id, level, lengthBytes }: Part): Promise<RopeNode> {
  const node = decodeNode(await source.node(id));
  if (node.type !== 'ropeLeaf' && node.type !== 'ropeInner') throw nodeDefect('rope expected');
  if (level !== null && levelOf(node) !== level) throw nodeDefect('rope node of another level expected');
  if (lengthBytes !== null && lengthOf(node) !== lengthBytes) throw nodeDefect('rope node is not as long as its parent says');
  return node;
}

function levelOf(node: RopeNode): number {
  return node.type === 'ropeLeaf' ? 0 : node.level;
}

function lengthOf(node: RopeNode): number {
  if (node.type === 'ropeLeaf') return extentsBytes(node.extents);
  let sum = 0;
  for (const { lengthBytes } of node.children) sum += lengthBytes;
  return sum;
}

function partsOf(node: DecodedRopeInner): Part[] {
  return node.children.map(({ id, lengthBytes }) => ({ id, lengthBytes, level: node.level - 1 }));
}

/** The extents of a rope in order, from the one that holds `offsetBytes` on, those of a leaf at a time. */
export async function* ropeExtents(
  source: NodeSource,
  root: ChunkId,
  range: RopeRange,
): AsyncGenerator<readonly Extent[], void, undefined> {
  const { sizeBytes, unread, offsetBytes } = range;
  const top = await open(source, { id: root, level: null, lengthBytes: null });
  const length = lengthOf(top);
  if (unread ? length > sizeBytes : length !== sizeBytes) throw nodeDefect('rope is not as long as its file');
  let end = 0;
  const stack: (Part | RopeNode)[] = [top];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if ('id' in next && end + (next.lengthBytes ?? 0) <= offsetBytes) {
      end += next.lengthBytes ?? 0;
      continue;
    }
    const node = 'id' in next ? await open(source, next) : next;
    if (node.type === 'ropeInner') {
      stack.push(...partsOf(node).reverse());
      continue;
    }
    const wanted = end >= offsetBytes ? node.extents : extentsAfter(node.extents, offsetBytes - end);
    end += extentsBytes(node.extents);
    if (wanted.length > 0) yield wanted;
  }
}

/** Those that end after this offset from where the first begins. */
export function extentsAfter(extents: readonly Extent[], offsetBytes: number): readonly Extent[] {
  let end = 0;
  for (const [index, { lengthBytes }] of extents.entries()) {
    end += lengthBytes;
    if (end > offsetBytes) return index === 0 ? extents : extents.slice(index);
  }
  return [];
}

/** Ids of all chunks below the root of a rope, itself not among them. */
export async function* ropeIds(source: NodeSource, root: ChunkId): AsyncGenerator<readonly ChunkId[], void, undefined> {
  const stack: Part[] = [{ id: root, level: null, lengthBytes: null }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const node = await open(source, next);
    yield node.ids;
    if (node.type === 'ropeInner') stack.push(...partsOf(node).reverse());
  }
}
