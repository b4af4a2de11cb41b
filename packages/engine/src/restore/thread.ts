/*
 * A restoring thread: opens chunks, verifies each against its id, writes files.
 *
 * Invariant: no byte is written that is not the one its chunk id names; a file of which a chunk does not open is abandoned whole.
 */
import { CodedError, equalBytes } from '@twinvault/std';
import type { ThreadMain, ThreadPort } from '@twinvault/std';
import { stoppingCodes } from '../target-port.ts';
import type { EntryMetadata, Target, TargetFile } from '../target-port.ts';
import { placingRule, winsOver } from './conflicts.ts';
import type { RestoreRule } from './conflicts.ts';
import { detailOf } from './losses.ts';
import { allKindKeys, TaskChunks } from './task-chunks.ts';
import { PlaintextPool } from './plaintext-pool.ts';
import { decodePieces } from './task-codec.ts';
import type { FilePiece } from './file-piece.ts';
import type { CloseThread, PieceOutcome, RestoreTask, RestoreThreadData, StoppingError, TaskReply } from './tasks.ts';

export const main: ThreadMain = async (port: ThreadPort) => {
  const data = port.data as RestoreThreadData;
  const keys = allKindKeys(data.writeSecret);
  const pool = new PlaintextPool();
  const writer = new PieceWriter(await openTargetOf(data), data.conflict);
  port.onMessage((value) => {
    const message = value as RestoreTask | CloseThread;
    if (message.type === 'close') {
      writer.close();
      port.post({ value: { type: 'closed' } });
      return;
    }
    using chunks = new TaskChunks(message, keys, pool);
    port.post({ value: work(message, chunks, writer) });
  });
};

async function openTargetOf({ target }: RestoreThreadData): Promise<Target | null> {
  if (target === null) return null;
  const { openTarget } = (await import(target.module)) as { openTarget: (config: unknown) => Target };
  return openTarget(target.config);
}

function work(task: RestoreTask, chunks: TaskChunks, writer: PieceWriter): TaskReply {
  const outcomes: PieceOutcome[] = [];
  if (task.pieces === null) chunks.verify();
  let writtenBytes = 0;
  for (const piece of task.pieces === null ? [] : decodePieces(task.pieces)) {
    const { outcome, bytes } = writer.write(piece, chunks);
    writtenBytes += bytes;
    if (outcome !== null) outcomes.push(outcome);
  }
  const damaged = Array.from(chunks.damaged, ([chunk, code]) => ({ chunk, code }));
  return { type: 'reply', task: task.task, outcomes, writtenBytes, damaged };
}

interface Written {
  /** Null: the file does not end here, or ended before. */
  readonly outcome: PieceOutcome | null;
  readonly bytes: number;
}

class PieceWriter {
  readonly #target: Target | null;
  readonly #conflict: RestoreRule;
  /** Files of which pieces are still to come. */
  readonly #begun = new Map<number, TargetFile>();

  constructor(target: Target | null, conflict: RestoreRule) {
    this.#target = target;
    this.#conflict = conflict;
  }

  write(piece: FilePiece, chunks: TaskChunks): Written {
    let file: TargetFile | null = null;
    try {
      const begun = piece.first ? this.#create(piece) : this.#begun.get(piece.file);
      if (begun === undefined) return { outcome: null, bytes: 0 };
      if (begun === null) return { outcome: { type: 'skipped', file: piece.file }, bytes: 0 };
      file = begun;
      this.#begun.set(piece.file, file);
      const bytes = writeAll(file, piece, chunks);
      if (bytes === null) {
        this.#giveUp(piece.file);
        return { outcome: failed(piece, 'a part of its content is damaged or missing in the vault'), bytes: 0 };
      }
      if (piece.metadata === null) return { outcome: null, bytes };
      this.#begun.delete(piece.file);
      if (this.#loses(piece, piece.metadata)) {
        file.abandon();
        return { outcome: { type: 'skipped', file: piece.file }, bytes: 0 };
      }
      const errors = file.finish(piece.metadata);
      const { name } = file.placed;
      // Somebody took the name since the file was begun.
      if (name === null) return { outcome: { type: 'skipped', file: piece.file }, bytes: 0 };
      const given = equalBytes(name, piece.name) ? null : name.slice();
      return { outcome: { type: 'written', file: piece.file, name: given, errors }, bytes };
    } catch (error) {
      // Anything that is not an error of the world is ours and ends the restore.
      if (!(error instanceof CodedError)) throw error;
      this.#begun.delete(piece.file);
      file?.abandon();
      return { outcome: failed(piece, detailOf(error), stoppingError(error)), bytes: 0 };
    }
  }

  close(): void {
    for (const file of this.#begun.keys()) this.#giveUp(file);
    this.#target?.close();
  }

  /** Null: left out by the conflict rule. */
  #create({ directory, name, sizeBytes }: FilePiece): TargetFile | null {
    return this.#target === null ? null : this.#target.createFile(directory, name, sizeBytes, placingRule(this.#conflict));
  }

  /** What is there may have changed since the file was decided to be restored. */
  #loses({ directory, name, sizeBytes }: FilePiece, metadata: EntryMetadata): boolean {
    if (this.#target === null || (this.#conflict !== 'newer' && this.#conflict !== 'different')) return false;
    const there = this.#target.stat(directory, name);
    return there !== null && !winsOver(this.#conflict, { ...metadata, sizeBytes }, there);
  }

  #giveUp(number: number): void {
    const file = this.#begun.get(number);
    this.#begun.delete(number);
    file?.abandon();
  }
}

/** Bytes written; null when a chunk of it cannot be had. */
function writeAll(file: TargetFile, { writes }: FilePiece, chunks: TaskChunks): number | null {
  let bytes = 0;
  for (const { chunk, chunkOffsetBytes, lengthBytes, fileOffsetBytes } of writes) {
    const plaintext = chunks.take(chunk);
    if (plaintext === null || chunkOffsetBytes + lengthBytes > plaintext.length) return null;
    file.write(plaintext.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes), fileOffsetBytes);
    bytes += lengthBytes;
  }
  return bytes;
}

function failed({ file }: FilePiece, detail: string, stops: StoppingError | null = null): PieceOutcome {
  return { type: 'failed', file, detail, stops };
}

function stoppingError({ code, retry, message: meaning }: CodedError): StoppingError | null {
  return stoppingCodes.has(code) ? { code, retry, meaning } : null;
}
