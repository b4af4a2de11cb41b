/* What a restoring thread writes of one file. */

import type { EntryMetadata } from '../target-port.ts';

export interface PieceWrite {
  /** Index into the task's chunks. */
  readonly chunk: number;
  readonly chunkOffsetBytes: number;
  readonly lengthBytes: number;
  readonly fileOffsetBytes: number;
}

/** A file, or one piece of a file that is too large for one task; its pieces go to the same thread in order. */
export interface FilePiece {
  readonly file: number;
  /** Below the target. */
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly writes: readonly PieceWrite[];
  readonly first: boolean;
  /** Present with the last piece. */
  readonly metadata: EntryMetadata | null;
}
