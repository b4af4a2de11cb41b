/*
 * From files to tasks: files whose chunks lie beside each other in packs are restored together, so that ranges join and a bundle is opened
 * once for all its files. Files larger than a task go in pieces, and these are not runs of the file but of what the vault has: a database of which
 * some pages change each night is a patchwork of many chunks, and cut in its own order each piece would need nearly all of them again.
 */
import type { EntryMetadata } from '../target-port.ts';
import type { Blob } from './chunk-set.ts';

/** Bytes of sealed content in a task, about: enough to join ranges, little enough that several are on their way. */
export const taskBytesAim: number = 4 * 1024 * 1024;
/** Bytes that a task writes, about: what compresses well is little when sealed and much when opened. */
export const taskWriteBytesAim: number = 64 * 1024 * 1024;
/** Files in a task, at most. */
export const taskFilesMax = 1000;
/** Larger than any pack: orders blobs by pack, then by place. */
const packSpanBytes = 2 ** 32;

export interface FileWrite {
  /** Number of the chunk in the window. */
  readonly chunk: number;
  readonly chunkOffsetBytes: number;
  readonly lengthBytes: number;
  readonly fileOffsetBytes: number;
}

export interface FileToRestore {
  readonly file: number;
  /** Below the target. */
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  /** In order; what no write covers is a hole. */
  readonly writes: readonly FileWrite[];
  readonly metadata: EntryMetadata;
}

export interface PlannedPiece {
  readonly file: FileToRestore;
  /** In any order. */
  readonly writes: readonly FileWrite[];
}

export interface PlannedTask {
  readonly pieces: readonly PlannedPiece[];
  /** Each chunk once. */
  readonly chunks: readonly number[];
  /** Sealed. */
  readonly bytes: number;
  /** The file that this task has a piece of, and nothing else; null: its files are whole. Pieces of one file follow each other. */
  readonly fileInPieces: FileToRestore | null;
}

type FindBlob = (chunk: number) => Blob | null;

function orderOf({ packNumber, offsetBytes }: Blob): number {
  return packNumber * packSpanBytes + offsetBytes;
}

/** Files in the order in which their first chunks lie in the vault; the empty ones first. */
function byPlace(files: readonly FileToRestore[], find: FindBlob): FileToRestore[] {
  const located = files.map((file) => {
    const first = file.writes[0];
    const blob = first === undefined ? null : find(first.chunk);
    return { file, order: blob === null ? -1 : orderOf(blob) };
  });
  return located.sort((a, b) => a.order - b.order || a.file.file - b.file.file).map(({ file }) => file);
}

class TaskBuilder {
  readonly #find: FindBlob;
  readonly #seen = new Set<number>();
  readonly #pieces: PlannedPiece[] = [];
  #bytes = 0;
  #writeBytes = 0;

  constructor(find: FindBlob) {
    this.#find = find;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** Whether these writes fit in beside what is there. */
  fits(writes: readonly FileWrite[]): boolean {
    if (this.#pieces.length >= taskFilesMax) return false;
    let [bytes, writeBytes] = [this.#bytes, this.#writeBytes];
    const seen = writes.length > 1 ? new Set<number>() : null;
    for (const { chunk, lengthBytes } of writes) {
      writeBytes += lengthBytes;
      if (!this.#seen.has(chunk) && seen?.has(chunk) !== true) bytes += this.#find(chunk)?.lengthBytes ?? 0;
      seen?.add(chunk);
      if (bytes > taskBytesAim || writeBytes > taskWriteBytesAim) return false;
    }
    return true;
  }

  add(piece: PlannedPiece): void {
    this.#pieces.push(piece);
    for (const { chunk, lengthBytes } of piece.writes) {
      this.#writeBytes += lengthBytes;
      if (this.#seen.has(chunk)) continue;
      this.#seen.add(chunk);
      this.#bytes += this.#find(chunk)?.lengthBytes ?? 0;
    }
  }

  build(fileInPieces: FileToRestore | null): PlannedTask {
    return { pieces: this.#pieces, chunks: [...this.#seen], bytes: this.#bytes, fileInPieces };
  }
}

/** In the order in which they are to be run. */
export function* planTasks(files: readonly FileToRestore[], find: FindBlob): Generator<PlannedTask> {
  let task = new TaskBuilder(find);
  for (const file of byPlace(files, find)) {
    if (!task.fits(file.writes)) {
      if (!task.isEmpty) yield task.build(null);
      task = new TaskBuilder(find);
    }
    if (task.fits(file.writes)) task.add({ file, writes: file.writes });
    else yield* planPieces(file, find);
  }
  if (!task.isEmpty) yield task.build(null);
}

/** One file, or a part of one, in pieces that each make a task; at least one. */
export function* planPieces(file: FileToRestore, find: FindBlob): Generator<PlannedTask> {
  const writes = writesByPlace(file.writes, find);
  let from = 0;
  do {
    const task = new TaskBuilder(find);
    let to = Math.min(from + 1, writes.length);
    let bytes = sealedBytes(writes[from], find);
    let writeBytes = writes[from]?.lengthBytes ?? 0;
    for (; to < writes.length && writeBytes < taskWriteBytesAim; to += 1) {
      const write = writes[to];
      // Writes of one chunk follow each other: it is not fetched twice because a piece ends among them.
      const isOfLast = write?.chunk === writes[to - 1]?.chunk;
      if (!isOfLast && bytes >= taskBytesAim) break;
      if (!isOfLast) bytes += sealedBytes(write, find);
      writeBytes += write?.lengthBytes ?? 0;
    }
    task.add({ file, writes: writes.slice(from, to) });
    yield task.build(file);
    from = to;
  } while (from < writes.length);
}

/** In the order in which their chunks lie in the vault, those of one chunk together and in the order of the file. */
function writesByPlace(writes: readonly FileWrite[], find: FindBlob): FileWrite[] {
  const located = writes.map((write) => {
    const blob = find(write.chunk);
    return { write, order: blob === null ? -1 : orderOf(blob) };
  });
  const compare = (a: (typeof located)[0], b: (typeof located)[0]): number =>
    a.order - b.order || a.write.chunk - b.write.chunk || a.write.fileOffsetBytes - b.write.fileOffsetBytes;
  return located.sort(compare).map(({ write }) => write);
}

/** Tasks that open chunks and write nothing. */
export function* planChunks(chunks: readonly number[], find: FindBlob): Generator<PlannedTask> {
  const blobs = chunks.flatMap((chunk) => find(chunk) ?? []);
  blobs.sort((a, b) => orderOf(a) - orderOf(b));
  let planned: number[] = [];
  let bytes = 0;
  for (const { chunk, lengthBytes } of blobs) {
    planned.push(chunk);
    bytes += lengthBytes;
    if (bytes < taskBytesAim) continue;
    yield { pieces: [], chunks: planned, bytes, fileInPieces: null };
    planned = [];
    bytes = 0;
  }
  if (planned.length > 0) yield { pieces: [], chunks: planned, bytes, fileInPieces: null };
}

function sealedBytes(write: FileWrite | undefined, find: FindBlob): number {
  return write === undefined ? 0 : (find(write.chunk)?.lengthBytes ?? 0);
}
