/*
 * Time for tests and the simulator: it stands still until somebody advances it. Timers fire in the order of their times, of
 * equal times in the order in which they were set; between two timers everything that can run without time runs, so that
 * a timer set meanwhile takes its turn.
 */

import { assert, type Clock, onAbort, type Timer, type Timers } from '@twinvault/std';

interface Pending {
  readonly order: number;
  dueMs: number;
  readonly periodMs: number | null;
  readonly fire: () => void;
}

/** 2026-01-01T00:00:00Z. */
const startMsDefault = 1_767_225_600_000;

/** Lets every promise that can settle do so, short of real input and output. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export class FakeClock implements Clock, Timers {
  #wallOffsetMs: number;
  #elapsedMs = 0;
  #nextOrder = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs: number = startMsDefault) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  /** Timers that wait, sleeps included. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: Pending | undefined;
      const stopListening = onAbort(signal, (reason) => {
        if (timer !== undefined) this.#pending.delete(timer);
        reject(reason);
      });
      if (signal?.aborted === true) return;
      timer = this.#add(Math.max(delayMs, 0), null, () => {
        stopListening();
        resolve();
      });
    });
  }

  every(periodMs: number, tick: () => void): Timer {
    const timer = this.#add(Math.max(periodMs, 1), Math.max(periodMs, 1), tick);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  /** Moves both readings on by `durationMs` and fires what falls due on the way, the end included. */
  async advance(durationMs: number): Promise<void> {
    assert(durationMs >= 0, 'time does not go back; jump() moves the wall clock');
    const endMs = this.#elapsedMs + durationMs;
    await settle();
    for (let next = this.#next(); next !== null && next.dueMs <= endMs; next = this.#next()) {
      this.#fire(next);
      await settle();
    }
    this.#elapsedMs = endMs;
  }

  /** Moves on to the next timer and fires it; false when none waits. */
  async advanceToNext(): Promise<boolean> {
    await settle();
    const next = this.#next();
    if (next === null) return false;
    this.#fire(next);
    await settle();
    return true;
  }

  /** The wall clock is set forward or back; nothing else notices. */
  jump(differenceMs: number): void {
    this.#wallOffsetMs += differenceMs;
  }

  #add(delayMs: number, periodMs: number | null, fire: () => void): Pending {
    const timer: Pending = { order: this.#nextOrder, dueMs: this.#elapsedMs + delayMs, periodMs, fire };
    this.#nextOrder += 1;
    this.#pending.add(timer);
    return timer;
  }

  #next(): Pending | null {
    let next: Pending | null = null;
    for (const timer of this.#pending) {
      if (next === null || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }

  #fire(timer: Pending): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
    if (timer.periodMs === null) this.#pending.delete(timer);
    else timer.dueMs += timer.periodMs;
    timer.fire();
  }
}
