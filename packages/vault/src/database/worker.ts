/*
 * Does a node's share of the site's work: takes tasks from the queue, a few at once, and runs their handlers. Each claim is renewed while its
 * handler runs; a handler whose claim is lost is told by its signal, and what it reports then counts for nothing.
 *
 * A node that stops lets go at once: handlers are told by their signals, and their tasks go back to the queue with what they remembered.
 */

import { ProtocolError } from '@twinvault/protocol';
import { CodedError, secondMs } from '@twinvault/std';
import type { Random, Timers } from '@twinvault/std';
import type { TaskClaim } from './task-claim.ts';
import { claimLapseMs, problemOf } from './tasks.ts';
import type { Json, Task, TaskProblem } from './tasks.ts';
import type { WorkQueue } from './work-queue.ts';

export interface TaskRun {
  readonly task: Task;
  /** What an earlier attempt left by `remember`; null at the first. */
  readonly memo: Json;
  /** Aborts when the node stops and when another node has the task. */
  readonly signal: AbortSignal;
  /** Before a step that must not be made by two; `lease-lost`. */
  readonly check: () => Promise<void>;
  readonly progress: (progress: Json) => Promise<void>;
  /** Where another attempt shall go on. */
  readonly remember: (memo: Json) => Promise<void>;
}

/** Answers with the report. What it throws decides what follows: `retry: later` is tried again after a pause. */
export type TaskHandler = (run: TaskRun) => Promise<Json>;

export interface WorkerOptions {
  readonly queue: WorkQueue;
  /** By kind of task. */
  readonly handlers: Readonly<Record<string, TaskHandler>>;
  /** Name of this node, for operators. */
  readonly node: string;
  readonly timers: Timers;
  readonly random: Random;
  /** Tasks at once on this node; `tasksMaxDefault` when left out. */
  readonly tasksMax?: number;
  /** Tasks of one customer at once, over all nodes. */
  readonly customerMax?: number;
  /** Told of each end: for logs and metrics. `error` is what was thrown. */
  readonly ended?: (end: TaskRunEnd) => void;
}

export interface TaskRunEnd {
  readonly task: Task;
  readonly outcome: 'done' | 'again' | 'failed' | 'lost' | 'put-back';
  readonly error?: unknown;
}

export const tasksMaxDefault = 2;
const idleMs: number = secondMs;
const awayMs: number = 5 * secondMs;

export class Worker implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #loops: Promise<void> | null = null;
  #wake = new AbortController();

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Begins to take tasks; once. */
  start(): void {
    const count = this.#options.tasksMax ?? tasksMaxDefault;
    this.#loops ??= Promise.all(Array.from({ length: count }, () => this.#loop())).then(() => undefined);
  }

  /** Looks for tasks now and not at the next turn: for whoever has just added one here. */
  wake(): void {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /** Runs due tasks one after the other until none is left; for commands and tests. The number run. */
  async runDue(): Promise<number> {
    let count = 0;
    for (;;) {
      const claim = await this.#claim();
      if (claim === null) return count;
      await this.#run(claim);
      count += 1;
    }
  }

  /** Stops taking tasks, tells those that run, and waits until they are back in the queue. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new ProtocolError('vault-busy', { context: { defect: 'node stops' } }));
    this.wake();
    await this.#loops;
    await Promise.all(this.#running);
  }

  async #loop(): Promise<void> {
    const { timers } = this.#options;
    while (!this.#stopping.signal.aborted) {
      let pauseMs = idleMs;
      try {
        const claim = await this.#claim();
        if (claim !== null) {
          await this.#begin(claim);
          continue;
        }
      } catch {
        // The database is away, for longer than it was waited for. There is nothing else to do than to come again.
        pauseMs = awayMs;
      }
      await timers
        .sleep(pauseMs * this.#spread(), AbortSignal.any([this.#wake.signal, this.#stopping.signal]))
        .catch(() => undefined);
    }
  }

  #claim(): Promise<TaskClaim | null> {
    const { queue, handlers, node, customerMax } = this.#options;
    return queue.claim({ kinds: Object.keys(handlers), node, ...(customerMax === undefined ? {} : { customerMax }) });
  }

  /** A node that stopped while the queue answered lets go of what it was given: that may be what it has just put back. */
  async #begin(claim: TaskClaim): Promise<void> {
    if (this.#stopping.signal.aborted) await claim.putBack();
    else await this.#run(claim);
  }

  #run(claim: TaskClaim): Promise<void> {
    const run = this.#attempt(claim).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return run;
  }

  async #attempt(claim: TaskClaim): Promise<void> {
    const { handlers, timers } = this.#options;
    const lost = new AbortController();
    const renew = (): Promise<void> =>
      claim.check().catch((error: unknown) => {
        if (isLost(error)) lost.abort(error);
      });
    const timer = timers.every(claimLapseMs / 4, () => void renew());
    try {
      const handler = handlers[claim.task.kind];
      if (handler === undefined) throw new ProtocolError('task-unknown', { context: { task: claim.task.id } });
      const report = await handler({
        task: claim.task,
        memo: claim.memo,
        signal: AbortSignal.any([lost.signal, this.#stopping.signal]),
        check: () => claim.check(),
        progress: (progress) => claim.progress(progress),
        remember: (memo) => claim.remember(memo),
      });
      await claim.complete(report);
      this.#tell(claim, 'done');
    } catch (error) {
      await this.#failed(claim, error);
    } finally {
      timer.cancel();
    }
  }

  async #failed(claim: TaskClaim, error: unknown): Promise<void> {
    try {
      if (this.#stopping.signal.aborted) {
        await claim.putBack();
        this.#tell(claim, 'put-back', error);
        return;
      }
      const outcome = await claim.fail(problemFor(error), { again: !(error instanceof CodedError) || error.retry === 'later' });
      this.#tell(claim, outcome === 'again' ? 'again' : 'failed', error);
    } catch {
      // Another node has the task, or it cannot even be said: then the claim lapses, and the task is tried again.
      this.#tell(claim, 'lost', error);
    }
  }

  #tell({ task }: TaskClaim, outcome: TaskRunEnd['outcome'], error?: unknown): void {
    this.#options.ended?.({ task, outcome, ...(error === undefined ? {} : { error }) });
  }

  /** Between 0.5 and 1.5, so that nodes do not look in step. */
  #spread(): number {
    const [byte = 0] = this.#options.random.bytes(1);
    return 0.5 + byte / 256;
  }
}

function isLost(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'lease-lost';
}

/** A mistake of ours has no code; what it says may hold anything, so nothing of it is kept. */
function problemFor(error: unknown): TaskProblem {
  return error instanceof CodedError ? problemOf(error.code, error.context) : { code: 'task-failed', context: {} };
}
