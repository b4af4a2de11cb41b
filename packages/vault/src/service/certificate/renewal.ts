/*
 * When a certificate is renewed: with a third of its life left, somewhat earlier by chance, so that not everybody comes at once; after a failure again, in
 * pauses that grow. It looks at the clock every hour at least, so that a clock that is set, or a machine that slept, delays nothing.
 *
 * A renewal that fails changes nothing: what is in use stays in use.
 *
 * What it tried is kept before it is tried, so that a process that is killed and started again and again asks no more often than one that runs.
 */

import { hourMs, minuteMs, Prng, toHex } from '@twinvault/std';
import type { Clock, Random, Timers } from '@twinvault/std';

/** Ms since 1970. */
export interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Failed in a row, the one that may be under way included; the next is not before `againMs`, ms since 1970. */
export interface Attempts {
  readonly failures: number;
  readonly againMs: number;
}

/** Outlives the process. */
export interface AttemptsKeeper {
  /** Null where none has failed since the last that did not, or what was kept cannot be read. */
  read(): Promise<Attempts | null>;
  write(attempts: Attempts | null): Promise<void>;
}

export interface RenewalOptions {
  readonly ports: { readonly clock: Clock; readonly timers: Timers; readonly random: Random };
  /** Of the certificate in use; null where there is none yet. */
  readonly validity: Validity | null;
  /** Gets the next one and puts it into use. */
  readonly renew: (signal: AbortSignal) => Promise<Validity>;
  readonly attempts: AttemptsKeeper;
  /** Attempts of a process before this one are waited for. */
  readonly waits: (attempts: Attempts) => void;
  /** `againMs`: when it is tried next, ms since 1970. */
  readonly failed: (error: unknown, againMs: number) => void;
}

const leftShare: number = 1 / 3;
const jitterShare: number = 1 / 20;
/** Authorities allow a few failures an hour (Let's Encrypt: five). */
const pauseMsMin: number = 10 * minuteMs;
const pauseMsMax: number = 6 * hourMs;
const lookMsMax: number = hourMs;
/** No pause is longer: one that is was kept by a clock that was wrong. */
const keptMsMax: number = 24 * hourMs;

/** `chance`: 0 to 1. */
export function renewalDueMs({ fromMs, toMs }: Validity, chance: number): number {
  const lifeMs = Math.max(toMs - fromMs, 0);
  return toMs - lifeMs * (leftShare + jitterShare * chance);
}

/** After so many failures in a row, at least one. `chance`: 0 to 1. */
export function renewalPauseMs(failures: number, chance: number): number {
  return Math.min(pauseMsMin * 2 ** (failures - 1), pauseMsMax) * (1 + chance / 2);
}

export class Renewal implements AsyncDisposable {
  readonly #options: RenewalOptions;
  readonly #stopping = new AbortController();
  readonly #chance: Prng;
  readonly #done: Promise<void>;
  #failures = 0;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#chance = new Prng(toHex(options.ports.random.bytes(8)));
    this.#done = this.#run();
  }

  /** In a row, until now. */
  get failures(): number {
    return this.#failures;
  }

  async #run(): Promise<void> {
    const { ports, validity } = this.#options;
    const { clock, timers } = ports;
    const { signal } = this.#stopping;
    let dueMs = Math.max(validity === null ? 0 : renewalDueMs(validity, this.#chance.fraction()), await this.#keptUntil());
    while (!signal.aborted) {
      const waitMs = dueMs - clock.nowMs();
      if (waitMs > 0) await timers.sleep(Math.min(waitMs, lookMsMax), signal).catch(() => undefined);
      else dueMs = await this.#renew(signal);
    }
  }

  /** Not before that, for what was tried before this process. */
  async #keptUntil(): Promise<number> {
    const { attempts, ports, waits } = this.#options;
    const kept = await attempts.read().catch(() => null);
    if (kept === null) return 0;
    this.#failures = kept.failures;
    const nowMs = ports.clock.nowMs();
    const againMs = Math.min(kept.againMs, nowMs + keptMsMax);
    if (againMs > nowMs) waits({ failures: kept.failures, againMs });
    return againMs;
  }

  /** When it is due again. */
  async #renew(signal: AbortSignal): Promise<number> {
    const { ports, renew, failed, attempts } = this.#options;
    const before = this.#failures;
    const pauseMs = renewalPauseMs(before + 1, this.#chance.fraction());
    try {
      await attempts.write({ failures: before + 1, againMs: ports.clock.nowMs() + pauseMs });
      const dueMs = renewalDueMs(await renew(signal), this.#chance.fraction());
      this.#failures = 0;
      await attempts.write(null).catch(() => undefined);
      // One that is due as soon as it is there must not be followed by another at once.
      return Math.max(dueMs, ports.clock.nowMs() + pauseMsMin);
    } catch (error) {
      if (signal.aborted) {
        // Somebody ended it in order: that is no failure.
        await attempts.write(before === 0 ? null : { failures: before, againMs: 0 }).catch(() => undefined);
        return 0;
      }
      this.#failures = before + 1;
      const againMs = ports.clock.nowMs() + Math.max(pauseMs, askedMs(error));
      await attempts.write({ failures: this.#failures, againMs }).catch(() => undefined);
      failed(error, againMs);
      return againMs;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }
}

/** The pause that an authority asked for (Retry-After); no longer than a day. */
function askedMs(error: unknown): number {
  const context = error instanceof Error && 'context' in error ? (error.context as Readonly<Record<string, unknown>>) : {};
  const seconds = context['retryAfterSeconds'];
  return typeof seconds === 'number' ? Math.min(seconds * 1000, 24 * hourMs) : 0;
}
