/*
 * Runs files, or chunks alone, through the threads: plans tasks, fetches their ranges, hands them out and gathers how each file ended. Several
 * batches may be under way, so that the next one is gathered while the threads work on the last.
 */
import { assert, CodedError, toHex } from '@twinvault/std';
import type { EntryError } from '../source-port.ts';
import type { ChunkSet } from './chunk-set.ts';
import type { SafesetContents } from './contents.ts';
import { fetchRanges, joinRanges } from './fetch.ts';
import type { Fetched } from './fetch.ts';
import { FileInPieces } from './file-in-pieces.ts';
import type { FinishingPlace } from './finish-file.ts';
import { ReadLosses } from './losses.ts';
import { planChunks, planPieces, planTasks } from './planner.ts';
import type { FileToRestore, FileWrite, PlannedTask } from './planner.ts';
import type { RestorePool } from './pool.ts';
import { encodePieces } from './task-codec.ts';
import type { FetchedCopy, PieceOutcome, RestoreTask, StoppingError, TaskChunk } from './tasks.ts';

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
  /** Whose pieces are being handed out; null: whole files are. */
  inPieces: FileInPieces | null;
}

/** Chunks that are opened together. */
export interface VerifiedBatch {
  readonly batch: Batch;
  /** Sealed. */
  readonly bytes: number;
}

/** A part of a file too large to be planned at once. */
export interface FilePart {
  readonly chunks: ChunkSet;
  readonly writes: readonly FileWrite[];
}

export interface TaskRunnerOptions {
  readonly contents: Pick<SafesetContents, 'chunks' | 'reading'>;
  readonly pool: RestorePool;
  /** Where files in pieces are begun and finished; null: nothing is written. */
  readonly place: FinishingPlace | null;
  readonly signal?: AbortSignal;
  /** Told what was written since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

export class TaskRunner {
  /** Chunks, by id in hexadecimal, that could not be fetched or opened, so far, with the code that says why. */
  readonly damaged: Map<string, string> = new Map();
  readonly #options: TaskRunnerOptions;
  readonly #losses = new ReadLosses();
  /** Begun and not ended. */
  readonly #inPieces = new Set<FileInPieces>();
  #nextTask = 0;
  #stopped: StoppingError | null = null;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  /** Resolves when all tasks are handed out. */
  async begin(files: readonly FileToRestore[], chunks: ChunkSet): Promise<Batch> {
    const batch = newBatch();
    await this.#locate(chunks);
    const plan = planTasks(files, (chunk) => chunks.blob(chunk));
    await this.#runPlan(batch, plan, chunks);
    this.#endPieces(batch);
    return batch;
  }

  /** The same for one file that comes in parts, without its writes in memory at once. */
  async beginInParts(file: Omit<FileToRestore, 'writes'>, parts: AsyncIterable<FilePart>): Promise<Batch> {
    const batch = newBatch();
    for await (const { chunks, writes } of parts) {
      await this.#locate(chunks);
      const plan = planPieces({ ...file, writes }, (chunk) => chunks.blob(chunk));
      await this.#runPlan(batch, plan, chunks);
      if (batch.inPieces?.isLost === true) break;
    }
    this.#endPieces(batch);
    return batch;
  }

  /** Only when the threads have ended: gives up the files of which pieces were still to come. */
  abandon(): void {
    for (const file of this.#inPieces) file.abandon();
    this.#inPieces.clear();
  }

  /** Waits until all tasks of the batch are answered. */
  async end(batch: Batch): Promise<ReadonlyMap<number, FileOutcome>> {
    await this.#options.pool.until(() => batch.tasksLeft === 0);
    this.#throwIfStopped();
    return batch.outcomes;
  }

  /**
   * Has every copy of these chunks opened and compared with its id; what fails is in `damaged` when the batch has ended. Resolves when all tasks are
   * handed out.
   */
  async beginVerifying(chunks: ChunkSet): Promise<VerifiedBatch> {
    const batch = newBatch();
    await this.#locate(chunks);
    const numbers = Array.from({ length: chunks.count }, (_, number) => number);
    let bytes = 0;
    for (const planned of planChunks(numbers, (chunk) => chunks.blob(chunk))) {
      await this.#submit(batch, planned, chunks);
      bytes += planned.bytes;
    }
    return { batch, bytes };
  }

  async #locate(chunks: ChunkSet): Promise<void> {
    await chunks.locate(this.#options.contents.chunks);
    for (const [chunk, code] of chunks.lost) this.damaged.set(toHex(chunks.id(chunk)), code);
  }

  async #runPlan(batch: Batch, plan: Iterable<PlannedTask>, chunks: ChunkSet): Promise<void> {
    for (const planned of plan) {
      this.#beginPieces(batch, planned.fileInPieces);
      if (batch.inPieces?.isLost !== true) await this.#submit(batch, planned, chunks);
    }
  }

