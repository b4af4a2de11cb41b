/**
 * Worker threads as a port. A thread runs one module that exports `main` (ThreadMain); the memory implementation
 * imports the same module into the same thread, which is what lets the simulator run the whole engine deterministically.
 */
export interface ThreadMessage {
  readonly value: unknown;
  readonly transfer?: readonly ArrayBuffer[];
}

export interface Thread extends AsyncDisposable {
  post(message: ThreadMessage): void;
  /** One handler; a second call replaces the first. Messages come in the order in which they were posted. */
  onMessage(handler: (value: unknown) => void): void;
  /** Called at most once, when the thread dies by itself; never after dispose. */
  onFailure(handler: (error: Error) => void): void;
}

/** What runs inside a thread: receives the start-up data and the port back to its parent. */
export interface ThreadPort {
  readonly data: unknown;
  post(message: ThreadMessage): void;
  onMessage(handler: (value: unknown) => void): void;
}

/** A thread module's entry: `export const main: ThreadMain = (port) => {…}`. */
export type ThreadMain = (port: ThreadPort) => void | Promise<void>;

export interface Threads {
  /** Cores that may be used, at least 1. */
  readonly parallelism: number;
  /** `module`: absolute URL of a module that exports `main: ThreadMain`. */
  start(module: string, data: unknown): Thread;
}
