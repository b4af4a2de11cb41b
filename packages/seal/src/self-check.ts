/*
 * The self-check (docs/format/packs.md): one blob in 16 is opened again before upload, down to the plaintext and its id.
 * One mismatch switches to all, since it says that the memory of this machine is faulty.
 */

import { SealError } from './errors.ts';
import { openChunkWithKey } from './blobs.ts';
import type { BlobPlace, SealedBlob } from './blobs.ts';
import type { KindKeys } from './keys.ts';

export const selfCheckEvery = 16;

export interface CheckedSealing<Sealed extends SealedBlob> {
  readonly place: BlobPlace;
  readonly keys: KindKeys;
  /** Seals the chunk under a fresh salt each time it is called. */
  readonly seal: () => Sealed;
}

export class SelfCheck {
  #count = 0;
  #mismatches = 0;

  /** Blobs that did not open. Above zero the run warns about the machine's memory. */
  get mismatches(): number {
    return this.#mismatches;
  }

  /** The sealed blob; sealed a second time if the first one did not open. `memory-fault` if neither does. */
  checked<Sealed extends SealedBlob>(sealing: CheckedSealing<Sealed>): Sealed {
    const due = this.#mismatches > 0 || this.#count % selfCheckEvery === 0;
    this.#count += 1;
    const first = sealing.seal();
    if (!due || this.#opens(sealing, first)) return first;
    const second = sealing.seal();
    if (this.#opens(sealing, second)) return second;
    throw new SealError('memory-fault', { context: { mismatches: this.#mismatches } });
  }

  #opens({ place, keys }: CheckedSealing<SealedBlob>, { blob, key }: SealedBlob): boolean {
    try {
      openChunkWithKey({ ...place, key, blob }, keys);
      return true;
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      this.#mismatches += 1;
      return false;
    }
  }
}
