/* Worker threads through node:worker_threads. Each runs thread-bootstrap.ts, which imports the wanted module. */

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { StdError } from '../errors.ts';
import type { Thread, ThreadMessage, Threads } from '../ports/threads.ts';

const bootstrap = new URL('./thread-bootstrap.ts', import.meta.url);

/**
 * Our threads work on large buffers outside the heap and make few objects: the default of 48 MB for young ones would only
 * sit there, in each thread. Of 12 MB, too, half did nothing but be there (first backups and restores, November 2026).
 */
const resourceLimits = { maxYoungGenerationSizeMb: 6 };

class NodeThread implements Thread {
  readonly #worker: Worker;
  #onMessage: ((value: unknown) => void) | undefined;
  #onFailure: ((error: Error) => void) | undefined;
  /** Messages, and at most one failure, from before their handler was there. */
  #early: unknown[] = [];
  #failure: Error | undefined;
  #ended = false;

  constructor(module: string, data: unknown) {
    this.#worker = new Worker(bootstrap, { workerData: { module, data }, resourceLimits });
    this.#worker.on('message', (value: unknown) => {
      if (this.#ended) return;
      if (this.#onMessage === undefined) this.#early.push(value);
      else this.#onMessage(value);
    });
    this.#worker.on('messageerror', (error) => this.#fail(error));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (exitCode) => this.#fail(new StdError('thread-failed', { context: { exitCode } })));
  }

  post({ value, transfer = [] }: ThreadMessage): void {
    this.#worker.postMessage(value, transfer);
  }

  onMessage(handler: (value: unknown) => void): void {
    this.#onMessage = handler;
    const early = this.#early;
    this.#early = [];
    for (const value of early) handler(value);
  }

  onFailure(handler: (error: Error) => void): void {
    this.#onFailure = handler;
    if (this.#failure !== undefined) handler(this.#failure);
    this.#failure = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  #fail(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const error = reason instanceof Error ? reason : new StdError('thread-failed', { cause: reason });
    if (this.#onFailure === undefined) this.#failure = error;
    else this.#onFailure(error);
  }
}

export const nodeThreads: Threads = {
  parallelism: Math.max(availableParallelism(), 1),
  start: (module, data) => new NodeThread(module, data),
};
