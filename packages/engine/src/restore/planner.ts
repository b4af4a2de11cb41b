/*
 * From files to tasks: files whose chunks lie beside each other in packs are restored together, so that ranges join and a bundle is opened
 * once for all its files. Files larger than a task go in pieces.
 */
import { compareBytes, toHex } from '@twinvault/std';
import type { ChunkId, PackName } from '@twinvault/format';
import type { Extent } from '@twinvault/seal';
import type { EntryMetadata } from '../target-port.ts';

/** Bytes of sealed content in a task, about: enough to join ranges, little enough that several are on their way. */
export const taskBytesAim: number = 8 * 1024 * 1024;
/** Files in a task, at most. */
export const taskFilesMax = 2000;

export interface FileToRestore {
  readonly file: number;
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  readonly metadata: EntryMetadata;
}

/** Where a chunk lies in the vault. */
export interface Place {
  readonly pack: PackName;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface PlannedPiece {
  readonly file: FileToRestore;
  readonly writes: readonly {
    readonly chunk: ChunkId;
    readonly chunkOffsetBytes: number;
    readonly lengthBytes: number;
    readonly fileOffsetBytes: number;
  }[];
  readonly first: boolean;
  readonly last: boolean;
}

export interface PlannedTask {
  readonly pieces: readonly PlannedPiece[];
  /** Each chunk once. */
  readonly chunks: readonly ChunkId[];
  /** Pieces of one large file follow each other on one thread. */
  readonly fileInPieces: number | null;
}

type FindPlace = (id: ChunkId) => Place | null;

interface Located {
  readonly file: FileToRestore;
  readonly order: string;
}

/** Files in the order in which their first chunks lie in the vault; the empty ones first. */
function byPlace(files: readonly FileToRestore[], find: FindPlace): FileToRestore[] {
  const located: Located[] = files.map((file) => {
    const first = file.extents.find((extent) => extent.chunk !== null)?.chunk ?? null;
    const place = first === null ? null : find(first);
    return { file, order: place === null ? '' : toHex(place.pack) + String(place.offsetBytes).padStart(10, '0') };
  });
  return located
    .toSorted((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : a.file.file - b.file.file))
    .map(({ file }) => file);
}

class TaskBuilder {
  private readonly find: FindPlace;
  private readonly seen = new Set<string>();
  readonly chunks: ChunkId[] = [];
  readonly pieces: PlannedPiece[] = [];
  bytes = 0;

  constructor(find: FindPlace) {
    this.find = find;
  }

  /** Sealed bytes that these chunks would add. */
  costOf(chunks: readonly ChunkId[]): number {
    let bytes = 0;
    for (const id of chunks) if (!this.seen.has(toHex(id))) bytes += this.find(id)?.lengthBytes ?? 0;
    return bytes;
  }

  add(piece: PlannedPiece): void {
    this.pieces.push(piece);
    for (const { chunk } of piece.writes) {
      const name = toHex(chunk);
      if (this.seen.has(name)) continue;
      this.seen.add(name);
      this.chunks.push(chunk);
      this.bytes += this.find(chunk)?.lengthBytes ?? 0;
    }
  }

  build(fileInPieces: number | null): PlannedTask {
    return { pieces: this.pieces, chunks: this.chunks, fileInPieces };
  }
}

/** In the order in which they are to be run. */
export function* planTasks(files: readonly FileToRestore[], find: FindPlace): Generator<PlannedTask> {
  let task = new TaskBuilder(find);
  for (const file of byPlace(files, find)) {
    const writes = writesOf(file.extents);
    if (sealedBytes(writes, find) > taskBytesAim) {
      yield* piecesOf(file, writes, find);
      continue;
    }
    const cost = task.costOf(writes.map(({ chunk }) => chunk));
    if (task.pieces.length > 0 && (task.bytes + cost > taskBytesAim || task.pieces.length >= taskFilesMax)) {
      yield task.build(null);
      task = new TaskBuilder(find);
    }
    task.add({ file, writes, first: true, last: true });
  }
  if (task.pieces.length > 0) yield task.build(null);
}

/** Tasks that open chunks and write nothing. */
export function* planChunks(ids: readonly ChunkId[], find: FindPlace): Generator<PlannedTask> {
  const located = ids.flatMap((id) => {
    const place = find(id);
    return place === null ? [] : [{ id, place }];
  });
  located.sort((a, b) => compareBytes(a.place.pack, b.place.pack) || a.place.offsetBytes - b.place.offsetBytes);
  let chunks: ChunkId[] = [];
  let bytes = 0;
  for (const { id, place } of located) {
    chunks.push(id);
    bytes += place.lengthBytes;
    if (bytes < taskBytesAim) continue;
    yield { pieces: [], chunks, fileInPieces: null };
    chunks = [];
    bytes = 0;
  }
  if (chunks.length > 0) yield { pieces: [], chunks, fileInPieces: null };
}

function* piecesOf(file: FileToRestore, writes: PlannedPiece['writes'], find: FindPlace): Generator<PlannedTask> {
  let from = 0;
  while (from < writes.length) {
    const task = new TaskBuilder(find);
    let to = from;
    let bytes = 0;
    while (to < writes.length && (to === from || bytes < taskBytesAim)) {
      const write = writes[to];
      if (write !== undefined) bytes += find(write.chunk)?.lengthBytes ?? 0;
      to += 1;
    }
    task.add({ file, writes: writes.slice(from, to), first: from === 0, last: to === writes.length });
    yield task.build(file.file);
    from = to;
  }
}

function writesOf(extents: readonly Extent[]): PlannedPiece['writes'] {
  const writes: PlannedPiece['writes'][number][] = [];
  let at = 0;
  for (const extent of extents) {
    if (extent.chunk !== null) {
      writes.push({
        chunk: extent.chunk,
        chunkOffsetBytes: extent.offsetBytes,
        lengthBytes: extent.lengthBytes,
        fileOffsetBytes: at,
      });
    }
    at += extent.lengthBytes;
  }
  return writes;
}

function sealedBytes(writes: PlannedPiece['writes'], find: FindPlace): number {
  let bytes = 0;
  let last: ChunkId | null = null;
  for (const { chunk } of writes) {
    if (chunk !== last) bytes += find(chunk)?.lengthBytes ?? 0;
    last = chunk;
  }
  return bytes;
}
