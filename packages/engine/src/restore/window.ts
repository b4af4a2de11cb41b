/*
 * Restores one window of files: plans tasks, fetches their ranges, hands them to the threads and gathers how each file ended.
 */
import { CodedError, toHex } from '@twinvault/std';
import type { Threads } from '@twinvault/std';
import type { ChunkId } from '@twinvault/format';
import type { EntryError } from '../source-port.ts';
import type { ConflictRule, TargetModule } from '../target-port.ts';
import { ChunkPlaces } from './chunk-places.ts';
import type { SafesetContents } from './contents.ts';
import { fetchRanges, joinRanges } from './fetch.ts';
import type { Fetched } from './fetch.ts';
import { planChunks, planTasks } from './planner.ts';
import type { FileToRestore, PlannedPiece, PlannedTask } from './planner.ts';
import { RestorePool } from './pool.ts';
import type { FetchedChunk, FilePiece, PieceOutcome, RestoreTask, TaskReply } from './tasks.ts';

export type FileOutcome =
  | { readonly type: 'written'; readonly name: Uint8Array; readonly errors: readonly EntryError[] }
  | { readonly type: 'skipped' }
  | { readonly type: 'failed'; readonly detail: string };

export interface WindowOptions {
  readonly contents: SafesetContents;
  readonly threads: Threads;
  /** Null: open and verify only. */
  readonly target: TargetModule | null;
  readonly conflict: ConflictRule;
  readonly signal?: AbortSignal;
}

/** Codes of a vault that has lost or damaged what is asked for: the rest of the restore goes on. */
const lossCodes: ReadonlySet<string> = new Set(['pack-unknown', 'pack-short', 'pack-damaged', 'vault-damaged']);

function isLoss(error: unknown): boolean {
  return error instanceof CodedError && lossCodes.has(error.code);
}

export class WindowRunner implements AsyncDisposable {
  /** Chunks that could not be fetched or opened, so far. */
  readonly damaged: Map<string, string> = new Map();
  private readonly options: WindowOptions;
  private readonly pool: RestorePool;
  private nextTask = 0;

  constructor(options: WindowOptions) {
    this.options = options;
    const { contents, conflict, target, threads } = options;
    this.pool = new RestorePool(threads, { writeSecret: contents.writeSecret, target, conflict });
  }

  get damagedChunks(): number {
    return this.damaged.size;
  }

  /** Every file has an outcome when it resolves. `onBytes` is told what was written since the last call. */
  async run(files: readonly FileToRestore[], onBytes: (bytes: number) => void): Promise<ReadonlyMap<number, FileOutcome>> {
    const outcomes = new Map<number, FileOutcome>();
    let affinity: { readonly file: number; readonly thread: number } | null = null;
    const places = await ChunkPlaces.of(files, this.options.contents.chunks);
    for (const [id, code] of places.lost) this.damaged.set(id, code);
    for (const planned of planTasks(files, (id) => places.placeOf(id))) {
      this.options.signal?.throwIfAborted();
      const thread: number | null =
        planned.fileInPieces !== null && affinity?.file === planned.fileInPieces ? affinity.thread : null;
      await this.pool.room(sealedBytesOf(planned, places), thread);
      const index: number = thread ?? this.pool.leastBusy();
      if (planned.fileInPieces !== null) affinity = { file: planned.fileInPieces, thread: index };
      const task = await this.fetch(planned, places);
      this.pool.post(task, index, (reply) => {
        this.take(reply, outcomes);
        onBytes(reply.writtenBytes);
      });
    }
    await this.pool.drain();
    return outcomes;
  }

  /** Opens these chunks and compares them with their ids; what fails is in `damaged`. Sealed bytes read. */
  async verify(ids: readonly ChunkId[]): Promise<number> {
    const places = new ChunkPlaces();
    for (const id of ids) await places.look(id, this.options.contents.chunks);
    for (const [id, code] of places.lost) this.damaged.set(id, code);
    let bytes = 0;
    for (const planned of planChunks(ids, (id) => places.placeOf(id))) {
      this.options.signal?.throwIfAborted();
      const taskBytes = sealedBytesOf(planned, places);
      await this.pool.room(taskBytes, null);
      this.pool.post(await this.fetch(planned, places), this.pool.leastBusy(), (reply) => this.take(reply, new Map()));
      bytes += taskBytes;
    }
    await this.pool.drain();
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool[Symbol.asyncDispose]();
  }

  private async fetch(planned: PlannedTask, places: ChunkPlaces): Promise<RestoreTask> {
    const chunks = planned.chunks.flatMap((id) => {
      const place = places.placeOf(id);
      return place === null ? [] : [{ id, place }];
    });
    const fetched = await fetchRanges(this.options.contents.reading, joinRanges(chunks), isLoss);
    for (const { id } of chunks) if (!fetched.where.has(toHex(id))) this.damaged.set(toHex(id), 'chunk-missing');
    this.nextTask += 1;
    return taskOf({ task: this.nextTask, planned, fetched, places });
  }

  private take(reply: TaskReply, outcomes: Map<number, FileOutcome>): void {
    for (const { id, code } of reply.damaged) this.damaged.set(toHex(id), code);
    for (const outcome of reply.outcomes) outcomes.set(outcome.file, fileOutcome(outcome));
  }
}

function fileOutcome(outcome: PieceOutcome): FileOutcome {
  if (outcome.type === 'written') return { type: 'written', name: outcome.name, errors: outcome.errors };
  return outcome.type === 'skipped' ? { type: 'skipped' } : { type: 'failed', detail: outcome.detail };
}

function sealedBytesOf(planned: PlannedTask, places: ChunkPlaces): number {
  return planned.chunks.reduce((sum, id) => sum + (places.placeOf(id)?.lengthBytes ?? 0), 0);
}

interface TaskParts {
  readonly task: number;
  readonly planned: PlannedTask;
  readonly fetched: Fetched;
  readonly places: ChunkPlaces;
}

function taskOf({ task, planned, fetched, places }: TaskParts): RestoreTask {
  const chunks: FetchedChunk[] = [];
  const indexes = new Map<string, number>();
  for (const id of planned.chunks) {
    const found = places.find(id);
    const at = fetched.where.get(toHex(id));
    if (found === null || at === undefined) continue;
    indexes.set(toHex(id), chunks.length);
    chunks.push({ ...at, opening: found.opening });
  }
  return { type: 'task', task, buffers: fetched.buffers, chunks, pieces: planned.pieces.map((piece) => pieceOf(piece, indexes)) };
}

/** A chunk that is missing has an index beyond the task's chunks: the thread counts the file as damaged. */
function pieceOf({ file, writes, first, last }: PlannedPiece, indexes: ReadonlyMap<string, number>): FilePiece {
  return {
    file: file.file,
    directory: file.directory,
    name: file.name,
    sizeBytes: file.sizeBytes,
    first,
    metadata: last ? file.metadata : null,
    writes: writes.map(({ chunk, ...write }) => ({ ...write, chunk: indexes.get(toHex(chunk)) ?? indexes.size })),
  };
}
