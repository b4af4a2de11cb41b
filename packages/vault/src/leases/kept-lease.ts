/*
 * A lease that this process took or carries on: renewed by a timer until it is detached or given back. Where the lease stands, and how it is looked
 * after there, is its place's matter.
 *
 * Invariant: once lost or given back it stays so.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { Timer, Timers } from '@twinvault/std';
import { encodeHandle } from './handles.ts';
import { leaseRenewMs } from './leases.ts';
import type { Lease } from './leases.ts';

export interface LeasePlace {
  /** Renews it where it stands; false when it is another's or gone. */
  renew(): Promise<boolean>;
  /** Removes it where it stands, unless it is another's. */
  giveBack(): Promise<void>;
}

export interface KeptLeaseParts {
  readonly timers: Timers;
  readonly name: string;
  readonly token: string;
  readonly fence: number;
  readonly sinceMs: number;
  readonly lapseMs: number;
  readonly place: LeasePlace;
}

export class KeptLease implements Lease {
  readonly fence: number;
  readonly sinceMs: number;
  readonly handle: string;
  readonly #place: LeasePlace;
  readonly #timer: Timer;
  #isDetached = false;
  #isLost = false;

  constructor({ timers, name, token, fence, sinceMs, lapseMs, place }: KeptLeaseParts) {
    this.fence = fence;
    this.sinceMs = sinceMs;
    this.handle = encodeHandle({ name, token, lapseMs });
    this.#place = place;
    const periodMs = Math.min(leaseRenewMs, Math.floor(lapseMs / 4));
    this.#timer = timers.every(periodMs, () => void this.renew().catch(() => undefined));
  }

  async check(): Promise<void> {
    if (!(await this.renew())) throw new ProtocolError('lease-lost', { context: { fence: this.fence } });
  }

  async renew(): Promise<boolean> {
    if (this.#isLost) return false;
    if (!(await this.#place.renew())) this.#isLost = true;
    return !this.#isLost;
  }

  detach(): void {
    this.#isDetached = true;
    this.#timer.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel();
    if (this.#isDetached || this.#isLost) return;
    this.#isLost = true;
    try {
      await this.#place.giveBack();
    } catch {
      // The place cannot be reached; the lease lapses there.
    }
  }
}
