/*
 * What the rules of a site know of its twins: the sites that keep the same safes. A site without one has `noTwins`, and is held back by nothing.
 */

import type { SafeId, SiteId } from '@twinvault/format';
import { hourMs } from '@twinvault/std';

/** By how much the clocks of two sites may differ before neither deletes anything. */
export const twinSkewMsMax: number = hourMs;

export interface TwinSite {
  readonly site: SiteId;
  /** Ed25519: its receipts, tombstones and, where it is home, plans. */
  readonly publicKey: Uint8Array;
}

/** How far a twin's feed of a safe was read. */
export interface TwinRead {
  readonly twin: TwinSite;
  /** Our time, in that of the leases, when we asked for the page that turned out to be the last; null: never read to the end. */
  readonly endAskedMs: number | null;
  /** The twin's clock less ours, then. */
  readonly skewMs: number;
}

export interface Twins {
  readonly sites: readonly TwinSite[];
  /** One for each of `sites`. */
  reads(safe: SafeId): Promise<readonly TwinRead[]>;
}

export const noTwins: Twins = { sites: [], reads: () => Promise.resolve([]) };
