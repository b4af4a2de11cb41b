/*
 * What has to look through many refs or much of the index, and so takes long: in this thread, or in one of its own where a server has others to
 * answer meanwhile. What goes in and comes out is plain data, which can be handed from thread to thread.
 */

import { parseRefs } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { measureRefs } from '../commit/measure-refs.ts';
import type { MeasuredRefs } from '../commit/measure-refs.ts';
import { readOffered } from '../commit/offered.ts';
import type { OfferedRecord } from '../commit/offered.ts';
import { checkOrigins } from '../commit/origins.ts';
import type { OriginAnswer } from '../commit/origins.ts';
import type { SafeObjects } from '../context.ts';

export interface MeasureRequest {
  readonly own: RecordDigest;
  /** The safeset that it is measured against. */
  readonly last: RecordDigest | null;
  /** The bytes of `last` by its own measure; null where it was not measured. */
  readonly lastBytes: number | null;
}

export interface LookUp extends AsyncDisposable {
  /** A record as it was offered for commit. `base-unknown`, `record-invalid`. */
  offered(offered: Uint8Array): Promise<OfferedRecord>;
  /** Whether all is there that a record names, one that `offered` gave or that this site stored. The caller holds the lock "commit". */
  origins(refs: Uint8Array): Promise<OriginAnswer>;
  /** Null when the record's own refs cannot be had. */
  measure(request: MeasureRequest): Promise<MeasuredRefs | null>;
}

export type LookUpTask = Exclude<keyof LookUp, typeof Symbol.asyncDispose>;

/** In the thread that asks. */
export class LookUpHere implements LookUp {
  readonly #objects: SafeObjects;

  constructor(objects: SafeObjects) {
    this.#objects = objects;
  }

  offered(offered: Uint8Array): Promise<OfferedRecord> {
    return readOffered(this.#objects, offered);
  }

  async origins(refs: Uint8Array): Promise<OriginAnswer> {
    return await checkOrigins(this.#objects, parseRefs(refs));
  }

  measure(request: MeasureRequest): Promise<MeasuredRefs | null> {
    return measureRefs(this.#objects, request);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
