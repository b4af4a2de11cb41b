/*
 * What a restore needs of an opened safeset. The reader of `seal` gives all of it.
 */
import type { ChunkId } from '@twinvault/format';
import type { BlobOpening, CatalogReader, ChunkPlace, WriteSecret } from '@twinvault/seal';
import type { VaultReading } from '@twinvault/protocol';

export interface ChunkFinder {
  /** `chunk-missing` when no pack that the refs name holds it. */
  locate(id: ChunkId): Promise<ChunkPlace>;
  /** Posts to a thread what it needs to open the blob, and no more. */
  openingOf(place: ChunkPlace): Promise<BlobOpening>;
}

export interface SafesetContents {
  /** Keys of chunk ids follow from it: every byte is checked against them. */
  readonly writeSecret: WriteSecret;
  readonly catalog: CatalogReader;
  readonly chunks: ChunkFinder;
  readonly reading: VaultReading;
}
