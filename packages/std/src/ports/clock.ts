/** Time as a port: nothing else in the project reads the system's clock or starts a timer. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z, whole; may jump either way. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes back; its zero means nothing. Fractions allowed. */
  monotonicMs(): number;
}

export interface Timer {
  /** Idempotent. */
  cancel(): void;
}

export interface Timers {
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `tick` every `periodMs` until cancelled; does not keep the process alive. */
  every(periodMs: number, tick: () => void): Timer;
}
