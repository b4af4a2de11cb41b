/*
 * Leases: who may do something, until when. A lease is named like an object of the store; one holder at a time has a name, and each
 * taking over of a lapsed one counts its fence up. The port that files of a directory and a database implement.
 *
 * Promises: times are of whoever keeps the leases, never of a holder; a holder that lost its lease finds that out at `check`; what a
 * rebuild voids is lost. A lease is renewed by the process that took it, until it is detached: then whoever has its handle carries it on.
 */

import { minuteMs, secondMs } from '@twinvault/std';
import type { Note } from '../store/notes.ts';

export const leaseRenewMs: number = 30 * secondMs;
export const leaseLapseMs: number = 5 * minuteMs;
export const lockLapseMs: number = 2 * minuteMs;

export interface LeaseRequest {
  /** `<folder>/<last part>`, as the layout of the store has it. */
  readonly name: string;
  readonly lapseMs: number;
  /** The site's generation, hexadecimal. */
  readonly generation: string;
  /** What others may see of the holder: ids alone. */
  readonly about?: Note;
  /** No process holds it: it is not free because the one that took it is gone, only when it was not renewed. */
  readonly carried?: boolean;
}

export type LeaseAnswer = { readonly type: 'taken'; readonly lease: Lease } | { readonly type: 'held'; readonly by: LeaseHolder };

/** What can be told of a lease that somebody else holds. */
export interface LeaseHolder {
  /** Empty where it cannot be read. */
  readonly about: Note;
  /** The process, empty where no process holds it. */
  readonly holder: string;
  /** Time of taking; null where it cannot be read. */
  readonly sinceMs: number | null;
  readonly renewedMs: number;
}

export interface OpenLease {
  /** Last part of the name. */
  readonly name: string;
  /** Time of taking; null when the lease cannot be read. */
  readonly sinceMs: number | null;
}

export interface Lease extends AsyncDisposable {
  readonly fence: number;
  /** Time of taking. */
  readonly sinceMs: number;
  /** With it another process carries the lease on: `Leases.resume`. Whoever has it can end the lease: it stays inside the site. */
  readonly handle: string;
  /** Looks after the lease and renews it; `lease-lost` when it is another's, voided or given back. */
  check(): Promise<void>;
  /** False when the lease was lost. A failure to reach it is not yet a loss: it throws. */
  renew(): Promise<boolean>;
  /** Stops renewing it by itself; it stands until it lapses, `check` and `renew` go on working, and the handle carries it on. */
  detach(): void;
  /** Gives it back, unless it is detached; idempotent. What cannot be given back lapses. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Leases {
  /** Their time, ms since 1970. */
  nowMs(): Promise<number>;
  /** Takes the lease, or says who holds it. */
  take(request: LeaseRequest): Promise<LeaseAnswer>;
  /** Carries on a lease and renews it now; the process renews it until it is detached or given back. Null when it was lost or lapsed. */
  resume(handle: string): Promise<Lease | null>;
  /** Leases of the folder that have neither ended nor lapsed at `nowMs`. */
  open(folder: string, nowMs: number): Promise<OpenLease[]>;
  /** Removes leases of the folder that lapsed; their holders, should they still live, find that out at their next check. The number removed. */
  discardLapsed(folder: string, nowMs: number): Promise<number>;
  /** Takes the leases of the folder from whoever holds them; the number removed. */
  voidAll(folder: string): Promise<number>;
}
