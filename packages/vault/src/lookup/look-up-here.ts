import { parseRefs } from '@twinvault/format';
import { measureRefs } from '../commit/measure-refs.ts';
import { readOffered } from '../commit/offered.ts';
import { checkOrigins } from '../commit/origins.ts';
import type { SafeObjects } from '../safe-objects.ts';
import type { LookUp, MeasuredRefs, MeasureRequest, OfferedRecord, OriginAnswer } from './look-up.ts';

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
