/*
 * Runs files, or chunks alone, through the threads: plans tasks, fetches their ranges, hands them out and gathers how each file ended. Several
 * batches may be under way, so that the next one is gathered while the threads work on the last.
 */
import { CodedError, toHex } from '@twinvault/std';
import type { EntryError } from '../source-port.ts';
import type { ChunkSet } from './chunk-set.ts';
import type { SafesetContents } from './contents.ts';
import { fetchRanges, joinRanges } from './fetch.ts';
import type { Fetched } from './fetch.ts';
import { ReadLosses } from './losses.ts';
import { planChunks, planPieces, planTasks } from './planner.ts';
import type { FileToRestore, FileWrite, PlannedTask } from './planner.ts';
import type { RestorePool } from './pool.ts';
import { encodePieces } from './task-codec.ts';
import type { FetchedCopy, PieceOutcome, RestoreTask, StoppingError, TaskChunk, TaskReply } from './tasks.ts';

export type FileOutcome =
  /** `name`: where it is another than was asked for. */
  | { readonly type: 'written'; readonly name: Uint8Array | null; readonly errors: readonly EntryError[] }
  | { readonly type: 'skipped' }
  | { readonly type: 'failed'; readonly detail: string };

/** Files that were begun together. */
export interface Batch {
  /** Complete once `end` resolved. */
  readonly outcomes: Map<number, FileOutcome>;
  tasksLeft: number;
}

/** A part of a file too large to be planned at once. */
export interface FilePart {
  readonly chunks: ChunkSet;
  readonly writes: readonly FileWrite[];
}

export interface TaskRunnerOptions {
  readonly contents: Pick<SafesetContents, 'chunks' | 'reading'>;
  readonly pool: RestorePool;
  readonly signal?: AbortSignal;
  /** Told what was written since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

export class TaskRunner {
  /** Chunks, by id in hexadecimal, that could not be fetched or opened, so far, with the code that says why. */
  readonly damaged: Map<string, string> = new Map();
  readonly #options: TaskRunnerOptions;
  readonly #losses = new ReadLosses();
  #nextTask = 0;
  #stopped: StoppingError | null = null;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** Resolves when all tasks are handed out. */
  async begin(files: readonly FileToRestore[], chunks: ChunkSet): Promise<Batch> {
    const batch: Batch = { outcomes: new Map(), tasksLeft: 0 };
    await this.#locate(chunks);
    const plan = planTasks(files, (chunk) => chunks.blob(chunk));
    await this.#runPlan(batch, plan, chunks);
    return batch;
  }

  /** The same for one file that comes in parts, without its writes in memory at once. */
  async beginInParts(file: Omit<FileToRestore, 'writes'>, parts: AsyncIterable<FilePart>): Promise<Batch> {
    const batch: Batch = { outcomes: new Map(), tasksLeft: 0 };
    let thread: number | null = null;
    const run = async ({ chunks, writes }: FilePart, ends: { first: boolean; last: boolean }): Promise<void> => {
      await this.#locate(chunks);
      const plan = planPieces({ ...file, writes }, ends, (chunk) => chunks.blob(chunk));
      thread = await this.#runPlan(batch, plan, chunks, thread);
    };
    let waiting: FilePart | null = null;
    let first = true;
    for await (const part of parts) {
      if (batch.outcomes.size > 0) return batch;
      if (waiting !== null) {
        await run(waiting, { first, last: false });
        first = false;
      }
      waiting = part;
    }
    if (waiting !== null) await run(waiting, { first, last: true });
    return batch;
  }

  /** Waits until all tasks of the batch are answered. */
  async end(batch: Batch): Promise<ReadonlyMap<number, FileOutcome>> {
    await this.#options.pool.until(() => batch.tasksLeft === 0);
    this.#throwIfStopped();
    return batch.outcomes;
  }

  /** Opens every copy of these chunks and compares it with its id; what fails is in `damaged`. Sealed bytes read. */
  async verify(chunks: ChunkSet): Promise<number> {
    const batch: Batch = { outcomes: new Map(), tasksLeft: 0 };
    await this.#locate(chunks);
    const numbers = Array.from({ length: chunks.count }, (_, number) => number);
    let bytes = 0;
    for (const planned of planChunks(numbers, (chunk) => chunks.blob(chunk))) {
      await this.#submit(batch, { planned, chunks, thread: null });
      bytes += planned.bytes;
    }
    await this.end(batch);
    return bytes;
  }

