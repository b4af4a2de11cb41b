/*
 * Time as a port. Everything that asks for the time is handed a Clock, so that a test or the simulator can turn it.
 */

/** Neither reading throws; both are milliseconds and may have a fraction. */
export interface Clock {
  /** Milliseconds since 1970 as the machine believes; it may jump either way. For what people and records see. */
  nowMs(): number
  /** Milliseconds since an arbitrary moment; never goes back. For waits, rates and time-outs. */
  monotonicMs(): number
}
