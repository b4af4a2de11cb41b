/*
 * Worker threads without threads: the module's `main` runs in this thread, one message after another in microtasks, so
 * that a run is deterministic. Messages are cloned, and buffers handed over are detached, exactly as between real threads.
 * Module-level state is shared between "threads", which our modules do not have.
 */

import { StdError, type Thread, type ThreadMain, type ThreadMessage, type Threads } from '@twinvault/std';

export interface InlineThreadsOptions {
  readonly parallelism?: number;
  /** Modules by URL, already loaded, which saves waiting for import(). */
  readonly modules?: Readonly<Record<string, { readonly main: ThreadMain }>>;
}

type Handler = (value: unknown) => unknown;

/** One direction: keeps messages until there is a handler, then calls it for one after another. */
class Channel {
  readonly #waiting: unknown[] = [];
  #handler: Handler | undefined;
  #delivering = false;
  #closed = false;
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  post({ value, transfer = [] }: ThreadMessage): void {
    const copy: unknown = structuredClone(value, { transfer: [...transfer] });
    if (this.#closed) return;
    this.#waiting.push(copy);
    this.#schedule();
  }

  listen(handler: Handler): void {
    this.#handler = handler;
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
  }

  #schedule(): void {
    if (this.#delivering || this.#handler === undefined || this.#waiting.length === 0) return;
    this.#delivering = true;
    queueMicrotask(() => {
      this.#delivering = false;
      if (this.#closed || this.#handler === undefined) return;
      const value = this.#waiting.shift();
      this.#schedule();
      try {
        const result = this.#handler(value);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onError(error));
      } catch (error) {
        this.#onError(error);
      }
    });
  }
}

class InlineThread implements Thread {
  #ended = false;
  #failure: Error | undefined;
  #onFailure: ((error: Error) => void) | undefined;
  readonly #toThread = new Channel((error) => this.#fail(error));
  readonly #toParent = new Channel((error) => {
    // The parent's own handler threw: as with a real thread, that is nobody's message but the process's.
    queueMicrotask(() => {
      throw error;
    });
  });

  constructor(load: Promise<{ readonly main: ThreadMain }>, data: unknown) {
    const copy: unknown = structuredClone(data);
    const run = async (): Promise<void> => {
      const { main } = await load;
      if (this.#ended) return;
      await main({
        data: copy,
        post: (message) => this.#toParent.post(message),
        onMessage: (handler) => this.#toThread.listen(handler),
      });
    };
    run().catch((error: unknown) => this.#fail(error));
  }

  post(message: ThreadMessage): void {
    this.#toThread.post(message);
  }

  onMessage(handler: (value: unknown) => void): void {
    this.#toParent.listen(handler);
  }

  onFailure(handler: (error: Error) => void): void {
    this.#onFailure = handler;
    if (this.#failure !== undefined) handler(this.#failure);
    this.#failure = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#toThread.close();
    this.#toParent.close();
    return Promise.resolve();
  }

  #fail(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#toThread.close();
    this.#toParent.close();
    const error = reason instanceof Error ? reason : new StdError('thread-failed', { cause: reason });
    if (this.#onFailure === undefined) this.#failure = error;
    else this.#onFailure(error);
  }
}

export function inlineThreads({ parallelism = 2, modules = {} }: InlineThreadsOptions = {}): Threads {
  return {
    parallelism,
    start: (module, data) => {
      const loaded = modules[module];
      const load = loaded === undefined ? import(module) : Promise.resolve(loaded);
      return new InlineThread(load as Promise<{ readonly main: ThreadMain }>, data);
    },
  };
}
