/*
 * Where the chunks of one window lie and how they open, looked up once before the window is planned.
 */
import { CodedError, toHex } from '@twinvault/std';
import type { ChunkId } from '@twinvault/format';
import type { BlobOpening } from '@twinvault/seal';
import type { ChunkFinder } from './contents.ts';
import type { FileToRestore, Place } from './planner.ts';

export interface FoundChunk {
  readonly place: Place;
  readonly opening: BlobOpening;
}

export class ChunkPlaces {
  private readonly found = new Map<string, FoundChunk>();
  /** Chunk id in hexadecimal to the code that says why it cannot be had. */
  readonly lost: Map<string, string> = new Map();

  /** Looks up every chunk of the files; what is missing or does not open is noted, not thrown. */
  static async of(files: readonly FileToRestore[], chunks: ChunkFinder): Promise<ChunkPlaces> {
    const places = new ChunkPlaces();
    let last: ChunkId | null = null;
    for (const { extents } of files) {
      for (const { chunk } of extents) {
        // Neighbours in a bundle share one id.
        if (chunk === null || chunk === last) continue;
        last = chunk;
        await places.look(chunk, chunks);
      }
    }
    return places;
  }

  find(id: ChunkId): FoundChunk | null {
    return this.found.get(toHex(id)) ?? null;
  }

  placeOf(id: ChunkId): Place | null {
    return this.find(id)?.place ?? null;
  }

  /** Notes where the chunk lies, or why it cannot be had. */
  async look(id: ChunkId, chunks: ChunkFinder): Promise<void> {
    const name = toHex(id);
    if (this.found.has(name) || this.lost.has(name)) return;
    try {
      const place = await chunks.locate(id);
      const { offsetBytes, lengthBytes } = place.row;
      this.found.set(name, { place: { pack: place.pack, offsetBytes, lengthBytes }, opening: await chunks.openingOf(place) });
    } catch (error) {
      if (!(error instanceof CodedError) || error.retry !== 'never') throw error;
      this.lost.set(name, error.code);
    }
  }
}
