/*
 * What a restore needs of an opened safeset. The reader of `seal` gives all of it.
 */
import type { ChunkId } from '@twinvault/format';
import type { BlobOpening, CatalogReader, ChunkPlace, WriteSecret } from '@twinvault/seal';
import type { VaultReading } from '@twinvault/protocol';

export interface ChunkFinder {
  /** Every place that holds the chunk's blob; nearly always one, and none when it is missing. */
  places(id: ChunkId): Promise<readonly ChunkPlace[]>;
  /** What a thread needs to open the blob, and no more. */
  openingOf(place: ChunkPlace): Promise<BlobOpening>;
}

export interface SafesetContents {
  /** Keys of chunk ids follow from it: every byte is checked against them. */
  readonly writeSecret: WriteSecret;
  readonly catalog: CatalogReader;
  readonly chunks: ChunkFinder;
  readonly reading: VaultReading;
}
