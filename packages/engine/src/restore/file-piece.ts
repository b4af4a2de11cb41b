/* What a restoring thread writes of one file. */

import type { EntryMetadata } from '../target-port.ts';

export interface PieceWrite {
  /** Index into the task's chunks. */
  readonly chunk: number;
  readonly chunkOffsetBytes: number;
  readonly lengthBytes: number;
  readonly fileOffsetBytes: number;
}

/** A file, or one piece of a file that is too large for one task; its pieces may go to any threads, in any order. */
export interface FilePiece {
  readonly file: number;
  /** Below the target. */
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly writes: readonly PieceWrite[];
  readonly metadata: EntryMetadata;
  /** Of the file that the main thread has begun and will finish; null: the thread makes and finishes it itself. */
  readonly handle: number | null;
}
