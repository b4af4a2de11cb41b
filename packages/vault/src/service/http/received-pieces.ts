/*
 * Counts what all bodies were received in. Each piece is a buffer of its own outside the heap, so that now and then the young ones have to be collected: why, and
 * what it saves, stands where that is done (packages/std/src/node/young-collection.ts).
 */

import { MiB } from '@twinvault/std';

/** Collected after so many bytes: twice as many let V8 mark the heap in between. */
const collectBytes: number = 4 * MiB;

export class ReceivedPieces {
  readonly #collectYoung: () => void;
  #bytes = 0;

  constructor(collectYoung: () => void) {
    this.#collectYoung = collectYoung;
  }

  /** Called for each piece, when nothing holds those before it any more. */
  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < collectBytes) return;
    this.#bytes = 0;
    this.#collectYoung();
  }
}
