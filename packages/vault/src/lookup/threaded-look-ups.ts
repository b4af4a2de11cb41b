/*
 * Where a site looks up: in a thread of its own what is heavy, if it was given threads, and here what is not. So many threads at once as there
 * are cores; who comes later waits. Whoever holds a lock of a safe must not wait here: a thread is opened before the lock is taken.
 */

import type { Threads } from '@twinvault/std';
import { KiB } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { LookUpHere } from './look-up-here.ts';
import type { LookUp, LookUps } from './look-up.ts';
import { LookUpThread } from './look-up-thread.ts';

/** Refs of some 7000 packs: to look them up takes a turn of the event loop of about 10 ms, to start a thread some tenths of a second elsewhere. */
export const heavyBytesMinDefault: number = 256 * KiB;

export class ThreadedLookUps implements LookUps {
  readonly #threads: Threads | null;
  readonly #heavyBytesMin: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Null: everything here. `heavyBytesMin`: from how many bytes of records on a thread is worth it. */
  constructor(threads: Threads | null, heavyBytesMin: number = heavyBytesMinDefault) {
    this.#threads = threads;
    this.#heavyBytesMin = heavyBytesMin;
  }

  /** `sizeBytes`: of the records that are looked at. */
  async open(objects: SafeObjects, sizeBytes: number): Promise<LookUp> {
    const threads = this.#threads;
    if (threads === null || sizeBytes < this.#heavyBytesMin) return new LookUpHere(objects);
    if (this.#running < threads.parallelism) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return new LookUpThread(threads, objects, () => this.#next());
    } catch (error) {
      this.#next();
      throw error;
    }
  }

  /** The turn goes to who waited longest. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
