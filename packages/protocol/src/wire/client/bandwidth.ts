/*
 * Limits of bandwidth that depend on the time of day and may be changed while they are used: docs/user/command.md, Over the network. All that asks one
 * `Bandwidth` shares its rate, in the order of asking.
 */

import { secondMs } from '@twinvault/std';
import type { Clock, Pace, Timers } from '@twinvault/std';

/** A rate for a part of each day. The first window that holds the time counts; outside of all there is no limit. */
export interface BandwidthWindow {
  readonly bytesPerSecond: number;
  /** Minutes since midnight, local time, `from` included and `to` not. `to` before `from` goes over midnight; equal ones are the whole day. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

export interface BandwidthPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Minutes since midnight where the user lives; the machine's time zone when left out. */
  readonly minuteOfDay?: (nowMs: number) => number;
}

/** After so long the windows are looked at again, also within one wait. */
const lookMsMax: number = secondMs;
/** How long what nobody used may be used later. */
const allowanceMsMax: number = secondMs;

export class Bandwidth implements Pace {
  readonly #ports: BandwidthPorts;
  #windows: readonly BandwidthWindow[];
  #allowance = 0;
  #countedMs: number;
  #last: Promise<void> = Promise.resolve();

  constructor(ports: BandwidthPorts, windows: readonly BandwidthWindow[]) {
    this.#ports = ports;
    this.#windows = windows;
    this.#countedMs = ports.clock.monotonicMs();
  }

  /** From now on; who waits already notices within a second. */
  set(windows: readonly BandwidthWindow[]): void {
    this.#windows = windows;
  }

  take(countBytes: number, signal?: AbortSignal): Promise<void> {
    const taken = this.#last.then(() => this.#wait(countBytes, signal));
    this.#last = taken.catch(() => undefined);
    return taken;
  }

  async #wait(countBytes: number, signal: AbortSignal | undefined): Promise<void> {
    let missing = countBytes;
    for (let first = true; ; first = false) {
      signal?.throwIfAborted();
      const rate = this.#rate();
      this.#count(rate ?? 0, first);
      if (rate === null) return;
      const used = Math.min(missing, this.#allowance);
      this.#allowance -= used;
      missing -= used;
      if (missing <= 0) return;
      await this.#ports.timers.sleep(Math.min(lookMsMax, Math.ceil((missing / rate) * secondMs)), signal);
    }
  }

  /** Adds what the time since the last count allows; of time in which nobody waited only the last part. */
  #count(rate: number, idle: boolean): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const grown = this.#allowance + (rate * (nowMs - this.#countedMs)) / secondMs;
    this.#allowance = idle ? Math.min(grown, (rate * allowanceMsMax) / secondMs) : grown;
    this.#countedMs = nowMs;
  }

  /** Bytes per second now; null: no limit. */
  #rate(): number | null {
    const minute = (this.#ports.minuteOfDay ?? localMinute)(this.#ports.clock.nowMs());
    return this.#windows.find((window) => holds(window, minute))?.bytesPerSecond ?? null;
  }
}

function holds({ fromMinute, toMinute }: BandwidthWindow, minute: number): boolean {
  if (fromMinute === toMinute) return true;
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

function localMinute(nowMs: number): number {
  const time = new Date(nowMs);
  return 60 * time.getHours() + time.getMinutes();
}
