/*
 * Where nodes end by the PRF, docs/format/catalog.md: after a key k if the upper half of SipHash-2-4(cutter key of kind
 * catalog, u8 level | k) is below 2^32 / 128.
 */

import { SipHasher } from '../cutting/siphash.ts';
import { nodeBoundThreshold } from './catalog-limits.ts';

/** Below this many bytes a loop is faster than TypedArray.set (Node 24, x64). */
const loopBytesMax = 24;
const keyOffset = 1;

export class NodeBounds {
  readonly #hasher: SipHasher;
  readonly #scratch: Uint8Array;
  /** Length of the directory path that stands in the scratch; -1: none. */
  #directoryBytes = -1;

  /** `cutterKey`: 16 bytes, of kind catalog. */
  constructor(cutterKey: Uint8Array) {
    this.#hasher = new SipHasher(cutterKey);
    this.#scratch = this.#hasher.scratch;
  }

  /** Whether a leaf ends after this entry. `sameDirectory`: as in the last call, between which nothing else was asked. */
  endsAfterEntry(directory: Uint8Array, name: Uint8Array, sameDirectory: boolean): boolean {
    const scratch = this.#scratch;
    if (!sameDirectory || this.#directoryBytes !== directory.length) {
      scratch[0] = 0;
      scratch.set(directory, keyOffset);
      scratch[keyOffset + directory.length] = 0;
      scratch[keyOffset + directory.length + 1] = 0;
      this.#directoryBytes = directory.length;
    }
    const offset = keyOffset + directory.length + 2;
    if (name.length <= loopBytesMax) {
      for (let index = 0; index < name.length; index += 1) scratch[offset + index] = name[index] ?? 0;
    } else {
      scratch.set(name, offset);
    }
    return this.#hasher.high(offset + name.length) < nodeBoundThreshold;
  }

  /** Whether a node of this level ends after the child or extent with this key. */
  endsAfterKey(level: number, key: Uint8Array): boolean {
    this.#directoryBytes = -1;
    this.#scratch[0] = level;
    this.#scratch.set(key, keyOffset);
    return this.#hasher.high(keyOffset + key.length) < nodeBoundThreshold;
  }
}
