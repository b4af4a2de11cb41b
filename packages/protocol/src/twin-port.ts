/**
 * What a site takes safes in from: its twin over the network, a disk with a seed, or the other site after its own disk was lost. Nothing that comes
 * through here is believed: whoever takes it in verifies it as if an agent had sent it.
 *
 * Every method throws `ProtocolError`.
 */
import type { SafeId, SiteId } from '@twinvault/format';
import type { SiteInfo } from './vault-port.ts';

/**
 * Kinds of a feed, in an order in which each object can be verified when it is met: docs/format/records.md, Two sites. Names are hexadecimal digests, of
 * ledger entries ten decimal digits; a receipt and a stub have the digest of their record.
 */
export const twinObjectKinds = ['erase', 'ledger', 'slots', 'plan', 'pack', 'record', 'receipt', 'stub'] as const;
export type TwinObjectKind = (typeof twinObjectKinds)[number];

export interface TwinObjectName {
  readonly kind: TwinObjectKind;
  readonly name: string;
}

export interface AskedObject extends TwinObjectName {
  /** Of a receipt: the site that signed it, where it is not the source's own. So a site that lost its disk finds its own again. */
  readonly site?: SiteId;
}

export interface TwinEvent extends TwinObjectName {
  /** Counts up in each safe; positions are left out where an object is gone since. */
  readonly position: number;
  readonly bytes: number;
}

export interface TwinFeedPage {
  /** 16 bytes. Another one than before: positions are void, and the feed is read from 0. */
  readonly generation: Uint8Array;
  readonly events: readonly TwinEvent[];
  /** What to ask after next time. */
  readonly next: number;
  /** The newest position of the safe: less than what was read before says that the other was rolled back. */
  readonly last: number;
  /** The other's time, ms since 1970. */
  readonly nowMs: number;
}

export interface TwinSafe {
  readonly safe: SafeId;
  /** The site that appends to its ledger, as far as the other knows. */
  readonly home: SiteId;
  /** Whose share of a site it uses: a name, or its own id, hexadecimal; left out where that is not known. */
  readonly customer?: string;
}

export interface TwinSource extends AsyncDisposable {
  site(): Promise<SiteInfo>;
  safes(): Promise<readonly TwinSafe[]>;
  /** The signed safe descriptor as stored; `safe-unknown`. */
  descriptor(safe: SafeId): Promise<Uint8Array>;
  /** What became durable there after a position, in order; waits up to `waitMs` for something. `safe-unknown`. */
  feed(
    safe: SafeId,
    options: { readonly after: number; readonly waitMs: number; readonly signal?: AbortSignal },
  ): Promise<TwinFeedPage>;
  /** An object's stored bytes; null when it is gone, or stands aside as damaged. */
  object(safe: SafeId, asked: AskedObject): Promise<Uint8Array | null>;
}
