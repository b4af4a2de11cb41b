/*
 * A restoring thread: opens chunks, verifies each against its id, writes files.
 *
 * Invariant: no byte is written that is not the one its chunk id names; a file of which a chunk does not open is abandoned whole.
 */
import { assert } from '@twinvault/std';
import type { ThreadMain, ThreadPort } from '@twinvault/std';
import type { Target, TargetFile } from '../target-port.ts';
import { placingRule } from './conflicts.ts';
import { damagedDetail, finishFile, refused } from './finish-file.ts';
import type { FinishingPlace } from './finish-file.ts';
import { allKindKeys, TaskChunks } from './task-chunks.ts';
import { PlaintextPool } from './plaintext-pool.ts';
import { decodePieces } from './task-codec.ts';
import type { FilePiece } from './file-piece.ts';
import type { CloseThread, PieceOutcome, RestoreTask, RestoreThreadData, TaskReply } from './tasks.ts';

export const main: ThreadMain = async (port: ThreadPort) => {
  const data = port.data as RestoreThreadData;
  const keys = allKindKeys(data.writeSecret);
  const pool = new PlaintextPool();
  const place = await openPlace(data);
  port.onMessage((value) => {
    const message = value as RestoreTask | CloseThread;
    if (message.type === 'close') {
      place?.target.close();
      port.post({ value: { type: 'closed' } });
      return;
    }
    using chunks = new TaskChunks(message, keys, pool);
    port.post({ value: work(message, chunks, place) });
  });
};

async function openPlace({ target, conflict }: RestoreThreadData): Promise<FinishingPlace | null> {
  if (target === null) return null;
  const { openTarget } = (await import(target.module)) as { openTarget: (config: unknown) => Target };
  return { target: openTarget(target.config), conflict };
}

function work(task: RestoreTask, chunks: TaskChunks, place: FinishingPlace | null): TaskReply {
  const outcomes: PieceOutcome[] = [];
  let writtenBytes = 0;
  if (task.pieces === null) chunks.verify();
  else {
    assert(place !== null, 'what is to be written has a target');
    for (const piece of decodePieces(task.pieces)) {
      const { outcome, bytes } =
        piece.handle === null ? writeFile(piece, chunks, place) : writePiece(piece, chunks, place.target);
      writtenBytes += bytes;
      if (outcome !== null) outcomes.push(outcome);
    }
  }
  const damaged = Array.from(chunks.damaged, ([chunk, code]) => ({ chunk, code }));
  return { type: 'reply', task: task.task, outcomes, writtenBytes, damaged };
}

interface Written {
  /** Null: a piece was written; its file ends in the main thread. */
  readonly outcome: PieceOutcome | null;
  readonly bytes: number;
}

/** Makes, writes and finishes a whole file. */
function writeFile(piece: FilePiece, chunks: TaskChunks, place: FinishingPlace): Written {
  const { file: number, directory, name, sizeBytes } = piece;
  let file: TargetFile | null = null;
  try {
    file = place.target.createFile(directory, name, sizeBytes, placingRule(place.conflict));
    if (file === null) return { outcome: { type: 'skipped', file: number }, bytes: 0 };
    const bytes = writeAll(piece, chunks, file);
    if (bytes === null) {
      file.abandon();
      return { outcome: damagedFile(number), bytes: 0 };
    }
    const outcome = finishFile(file, piece, place);
    return { outcome, bytes: outcome.type === 'written' ? bytes : 0 };
  } catch (error) {
    const outcome = refused(number, error);
    file?.abandon();
    return { outcome, bytes: 0 };
  }
}

/** Writes into a file that the main thread has begun. */
function writePiece(piece: FilePiece, chunks: TaskChunks, target: Target): Written {
  const { file, handle } = piece;
  assert(handle !== null, 'a piece belongs to a file that was begun');
  try {
    const bytes = writeAll(piece, chunks, { write: (...written) => target.writeInto(handle, ...written) });
    return bytes === null ? { outcome: damagedFile(file), bytes: 0 } : { outcome: null, bytes };
  } catch (error) {
    return { outcome: refused(file, error), bytes: 0 };
  }
}

/** Bytes written; null when a chunk of it cannot be had. */
function writeAll({ writes }: FilePiece, chunks: TaskChunks, file: Pick<TargetFile, 'write'>): number | null {
  let bytes = 0;
  for (const { chunk, chunkOffsetBytes, lengthBytes, fileOffsetBytes } of writes) {
    const plaintext = chunks.take(chunk);
    if (plaintext === null || chunkOffsetBytes + lengthBytes > plaintext.length) return null;
    file.write(plaintext.subarray(chunkOffsetBytes, chunkOffsetBytes + lengthBytes), fileOffsetBytes);
    bytes += lengthBytes;
  }
  return bytes;
}

function damagedFile(file: number): PieceOutcome {
  return { type: 'failed', file, detail: damagedDetail, stops: null };
}