  async #locate(chunks: ChunkSet): Promise<void> {
    await chunks.locate(this.#options.contents.chunks);
    for (const [chunk, code] of chunks.lost) this.damaged.set(toHex(chunks.id(chunk)), code);
  }

  /** Index of the thread that has the last file's pieces. */
  async #runPlan(
    batch: Batch,
    plan: Iterable<PlannedTask>,
    chunks: ChunkSet,
    startThread: number | null = null,
  ): Promise<number | null> {
    let [file, thread] = [null as number | null, startThread];
    for (const planned of plan) {
      const continues = planned.fileInPieces !== null && planned.pieces[0]?.first === false;
      if (!continues) thread = null;
      // Skipped or failed in an earlier piece: the rest need not be fetched.
      if (planned.fileInPieces !== null && batch.outcomes.has(planned.fileInPieces)) continue;
      thread = await this.#submit(batch, { planned, chunks, thread });
      file = planned.fileInPieces;
    }
    return file === null ? null : thread;
  }

  async #submit(
    batch: Batch,
    { planned, chunks, thread }: { readonly planned: PlannedTask; readonly chunks: ChunkSet; readonly thread: number | null },
  ): Promise<number> {
    const { pool, contents, signal, onBytes } = this.#options;
    const room = await pool.room(planned.bytes, thread);
    signal?.throwIfAborted();
    this.#throwIfStopped();
    const blobs = planned.chunks.flatMap((chunk) => chunks.blobs(chunk));
    const fetched = await fetchRanges(contents.reading, joinRanges(blobs), this.#losses);
    this.#nextTask += 1;
    batch.tasksLeft += 1;
    pool.post(taskOf({ task: this.#nextTask, planned, fetched, chunks }), room, (reply) => {
      batch.tasksLeft -= 1;
      this.#take(batch, reply, (index) => chunks.id(planned.chunks[index] ?? -1));
      onBytes?.(reply.writtenBytes);
    });
    return room.index;
  }

  #take({ outcomes }: Batch, { damaged, outcomes: replied }: TaskReply, idAt: (index: number) => Uint8Array): void {
    for (const { chunk, code } of damaged) this.damaged.set(toHex(idAt(chunk)), code);
    for (const outcome of replied) {
      outcomes.set(outcome.file, fileOutcome(outcome));
      if (outcome.type === 'failed' && outcome.stops !== null) this.#stopped ??= outcome.stops;
    }
  }

  #throwIfStopped(): void {
    if (this.#stopped === null) return;
    const { code, retry, meaning } = this.#stopped;
    throw new CodedError({ [code]: { retry, meaning } }, code);
  }
}

function fileOutcome(outcome: PieceOutcome): FileOutcome {
  if (outcome.type === 'written') return { type: 'written', name: outcome.name, errors: outcome.errors };
  return outcome.type === 'skipped' ? { type: 'skipped' } : { type: 'failed', detail: outcome.detail };
}

interface TaskParts {
  readonly task: number;
  readonly planned: PlannedTask;
  readonly fetched: Fetched;
  readonly chunks: ChunkSet;
}

function taskOf({ task, planned, fetched, chunks }: TaskParts): RestoreTask {
  const indexes = new Map<number, number>(planned.chunks.map((chunk, index) => [chunk, index]));
  const copies: FetchedCopy[][] = planned.chunks.map(() => []);
  for (const { blob, buffer, offsetBytes } of fetched.blobs) {
    copies[indexes.get(blob.chunk) ?? -1]?.push({ buffer, offsetBytes, lengthBytes: blob.lengthBytes, ...blob.opening });
  }
  const taskChunks = planned.chunks.map((chunk, index): TaskChunk => ({ id: chunks.id(chunk), copies: copies[index] ?? [] }));
  const pieces =
    planned.pieces.length === 0 ? null : encodePieces(planned.pieces, (chunk) => indexes.get(chunk) ?? planned.chunks.length);
  return { type: 'task', task, buffers: fetched.buffers, chunks: taskChunks, pieces };
}
