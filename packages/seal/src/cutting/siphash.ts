/*
 * SipHash-2-4 for hot paths, in WebAssembly: about 50 ns for a path, 15 times faster than the reference in std.
 */

import { assert } from '@twinvault/std';
import type { SipHash } from '@twinvault/std';
import { openCuttingModule, pageBytes, scratchOffset } from './cutting-module.ts';
import type { CuttingFunctions } from './cutting-module.ts';

/** SipHash-2-4 under one key. Not shared between threads. */
export class SipHasher {
  /** Where `high` finds its message: callers build it here to save a copy. Its content is theirs. */
  readonly scratch: Uint8Array;
  readonly #functions: CuttingFunctions;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    this.#functions = openCuttingModule(memory, key);
    this.scratch = new Uint8Array(memory.buffer, scratchOffset);
  }

  /** The upper 32 bits of the hash of the first `lengthBytes` bytes of `scratch`. */
  high(lengthBytes: number): number {
    assert(lengthBytes <= pageBytes - scratchOffset, 'message is longer than the scratch');
    return this.#functions.sipHigh(scratchOffset, lengthBytes) >>> 0;
  }

  /** The whole hash of at most 64,512 bytes; overwrites `scratch`. */
  hash(message: Uint8Array): SipHash {
    this.scratch.set(message);
    const high = this.high(message.length);
    return { high, low: this.#functions.sipLow() >>> 0 };
  }
}

/** One hash of at most 64,512 bytes. For many under one key keep a SipHasher. */
export function sipHash24(key: Uint8Array, message: Uint8Array): SipHash {
  return new SipHasher(key).hash(message);
}
