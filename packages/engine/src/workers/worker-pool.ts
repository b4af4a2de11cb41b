/*
 * The main thread's side of the workers: hands out work in order, at most two pieces to a worker so that none waits for the
 * main thread, and hears what they answer. The first is started at once, each other one when there is work that none has room for:
 * starting a thread takes longer than reading the few files of a quiet day.
 */
import { assert } from '@twinvault/std';
import type { Thread, Threads } from '@twinvault/std';
import type { SealingSession } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import type { ClosedPack } from '../upload/pack-sink.ts';
import type { FilledPack, FromWorker, LastVersion, NewSegment, ToWorker, Work, WorkerData, WorkResult } from './messages.ts';

const worksPerWorkerMax = 2;

export interface WorkerPoolOptions {
  readonly threads: Threads;
  readonly data: readonly WorkerData[];
  /** Puts a pack to the vault; the worker may fill another when it resolves. */
  readonly onPack: (pack: ClosedPack) => Promise<void>;
  /** A segment of a page signature under its name, not to be used by anybody else; null: it is not there. */
  readonly segment: (name: Uint8Array) => Uint8Array | null;
  readonly onSegment: (segment: NewSegment) => void;
}

interface Worker {
  readonly thread: Thread;
  outstanding: number;
}

interface Call {
  readonly call: number;
  readonly work: Work;
  readonly lasts: () => readonly LastVersion[];
}

interface Waiting {
  readonly resolve: (result: WorkResult) => void;
  readonly reject: (error: unknown) => void;
}

export class WorkerPool implements AsyncDisposable {
  private readonly options: WorkerPoolOptions;
  private readonly workers: Worker[] = [];
  private readonly queue: Call[] = [];
  private readonly urgent: Call[] = [];
  private readonly waiting = new Map<number, Waiting>();
  private readonly replies: ((message: FromWorker) => void)[] = [];
  private calls = 0;
  /** Of `data`, those that have been started. */
  private started = 0;
  /** What the workers were told since `data` was made: later ones are told, too. */
  private generation: SharedArrayBuffer | null = null;
  private session: SealingSession | null = null;
  private failure: unknown = null;
  private failed: (error: unknown) => void = () => undefined;
  private readonly failing: Promise<never>;

  private constructor(options: WorkerPoolOptions) {
    this.options = options;
    this.failing = new Promise<never>((_resolve, reject) => (this.failed = reject));
    this.failing.catch(() => undefined);
  }

  /** For at most as many threads as `data` has elements; waits until the first has opened the source. */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    try {
      await pool.startWorker();
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    return pool;
  }

  /** The next one; it may be given work at once. Resolves when it has opened the source. */
  private async startWorker(): Promise<void> {
    const data = this.options.data[this.started];
    assert(data !== undefined, 'each thread has data of its own');
    this.started += 1;
    const thread = this.options.threads.start(new URL('./worker-main.ts', import.meta.url).href, data);
    const worker: Worker = { thread, outstanding: 0 };
    this.workers.push(worker);
    const ready = this.reply(worker, 'ready');
    thread.onFailure((cause) => this.fail(new EngineError('worker-failed', { cause })));
    thread.onMessage((value) => this.receive(worker, value as FromWorker));
    if (this.generation !== null) this.post(worker, { type: 'generation', buffer: this.generation });
    if (this.session !== null) this.post(worker, { type: 'session', session: this.session });
    await ready;
  }

  /**
   * Has a worker do it. Rejects when any worker fails. Urgent work goes before all that waits and is not; its buffers are
   * handed over. `lasts` of a batch is called when a worker has room for it: signatures may be large, and are handed over, too.
   */
  async run(work: Work, urgent = false, lasts: () => readonly LastVersion[] = () => []): Promise<WorkResult> {
    if (this.failure !== null) throw this.failure;
    const call = this.calls;
    this.calls += 1;
    const result = new Promise<WorkResult>((resolve, reject) => this.waiting.set(call, { resolve, reject }));
    (urgent ? this.urgent : this.queue).push({ call, work, lasts });
    this.dispatch();
    return await result;
  }

