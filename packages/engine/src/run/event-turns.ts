/* Long synchronous work gives way now and then: messages of workers, leases and signals want their turn of the event loop too. */
import type { Clock, Timers } from '@twinvault/std';

/** The event loop turns at least this often. */
const turnMs = 20;

export class EventTurns {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private turnedMs: number;

  constructor({ clock, timers }: { readonly clock: Clock; readonly timers: Timers }) {
    this.clock = clock;
    this.timers = timers;
    this.turnedMs = clock.monotonicMs();
  }

  /** Whether it is time to `take` one. */
  get due(): boolean {
    return this.clock.monotonicMs() - this.turnedMs >= turnMs;
  }

  async take(): Promise<void> {
    if (!this.due) return;
    await this.timers.sleep(0);
    this.turnedMs = this.clock.monotonicMs();
  }
}
