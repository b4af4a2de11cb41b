/* A secret on Node: raw bytes, and a KeyObject once a call needs one. */

import crypto, { type KeyObject } from 'node:crypto';
import type { SecretKey } from '../ports/primitives.ts';

export class NodeSecretKey implements SecretKey {
  readonly kind = 'secret-key';
  readonly #raw: Uint8Array;
  #key: KeyObject | undefined;

  constructor(raw: Uint8Array) {
    this.#raw = raw.slice();
  }

  export(): Uint8Array {
    return this.#raw.slice();
  }

  static #of(key: SecretKey): NodeSecretKey {
    if (!(key instanceof NodeSecretKey)) throw new TypeError('the key was made by another implementation');
    return key;
  }

  static keyOf(key: SecretKey): KeyObject {
    const inner = NodeSecretKey.#of(key);
    inner.#key ??= crypto.createSecretKey(inner.#raw);
    return inner.#key;
  }

  /** The key itself: nobody writes to it. */
  static aesKeyOf(key: SecretKey): Uint8Array {
    const raw = NodeSecretKey.#of(key).#raw;
    if (raw.length !== 32) throw new RangeError('an AES-256 key has 32 bytes');
    return raw;
  }
}
