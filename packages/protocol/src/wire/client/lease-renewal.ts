/*
 * Keeps a session or a reading alive: renewed after `renewMs` unless another request did that meanwhile. A renewal that fails says nothing yet: the next
 * request of the lease hears from the site whether it still stands.
 */

import type { Timer } from '@twinvault/std';
import type { LeaseAnswer } from '../safe-json.ts';
import type { RouteName } from '../routes.ts';
import type { Answered, Call, Exchange } from './exchange.ts';

/** A site that names less than this would be asked all the time. */
const renewMsMin = 1000;

export interface LeaseRoutes {
  readonly renew: RouteName;
  readonly close: RouteName;
  readonly parameters: Readonly<Record<string, string>>;
}

export class LeaseRenewal {
  readonly #exchange: Exchange;
  readonly #routes: LeaseRoutes;
  readonly #timer: Timer;
  #renewedMs: number;

  constructor(exchange: Exchange, routes: LeaseRoutes, { renewMs, lapseMs }: LeaseAnswer) {
    this.#exchange = exchange;
    this.#routes = routes;
    const { clock, timers } = exchange.ports;
    this.#renewedMs = clock.monotonicMs();
    const periodMs = Math.max(renewMsMin, renewMs / 2);
    this.#timer = timers.every(periodMs, () => {
      if (clock.monotonicMs() - this.#renewedMs < periodMs) return;
      this.call(routes.renew, { retryMs: lapseMs }).catch(() => undefined);
    });
  }

  /** A request in the lease, which renews it. */
  async call(name: RouteName, call: Call = {}): Promise<Answered> {
    const parameters = { ...this.#routes.parameters, ...call.parameters };
    const answer = await this.#exchange.call(name, { ...call, parameters });
    this.#renewedMs = this.#exchange.ports.clock.monotonicMs();
    return answer;
  }

  /** Gives the lease back. Where the site cannot be told, it lapses by itself. */
  async close(): Promise<void> {
    this.#timer.cancel();
    const { close, parameters } = this.#routes;
    await this.#exchange.call(close, { parameters, retryMs: closeRetryMs, unstoppable: true }).catch(() => undefined);
  }
}

const closeRetryMs = 5000;