  /** Makes this the file whose pieces follow, or, null, whole files. */
  #beginPieces(batch: Batch, file: FileToRestore | null): void {
    if (batch.inPieces?.about.file === file?.file) return;
    this.#endPieces(batch);
    const { place } = this.#options;
    if (file === null) return;
    assert(place !== null, 'what is to be written has a target');
    batch.inPieces = new FileInPieces(file, place);
    this.#inPieces.add(batch.inPieces);
  }

  /** All pieces of the file are handed out. */
  #endPieces(batch: Batch): void {
    const { inPieces } = batch;
    batch.inPieces = null;
    inPieces?.whole();
    this.#takeEnd(batch, inPieces);
  }

  async #submit(batch: Batch, planned: PlannedTask, chunks: ChunkSet): Promise<void> {
    const { pool, contents, signal, onBytes } = this.#options;
    const { inPieces } = batch;
    const room = await pool.room(planned.bytes);
    signal?.throwIfAborted();
    this.#throwIfStopped();
    this.#nextTask += 1;
    batch.tasksLeft += 1;
    inPieces?.handedOut();
    const parts = { task: this.#nextTask, planned, chunks, handle: inPieces?.handle ?? null };
    const blobs = planned.chunks.flatMap((chunk) => chunks.blobs(chunk));
    const fetching = fetchRanges(contents.reading, joinRanges(blobs), this.#losses);
    const task = fetching.then((fetched) => taskOf({ ...parts, fetched }));
    pool.post(task, room, (reply) => {
      batch.tasksLeft -= 1;
      for (const { chunk, code } of reply.damaged) this.damaged.set(toHex(chunks.id(planned.chunks[chunk] ?? -1)), code);
      if (inPieces === null) for (const outcome of reply.outcomes) this.#takeOutcome(batch, outcome);
      else {
        inPieces.answered(reply.outcomes[0] ?? null);
        this.#takeEnd(batch, inPieces);
      }
      onBytes?.(reply.writtenBytes);
    });
  }

  #takeEnd(batch: Batch, inPieces: FileInPieces | null): void {
    const ended = inPieces?.ended ?? null;
    if (inPieces === null || ended === null) return;
    this.#inPieces.delete(inPieces);
    this.#takeOutcome(batch, ended);
  }

  #takeOutcome({ outcomes }: Batch, outcome: PieceOutcome): void {
    outcomes.set(outcome.file, fileOutcome(outcome));
    if (outcome.type === 'failed' && outcome.stops !== null) this.#stopped ??= outcome.stops;
  }

  #throwIfStopped(): void {
    if (this.#stopped === null) return;
    const { code, retry, meaning } = this.#stopped;
    throw new CodedError({ [code]: { retry, meaning } }, code);
  }
}

function newBatch(): Batch {
  return { outcomes: new Map(), tasksLeft: 0, inPieces: null };
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
  readonly handle: number | null;
}

function taskOf({ task, planned, fetched, chunks, handle }: TaskParts): RestoreTask {
  const indexes = new Map<number, number>(planned.chunks.map((chunk, index) => [chunk, index]));
  const copies: FetchedCopy[][] = planned.chunks.map(() => []);
  for (const { blob, buffer, offsetBytes } of fetched.blobs) {
    copies[indexes.get(blob.chunk) ?? -1]?.push({ buffer, offsetBytes, lengthBytes: blob.lengthBytes, ...blob.opening });
  }
  const taskChunks = planned.chunks.map((chunk, index): TaskChunk => ({ id: chunks.id(chunk), copies: copies[index] ?? [] }));
  const chunkIndex = (chunk: number): number => indexes.get(chunk) ?? planned.chunks.length;
  const pieces = planned.pieces.length === 0 ? null : encodePieces(planned.pieces, { chunkIndex, handle });
  return { type: 'task', task, buffers: fetched.buffers, chunks: taskChunks, pieces };
}
