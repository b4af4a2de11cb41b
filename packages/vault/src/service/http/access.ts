/*
 * Who asks: the capability of a request, checked offline. A capability that was verified once is remembered by its text, so that a signature is
 * verified once and not with each of the thousands of requests of a run; its time is looked at each time.
 */

import { ProtocolError } from '@twinvault/protocol';
import { demandTime, verifyCapability } from '@twinvault/protocol/wire';
import type { Capability } from '@twinvault/protocol/wire';
import type { SiteId } from '@twinvault/format';
import type { Clock } from '@twinvault/std';

export interface AccessOptions {
  readonly site: SiteId;
  /** Ed25519 public keys. */
  readonly issuers: readonly Uint8Array[];
  /** Capabilities issued before are refused. */
  readonly refuseBeforeMs: number;
}

const rememberedMax = 10_000;
const bearer = 'Bearer ';

export class Access {
  readonly #clock: Clock;
  readonly #options: AccessOptions;
  readonly #remembered = new Map<string, Capability>();

  constructor(clock: Clock, options: AccessOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** `authorization`: the header of the request. `capability-invalid`, `capability-ended`. */
  async caller(authorization: string | undefined): Promise<Capability> {
    if (authorization?.startsWith(bearer) !== true)
      throw new ProtocolError('capability-invalid', { context: { defect: 'missing' } });
    const token = authorization.slice(bearer.length);
    const capability = this.#remembered.get(token) ?? (await this.#verify(token));
    demandTime(capability, this.#clock.nowMs(), this.#options.refuseBeforeMs);
    return capability;
  }

  async #verify(token: string): Promise<Capability> {
    const capability = await verifyCapability(token, this.#options);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= rememberedMax && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(token, capability);
    return capability;
  }
}
