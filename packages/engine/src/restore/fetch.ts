/*
 * Reads the sealed bytes of a task's chunks: neighbours in a pack come in one read.
 */
import { compareBytes, toHex } from '@twinvault/std';
import type { ChunkId, PackName } from '@twinvault/format';
import type { VaultReading } from '@twinvault/protocol';
import type { Place } from './planner.ts';

/** Bytes between two chunks that are read along rather than asked for apart: about what one more request costs. */
export const joinGapBytesMax: number = 128 * 1024;
/** One read, at most. */
export const readBytesMax: number = 16 * 1024 * 1024;

export interface RangeOfChunks {
  readonly pack: PackName;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly chunks: readonly { readonly id: ChunkId; readonly place: Place }[];
}

/** Ranges to read for these chunks; each chunk lies in exactly one. */
export function joinRanges(chunks: readonly { readonly id: ChunkId; readonly place: Place }[]): RangeOfChunks[] {
  const sorted = chunks.toSorted((a, b) => compareBytes(a.place.pack, b.place.pack) || a.place.offsetBytes - b.place.offsetBytes);
  const ranges: { pack: PackName; offsetBytes: number; endBytes: number; chunks: { id: ChunkId; place: Place }[] }[] = [];
  for (const chunk of sorted) {
    const { pack, offsetBytes, lengthBytes } = chunk.place;
    const last = ranges.at(-1);
    const end = offsetBytes + lengthBytes;
    const joins =
      last !== undefined &&
      compareBytes(last.pack, pack) === 0 &&
      offsetBytes - last.endBytes <= joinGapBytesMax &&
      end - last.offsetBytes <= readBytesMax;
    if (joins) {
      last.chunks.push(chunk);
      last.endBytes = Math.max(last.endBytes, end);
    } else ranges.push({ pack, offsetBytes, endBytes: end, chunks: [chunk] });
  }
  return ranges.map((range) => ({
    pack: range.pack,
    offsetBytes: range.offsetBytes,
    lengthBytes: range.endBytes - range.offsetBytes,
    chunks: range.chunks,
  }));
}

export interface Fetched {
  readonly buffers: readonly Uint8Array[];
  /** Chunk id in hexadecimal to where it lies in the buffers. Missing: it could not be read. */
  readonly where: ReadonlyMap<string, { readonly buffer: number; readonly offsetBytes: number; readonly lengthBytes: number }>;
}

/**
 * Reads the ranges one after another. A range that the vault does not have is left out: its chunks count as damaged, the rest of the restore goes
 * on. Any other failure is thrown.
 */
export async function fetchRanges(
  reading: VaultReading,
  ranges: readonly RangeOfChunks[],
  isLoss: (error: unknown) => boolean,
): Promise<Fetched> {
  const buffers: Uint8Array[] = [];
  const where = new Map<string, { buffer: number; offsetBytes: number; lengthBytes: number }>();
  for (const range of ranges) {
    try {
      const bytes = await reading.readPack(range.pack, range.offsetBytes, range.lengthBytes);
      for (const { id, place } of range.chunks) {
        where.set(toHex(id), {
          buffer: buffers.length,
          offsetBytes: place.offsetBytes - range.offsetBytes,
          lengthBytes: place.lengthBytes,
        });
      }
      buffers.push(bytes);
    } catch (error) {
      if (!isLoss(error)) throw error;
    }
  }
  return { buffers, where };
}
