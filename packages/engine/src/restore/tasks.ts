/*
 * What the main thread and the restoring threads say to each other. A task is a set of fetched chunks and the files, or pieces of files,
 * that are made of them; all of it can be posted.
 */
import type { ChunkId } from '@twinvault/format';
import type { BlobOpening, WriteSecret } from '@twinvault/seal';
import type { EntryError } from '../source-port.ts';
import type { ConflictRule, EntryMetadata, TargetModule } from '../target-port.ts';

/** Where a thread finds a chunk in the buffers of its task, and how it opens it. Keys are secret and stay in this process. */
export interface FetchedChunk {
  readonly buffer: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly opening: BlobOpening;
}

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

export interface RestoreTask {
  readonly type: 'task';
  readonly task: number;
  readonly buffers: readonly Uint8Array[];
  readonly chunks: readonly FetchedChunk[];
  readonly pieces: readonly FilePiece[];
}

export type PieceOutcome =
  | { readonly type: 'written'; readonly file: number; readonly name: Uint8Array; readonly errors: readonly EntryError[] }
  | { readonly type: 'skipped'; readonly file: number }
  | { readonly type: 'failed'; readonly file: number; readonly detail: string; readonly damaged: boolean };

export interface TaskReply {
  readonly type: 'reply';
  readonly task: number;
  /** Of files that ended in this task, by their last piece, by being skipped or by failing. */
  readonly outcomes: readonly PieceOutcome[];
  readonly writtenBytes: number;
  /** Ids of chunks that could not be opened, with the code of the error. */
  readonly damaged: readonly { readonly id: ChunkId; readonly code: string }[];
}

export interface RestoreThreadData {
  readonly writeSecret: WriteSecret;
  /** Null: chunks are opened and verified, nothing is written. */
  readonly target: TargetModule | null;
  readonly conflict: ConflictRule;
}
