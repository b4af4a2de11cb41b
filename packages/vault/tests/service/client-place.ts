/* A site that serves in this process, and clients of it whose network the test may spoil. */

import { openRemoteVault } from '@twinvault/protocol/wire';
import type { RemoteVault } from '@twinvault/protocol/wire';
import type { Clock, HttpAnswer, HttpRequest, Network, Timers } from '@twinvault/std';
import { nodeNetwork, systemClock, systemRandom, systemTimers } from '@twinvault/std/node';
import { settle } from '@twinvault/testkit';
import { servicePlace } from './service-place.ts';
import type { ServicePlace } from './service-place.ts';

/** What becomes of one request: `send` passes it on to the site. */
export type Between = (request: HttpRequest, send: (request: HttpRequest) => Promise<HttpAnswer>) => Promise<HttpAnswer>;

export interface ClientOptions {
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly signal?: AbortSignal;
}

export interface ClientPlace extends AsyncDisposable {
  readonly place: ServicePlace;
  readonly capability: string;
  /** Method and path of each request so far, below `/v1`. */
  readonly sent: string[];
  between: Between;
  client(options?: ClientOptions): Promise<RemoteVault>;
}

/** Pauses between repetitions take no time. */
export const impatient: Timers = {
  sleep: (_, signal) => settle().then(() => signal?.throwIfAborted()),
  every: (periodMs, tick) => systemTimers.every(periodMs, tick),
};

export async function clientPlace(): Promise<ClientPlace> {
  const place = await servicePlace();
  const direct = nodeNetwork();
  const capability = await place.token({ verbs: ['create', 'write'] });
  const address = place.base.replace(/\/v1$/u, '');
  const made: ClientPlace = {
    place,
    capability,
    sent: [],
    between: (request, send) => send(request),
    client: ({ clock = systemClock, timers = impatient, signal } = {}) => {
      const network: Network = {
        request: (request) => {
          made.sent.push(`${request.method} ${request.url.slice(place.base.length)}`);
          return made.between(request, (passed) => direct.request(passed));
        },
      };
      const ports = { network, clock, timers, random: systemRandom };
      return openRemoteVault({ address, capability, ports, ...(signal === undefined ? {} : { signal }) });
    },
    [Symbol.asyncDispose]: async () => {
      direct[Symbol.dispose]();
      await place.service.stop();
    },
  };
  return made;
}
