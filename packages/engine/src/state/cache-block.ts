/*
 * One block of the catalog cache: the entries of one leaf of the catalog, so that a leaf none of whose entries changed is
 * taken over whole, in the catalog and in the next cache.
 *
 *   offset  what
 *        0  u32 bytes of the packed items | u32 number of items
 *        8  first 8 bytes of SHA-256(the head from offset 16 on | packed items)
 *       16  u32 1 if the leaf may be taken over, 2 if before the same entry alone | u32 files | u32 directories | u32 others
 *       32  f64 sum of the sizes of the files
 *       40  chunk id of the leaf (32)
 *       72  packed items (entries/packed-items.ts)
 */
import { equalBytes, primitives } from '@twinvault/std';
import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import type { WrittenLeaf } from '@twinvault/seal';

export const blockHeadBytes = 72;

export interface BlockCounts {
  readonly entries: number;
  readonly files: number;
  readonly directories: number;
  readonly others: number;
  /** Sum of the sizes of the files. */
  readonly bytes: number;
}

export interface CacheBlock extends BlockCounts {
  /** Where it begins in its file. */
  readonly startBytes: number;
  /** Head and items as they stand in the file. */
  readonly raw: Uint8Array;
  readonly items: Uint8Array;
  /** The leaf with exactly these entries, where a later catalog may take it over; else null. */
  readonly leaf: ChunkId | null;
  /** It may be taken over only if the entry after it is unchanged, too. */
  readonly endsByCost: boolean;
}

export type BlockLeaf = Pick<WrittenLeaf, 'id' | 'endsByCost'>;

export function encodeBlock(items: Uint8Array, counts: BlockCounts, leaf: BlockLeaf | null): Uint8Array {
  const raw = new Uint8Array(blockHeadBytes + items.length);
  const view = new DataView(raw.buffer);
  view.setUint32(0, items.length, true);
  view.setUint32(4, counts.entries, true);
  if (leaf !== null) view.setUint32(16, leaf.endsByCost ? 2 : 1, true);
  view.setUint32(20, counts.files, true);
  view.setUint32(24, counts.directories, true);
  view.setUint32(28, counts.others, true);
  view.setFloat64(32, counts.bytes, true);
  if (leaf !== null) raw.set(leaf.id, 40);
  raw.set(items, blockHeadBytes);
  raw.set(checksum(raw), 8);
  return raw;
}

function checksum(raw: Uint8Array): Uint8Array {
  return primitives.sha256(raw.subarray(16)).subarray(0, 8);
}

/** Bytes of the whole block, told by its first bytes. */
export function blockBytes(head: Uint8Array): number {
  return blockHeadBytes + new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true);
}

/** Null when the checksum does not fit. `raw`: exactly one block; kept, not copied. */
export function decodeBlock(raw: Uint8Array, startBytes: number): CacheBlock | null {
  if (!equalBytes(checksum(raw), raw.subarray(8, 16))) return null;
  const view = new DataView(raw.buffer, raw.byteOffset, blockHeadBytes);
  const taking = view.getUint32(16, true);
  return {
    startBytes,
    raw,
    items: raw.subarray(blockHeadBytes),
    entries: view.getUint32(4, true),
    files: view.getUint32(20, true),
    directories: view.getUint32(24, true),
    others: view.getUint32(28, true),
    bytes: view.getFloat64(32, true),
    leaf: taking === 0 ? null : chunkId(raw.subarray(40, 72)),
    endsByCost: taking === 2,
  };
}
