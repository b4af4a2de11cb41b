/*
 * A certificate in files that somebody else renews: they are looked at every hour, and what has changed and is good is taken. What is not good changes nothing; files that
 * are changed one after the other are good at the next look.
 */

import { hourMs } from '@twinvault/std';
import type { Clock, Timers } from '@twinvault/std';
import type { TlsFiles } from '../http/http-app.ts';

export interface WatchedFilesOptions<Certificate extends TlsFiles> {
  readonly ports: { readonly clock: Clock; readonly timers: Timers };
  /** In use now. */
  readonly current: Certificate;
  /** Throws for what is no good. */
  readonly read: () => Promise<Certificate>;
  readonly take: (certificate: Certificate) => void;
  /** `againMs`: when they are looked at next, ms since 1970. */
  readonly failed: (error: unknown, againMs: number) => void;
}

const lookMs: number = hourMs;

export class WatchedFiles<Certificate extends TlsFiles> implements Disposable {
  readonly #options: WatchedFilesOptions<Certificate>;
  readonly #stop: () => void;
  #current: Certificate;
  #failures = 0;

  constructor(options: WatchedFilesOptions<Certificate>) {
    this.#options = options;
    this.#current = options.current;
    const timer = options.ports.timers.every(lookMs, () => void this.#look());
    this.#stop = () => timer.cancel();
  }

  /** In a row, until now. */
  get failures(): number {
    return this.#failures;
  }

  async #look(): Promise<void> {
    const { ports, read, take, failed } = this.#options;
    try {
      const found = await read();
      this.#failures = 0;
      if (found.chain === this.#current.chain && found.key === this.#current.key) return;
      take(found);
      this.#current = found;
    } catch (error) {
      this.#failures += 1;
      failed(error, ports.clock.nowMs() + lookMs);
    }
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