  private dispatch(): void {
    for (;;) {
      const isWaiting = this.urgent.length + this.queue.length > 0;
      if (isWaiting && this.idlest() === null && this.started < this.options.data.length) {
        this.startWorker().catch((error: unknown) => this.fail(error));
      }
      const worker = this.idlest();
      const next = worker === null ? undefined : (this.urgent.shift() ?? this.queue.shift());
      if (worker === null || next === undefined) return;
      worker.outstanding += 1;
      const { call, work } = next;
      if (work.type === 'batch') {
        const lasts = next.lasts();
        const buffers = [work.items, ...lasts.map(({ signature }) => signature)].map(({ buffer }) => buffer as ArrayBuffer);
        this.post(worker, { ...work, call, lasts }, buffers);
      } else this.post(worker, { ...work, call }, [work.entry.buffer as ArrayBuffer]);
    }
  }

  private idlest(): Worker | null {
    let idlest: Worker | null = null;
    for (const worker of this.workers) {
      if (worker.outstanding < (idlest?.outstanding ?? worksPerWorkerMax)) idlest = worker;
    }
    return idlest;
  }

  /** Tells every worker of a new generation of the shared table. */
  grow(buffer: SharedArrayBuffer): void {
    this.generation = buffer;
    for (const worker of this.workers) this.post(worker, { type: 'generation', buffer });
  }

  /** Has packs begun from now on sealed under another session. */
  renew(session: SealingSession): void {
    this.session = session;
    for (const worker of this.workers) this.post(worker, { type: 'session', session });
  }

  /** Closes every open pack; their delivery may go on when this resolves. */
  async flush(): Promise<void> {
    await Promise.all(
      this.workers.map(async (worker) => {
        const reply = this.reply(worker, 'flushed');
        this.post(worker, { type: 'flush' });
        await reply;
      }),
    );
  }

  private async reply(worker: Worker, type: FromWorker['type']): Promise<void> {
    const index = this.workers.indexOf(worker);
    const heard = new Promise<void>((resolve) => {
      this.replies[index] = (message) => {
        if (message.type === type) resolve();
      };
    });
    await Promise.race([heard, this.failing]);
  }

  private receive(worker: Worker, message: FromWorker): void {
    switch (message.type) {
      case 'pack':
        this.deliver(worker, message).catch((error: unknown) => this.fail(error));
        return;
      case 'result': {
        worker.outstanding -= 1;
        const waiting = this.waiting.get(message.call);
        this.waiting.delete(message.call);
        this.dispatch();
        waiting?.resolve(message);
        return;
      }
      case 'wanted': {
        const bytes = this.options.segment(message.name);
        return this.post(worker, { type: 'segment', bytes }, bytes === null ? [] : [bytes.buffer as ArrayBuffer]);
      }
      case 'segment':
        return this.options.onSegment(message.segment);
      case 'failed':
        this.fail(new EngineError('worker-failed', { cause: new Error(message.message), context: { reason: message.code } }));
        return;
      case 'ready':
      case 'flushed':
      case 'closed':
        this.replies[this.workers.indexOf(worker)]?.(message);
    }
  }

  private async deliver(worker: Worker, pack: FilledPack): Promise<void> {
    const { bytes } = pack;
    await this.options.onPack(pack);
    // Shared memory goes back as it is; what is not shared is the collector's.
    this.post(worker, { type: 'credit', bytes: bytes.buffer instanceof SharedArrayBuffer ? bytes : new Uint8Array(0) });
  }

  /** Ends the run: everything that waits is rejected with the first failure. */
  fail(error: unknown): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.failed(error);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    this.queue.length = 0;
    this.urgent.length = 0;
  }

  private post(worker: Worker, value: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    worker.thread.post({ value, transfer });
  }

  /** Closes the sources, then ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.failure === null) {
      const closing = this.workers.map(async (worker) => {
        const reply = this.reply(worker, 'closed');
        this.post(worker, { type: 'close' });
        await reply;
      });
      await Promise.allSettled(closing);
    }
    await Promise.all(this.workers.map(async ({ thread }) => await thread[Symbol.asyncDispose]()));
  }
}
