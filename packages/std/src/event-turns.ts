/* Long synchronous work gives way now and then: messages of workers, leases, signals and requests want their turn of the event loop too. */
import type { Clock, Timers } from './ports/clock.ts';

const turnMsDefault = 20;
/** A loop of small steps looks at the clock after so many of them. */
const stepsPerLook = 1024;

export class EventTurns {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #turnMs: number;
  #turnedMs: number;

  /** The event loop turns at least every `turnMs`, if it is asked often enough. */
  constructor({ clock, timers }: { readonly clock: Clock; readonly timers: Timers }, turnMs: number = turnMsDefault) {
    this.#clock = clock;
    this.#timers = timers;
    this.#turnMs = turnMs;
    this.#turnedMs = clock.monotonicMs();
  }

  /** Whether it is time to `take` one. */
  get due(): boolean {
    return this.#clock.monotonicMs() - this.#turnedMs >= this.#turnMs;
  }

  /** The same for a loop of many small steps, by the number of this one. */
  dueAt(step: number): boolean {
    return step % stepsPerLook === stepsPerLook - 1 && this.due;
  }

  async take(): Promise<void> {
    if (!this.due) return;
    await this.#timers.sleep(0);
    this.#turnedMs = this.#clock.monotonicMs();
  }
}
