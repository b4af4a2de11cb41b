/*
 * The memory in which packs arrive: one piece, shared with the threads that hash them and used again and again. New buffers for each pack would cost more
 * than hashing it: the collector marks the whole heap for every few of them.
 *
 * The system gives the memory when it is first written to, so a site that never had many packs at once never has it; the part of lowest address is used first.
 * Invariant: two ranges that are out at the same time do not overlap. What lay in a range before is still there: whoever takes one reads nothing that he did not
 * write.
 */

import { assert, KiB } from '@twinvault/std';

export interface BodyRange extends Disposable {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

interface Free {
  readonly offset: number;
  readonly length: number;
}

/** Ranges begin at a page of the system. */
const pageBytes: number = 4 * KiB;

export class BodyMemory {
  readonly #memory: SharedArrayBuffer;
  /** By offset; neighbours are joined. */
  #free: readonly Free[];

  /** `sizeBytes`: of all ranges together, a multiple of 4096. */
  constructor(sizeBytes: number) {
    assert(sizeBytes % pageBytes === 0, 'the memory is a number of pages');
    this.#memory = new SharedArrayBuffer(sizeBytes);
    this.#free = [{ offset: 0, length: sizeBytes }];
  }

  get freeBytes(): number {
    return this.#free.reduce((sum, { length }) => sum + length, 0);
  }

  /** Where no range is long enough, which pieces of different lengths can come to, it is memory of its own. */
  take(lengthBytes: number): BodyRange {
    const length = Math.ceil(lengthBytes / pageBytes) * pageBytes;
    const found = this.#free.find((free) => free.length >= length);
    if (found === undefined) return { bytes: new Uint8Array(new SharedArrayBuffer(lengthBytes)), [Symbol.dispose]: () => {} };
    const { offset } = found;
    const rest = found.length === length ? [] : [{ offset: offset + length, length: found.length - length }];
    this.#free = this.#free.flatMap((free) => (free === found ? rest : [free]));
    let isOut = true;
    return {
      bytes: new Uint8Array(this.#memory, offset, lengthBytes),
      [Symbol.dispose]: () => {
        if (isOut) this.#give({ offset, length });
        isOut = false;
      },
    };
  }

  #give(range: Free): void {
    const sorted = [...this.#free, range].sort((a, b) => a.offset - b.offset);
    const joined: Free[] = [];
    for (const { offset, length } of sorted) {
      const last = joined.at(-1);
      if (last !== undefined && last.offset + last.length === offset) {
        joined[joined.length - 1] = { offset: last.offset, length: last.length + length };
      } else {
        joined.push({ offset, length });
      }
    }
    this.#free = joined;
  }
}
