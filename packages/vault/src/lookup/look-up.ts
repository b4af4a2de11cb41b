/*
 * What has to look through many refs or much of the index, and so takes long: in this thread, or in one of its own where a server has others to
 * answer meanwhile. What goes in and comes out is plain data, which can be handed from thread to thread.
 */

import type { Measure, RecordDigest, RecordProof } from '@twinvault/format';
import type { SafeObjects } from '../safe-objects.ts';

export interface OfferedRecord {
  /** The record's own. */
  readonly bytes: Uint8Array;
  /** Its refs, a copy. */
  readonly refs: Uint8Array;
  readonly record: RecordProof;
}

export interface OriginAnswer {
  /** Positions that are not at the site, and slips without their blob. */
  readonly missing: number;
  /** Packs in quarantine without which positions would be missing, hexadecimal. */
  readonly quarantined: readonly string[];
}

export interface MeasureRequest {
  readonly own: RecordDigest;
  /** The safeset that it is measured against. */
  readonly last: RecordDigest | null;
  /** The bytes of `last` by its own measure; null where it was not measured. */
  readonly lastBytes: number | null;
}

export type MeasuredRefs = Omit<Measure, 'suspect'>;

export interface LookUp extends AsyncDisposable {
  /** A record as it was offered for commit. `base-unknown`, `record-invalid`. */
  offered(offered: Uint8Array): Promise<OfferedRecord>;
  /** Whether all is there that a record names, one that `offered` gave or that this site stored. The caller holds the lock "commit". */
  origins(refs: Uint8Array): Promise<OriginAnswer>;
  /** Null when the record's own refs cannot be had. */
  measure(request: MeasureRequest): Promise<MeasuredRefs | null>;
}

export type LookUpTask = Exclude<keyof LookUp, typeof Symbol.asyncDispose>;

/** Where a site looks up. */
export interface LookUps {
  /** `sizeBytes`: of the records that are looked at. */
  open(objects: SafeObjects, sizeBytes: number): Promise<LookUp>;
}
