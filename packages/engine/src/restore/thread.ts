/*
 * A restoring thread: opens chunks, verifies each against its id, writes files.
 *
 * Invariant: no byte is written that is not the one its chunk id names; a file of which a chunk does not open is abandoned whole.
 */
import { assert, CodedError } from '@twinvault/std';
import type { ThreadMain, ThreadPort } from '@twinvault/std';
import { packKinds } from '@twinvault/format';
import type { ChunkId, PackKind } from '@twinvault/format';
import { kindKeys, openChunkWithKeys, SealError } from '@twinvault/seal';
import type { KindKeys } from '@twinvault/seal';
import type { Target, TargetFile } from '../target-port.ts';
import type { FetchedChunk, FilePiece, PieceOutcome, RestoreTask, RestoreThreadData, TaskReply } from './tasks.ts';

export const main: ThreadMain = async (port: ThreadPort) => {
  const data = port.data as RestoreThreadData;
  const worker = new RestoreWorker(data, await openTargetOf(data));
  port.onMessage((value) => {
    if ((value as { readonly type: string }).type === 'close') worker.close();
    else port.post({ value: worker.work(value as RestoreTask) });
  });
};

async function openTargetOf(data: RestoreThreadData): Promise<Target | null> {
  if (data.target === null) return null;
  const { openTarget } = (await import(data.target.module)) as { openTarget: (config: unknown) => Target };
  return openTarget(data.target.config);
}

interface OpenFile {
  readonly file: TargetFile | null;
  failure: { readonly detail: string; readonly damaged: boolean } | null;
}

class RestoreWorker {
  private readonly data: RestoreThreadData;
  private readonly target: Target | null;
  private readonly keys = new Map<PackKind, KindKeys>();
  private readonly open = new Map<number, OpenFile>();

  constructor(data: RestoreThreadData, target: Target | null) {
    this.data = data;
    this.target = target;
    for (const kind of Object.values(packKinds)) this.keys.set(kind, kindKeys(data.writeSecret, kind));
  }

  work(task: RestoreTask): TaskReply {
    const damaged: { id: ChunkId; code: string }[] = [];
    const plaintexts = task.chunks.map((chunk) => {
      const opened = this.openFetched(chunk, task.buffers);
      if (opened instanceof Uint8Array) return opened;
      damaged.push({ id: chunk.opening.id, code: opened.code });
      return null;
    });
    const outcomes: PieceOutcome[] = [];
    let writtenBytes = 0;
    for (const piece of task.pieces) {
      const { outcome, bytes } = this.piece(piece, plaintexts);
      writtenBytes += bytes;
      if (outcome !== null) outcomes.push(outcome);
    }
    return { type: 'reply', task: task.task, outcomes, writtenBytes, damaged };
  }

  close(): void {
    for (const { file } of this.open.values()) file?.abandon();
    this.open.clear();
    this.target?.close();
  }

  private openFetched(chunk: FetchedChunk, buffers: readonly Uint8Array[]): Uint8Array | SealError {
    const { opening, offsetBytes, lengthBytes } = chunk;
    const keys = this.keys.get(opening.kind);
    const buffer = buffers[chunk.buffer];
    assert(keys !== undefined && buffer !== undefined, 'a task brings the buffers of its chunks');
    try {
      return openChunkWithKeys({ ...opening, blob: buffer.subarray(offsetBytes, offsetBytes + lengthBytes) }, keys);
    } catch (error) {
      if (error instanceof SealError) return error;
      throw error;
    }
  }

  private piece(piece: FilePiece, plaintexts: readonly (Uint8Array | null)[]): { outcome: PieceOutcome | null; bytes: number } {
    const opened = piece.first ? this.create(piece) : this.open.get(piece.file);
    if (opened === undefined) return { outcome: null, bytes: 0 };
    if (opened === null) return { outcome: { type: 'skipped', file: piece.file }, bytes: 0 };
    const bytes = opened.failure === null ? this.write(opened, piece, plaintexts) : 0;
    const { failure } = opened;
    if (failure !== null) {
      this.open.delete(piece.file);
      opened.file?.abandon();
      return { outcome: { type: 'failed', file: piece.file, ...failure }, bytes };
    }
    if (piece.metadata === null) {
      this.open.set(piece.file, opened);
      return { outcome: null, bytes };
    }
    this.open.delete(piece.file);
    return { outcome: this.finish(opened, piece), bytes };
  }

  /** Null: left out by the conflict rule. */
  private create(piece: FilePiece): OpenFile | null {
    if (this.target === null) return null;
    try {
      const file = this.target.createFile(piece.directory, piece.name, piece.sizeBytes, this.data.conflict);
      return file === null ? null : { file, failure: null };
    } catch (error) {
      return { file: null, failure: writeFailure(error) };
    }
  }

  private write(opened: OpenFile, piece: FilePiece, plaintexts: readonly (Uint8Array | null)[]): number {
    let bytes = 0;
    try {
      for (const { chunk, chunkOffsetBytes, lengthBytes, fileOffsetBytes } of piece.writes) {
        const plaintext = plaintexts[chunk];
        if (plaintext === null || plaintext === undefined || chunkOffsetBytes + lengthBytes > plaintext.length) {
          opened.failure = { detail: 'a part of its content is damaged or missing in the vault', damaged: true };
          return bytes;
        }
        opened.file?.write(plaintext.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes), fileOffsetBytes);
        bytes += lengthBytes;
      }
    } catch (error) {
      opened.failure = writeFailure(error);
    }
    return bytes;
  }

  private finish(opened: OpenFile, piece: FilePiece): PieceOutcome {
    const { file } = opened;
    if (file === null || piece.metadata === null) return { type: 'skipped', file: piece.file };
    try {
      const errors = file.finish(piece.metadata);
      return { type: 'written', file: piece.file, name: file.placed.name ?? piece.name, errors };
    } catch (error) {
      file.abandon();
      return { type: 'failed', file: piece.file, ...writeFailure(error) };
    }
  }
}

/** The target's refusal; anything that is not an error of the world is ours and ends the restore. */
function writeFailure(error: unknown): { readonly detail: string; readonly damaged: boolean } {
  if (error instanceof CodedError) return { detail: error.message, damaged: false };
  throw error;
}
