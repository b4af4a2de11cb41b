/*
 * Reads the sealed bytes of a task's chunks: neighbours in a pack come in one read.
 */
import type { PackName } from '@twinvault/format';
import { siteFailure } from '@twinvault/protocol';
import type { VaultReading } from '@twinvault/protocol';
import { equalBytes, primitives } from '@twinvault/std';
import type { Blob } from './chunk-set.ts';
import type { ReadLosses } from './losses.ts';

/** Bytes between two blobs that are read along rather than asked for apart: about what one more request costs. */
export const joinGapBytesMax: number = 128 * 1024;
/** One read, at most. */
export const readBytesMax: number = 16 * 1024 * 1024;
/** Reads of one task that are under way at once. */
export const readsMax = 4;

export interface RangeOfBlobs {
  readonly pack: PackName;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly blobs: readonly Blob[];
}

/** Ranges to read for these blobs; each blob lies in exactly one. */
export function joinRanges(blobs: readonly Blob[]): RangeOfBlobs[] {
  const sorted = blobs.toSorted((a, b) => a.packNumber - b.packNumber || a.offsetBytes - b.offsetBytes);
  const ranges: { pack: PackName; packNumber: number; offsetBytes: number; endBytes: number; blobs: Blob[] }[] = [];
  for (const blob of sorted) {
    const { pack, packNumber, offsetBytes, lengthBytes } = blob;
    const last = ranges.at(-1);
    const end = offsetBytes + lengthBytes;
    const joins =
      last?.packNumber === packNumber &&
      offsetBytes - last.endBytes <= joinGapBytesMax &&
      Math.max(end, last.endBytes) - last.offsetBytes <= readBytesMax;
    if (joins) {
      last.blobs.push(blob);
      last.endBytes = Math.max(last.endBytes, end);
    } else ranges.push({ pack, packNumber, offsetBytes, endBytes: end, blobs: [blob] });
  }
  return ranges.map((range) => ({
    pack: range.pack,
    offsetBytes: range.offsetBytes,
    lengthBytes: range.endBytes - range.offsetBytes,
    blobs: range.blobs,
  }));
}

export interface FetchedBlob {
  readonly blob: Blob;
  readonly buffer: number;
  readonly offsetBytes: number;
}

export interface Fetched {
  readonly buffers: readonly Uint8Array[];
  /** Those that could be read, in no order. */
  readonly blobs: readonly FetchedBlob[];
}

/**
 * Reads the ranges, some at once. Where a range cannot be had, each of its blobs is read for itself; a blob that the vault does not have is
 * left out: its chunk counts as damaged, the rest of the restore goes on. Any other failure is thrown. Where there are several sites, each is asked before a blob
 * counts as lost or damaged.
 */
export async function fetchRanges(reading: VaultReading, ranges: readonly RangeOfBlobs[], losses: ReadLosses): Promise<Fetched> {
  const buffers: Uint8Array[] = [];
  const blobs: FetchedBlob[] = [];
  const waiting = ranges.toReversed();
  const read = async (range: RangeOfBlobs): Promise<void> => {
    try {
      const bytes = await reading.readPack(range.pack, range.offsetBytes, range.lengthBytes);
      losses.good();
      const buffer = buffers.push(bytes) - 1;
      for (const blob of range.blobs) {
        const offsetBytes = blob.offsetBytes - range.offsetBytes;
        const copy = await betterCopy(reading, blob, bytes.subarray(offsetBytes, offsetBytes + blob.lengthBytes));
        blobs.push(copy === null ? { blob, buffer, offsetBytes } : { blob, buffer: buffers.push(copy) - 1, offsetBytes: 0 });
      }
    } catch (error) {
      if (losses.bad(error) === null) throw error;
      if (range.blobs.length > 1) waiting.push(...range.blobs.map(alone));
    }
  };
  const readWaiting = async (): Promise<void> => {
    for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) await read(range);
  };
  await Promise.all(Array.from({ length: Math.min(readsMax, ranges.length) }, readWaiting));
  return { buffers, blobs };
}

/**
 * Where there are several sites: the blob from another one, if these bytes are damaged and that one's are not; null: there is none that is better. Threads that
 * open blobs cannot ask for one again, so it is found out here, by the hash: one core hashes 1 to 2 GB/s (SHA extensions), more than a line brings.
 */
async function betterCopy(
  { copies = [] }: VaultReading,
  { pack, offsetBytes, lengthBytes, hash }: Blob,
  bytes: Uint8Array,
): Promise<Uint8Array | null> {
  if (copies.length === 0 || equalBytes(primitives.sha256(bytes), hash)) return null;
  for (const copy of copies) {
    try {
      const found = await copy.readPack(pack, offsetBytes, lengthBytes);
      if (equalBytes(primitives.sha256(found), hash)) return found;
      // It heals what it has from the other site; this restore does not wait for that.
      void copy.suspect?.([pack]).catch(() => undefined);
    } catch (error) {
      if (siteFailure(error) === null) throw error;
    }
  }
  return null;
}

function alone(blob: Blob): RangeOfBlobs {
  const { pack, offsetBytes, lengthBytes } = blob;
  return { pack, offsetBytes, lengthBytes, blobs: [blob] };
}
