/*
 * What the main thread and the restoring threads say to each other. A task is a set of fetched blobs and the files, or pieces of files,
 * that are made of them; all of it can be posted.
 */
import type { ErrorCodeEntry } from '@twinvault/std';
import type { ChunkId, PackKind, SafeId, Suite } from '@twinvault/format';
import type { WriteSecret } from '@twinvault/seal';
import type { EntryError } from '../source-port.ts';
import type { TargetModule } from '../target-port.ts';
import type { RestoreRule } from './conflicts.ts';
import type { EncodedPieces } from './task-codec.ts';

/** A copy of a chunk in the buffers of its task, and how it opens. Keys are secret and stay in this process. */
export interface FetchedCopy {
  readonly buffer: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly suite: Suite;
  readonly safe: SafeId;
  readonly kind: PackKind;
  /** K, from the blob's slips; nearly always one. */
  readonly keys: readonly Uint8Array[];
}

export interface TaskChunk {
  readonly id: ChunkId;
  /** Nearly always one; none when no copy could be had. */
  readonly copies: readonly FetchedCopy[];
}

export interface RestoreTask {
  readonly type: 'task';
  readonly task: number;
  readonly buffers: readonly Uint8Array[];
  readonly chunks: readonly TaskChunk[];
  /** Null: every copy of every chunk is opened and verified. */
  readonly pieces: EncodedPieces | null;
}

/** After the answers to all tasks before it: nothing more is done. */
export interface CloseThread {
  readonly type: 'close';
}

/** An error that every other file will meet too, as it can be posted. */
export interface StoppingError extends ErrorCodeEntry {
  readonly code: string;
}

/** `name`: where it is another than was asked for. */
export type PieceOutcome =
  | { readonly type: 'written'; readonly file: number; readonly name: Uint8Array | null; readonly errors: readonly EntryError[] }
  | { readonly type: 'skipped'; readonly file: number }
  | { readonly type: 'failed'; readonly file: number; readonly detail: string; readonly stops: StoppingError | null };

export interface TaskReply {
  readonly type: 'reply';
  readonly task: number;
  /** Of whole files each one; of a piece none, unless it failed. */
  readonly outcomes: readonly PieceOutcome[];
  readonly writtenBytes: number;
  /** Chunks, by index in the task, of which no copy opened (or, in a task without pieces, not every copy), with the code of the first error. */
  readonly damaged: readonly { readonly chunk: number; readonly code: string }[];
}

export interface ThreadClosed {
  readonly type: 'closed';
}

export interface RestoreThreadData {
  readonly writeSecret: WriteSecret;
  /** Null: chunks are opened and verified, nothing is written. */
  readonly target: TargetModule | null;
  readonly conflict: RestoreRule;
}
