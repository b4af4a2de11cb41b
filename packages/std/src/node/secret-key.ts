/* A secret on Node: raw bytes, and whatever form of it a call needs once it does. */

import crypto, { type KeyObject } from 'node:crypto';
import type { SecretKey } from '../ports/primitives.ts';

/** What a digest has come to after a key's block: one for the text, one for the digest of that. Secret as the key itself. */
export interface HmacStates {
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

export class NodeSecretKey implements SecretKey {
  readonly kind = 'secret-key';
  readonly #raw: Uint8Array;
  #key: KeyObject | undefined;
  #states: HmacStates | undefined;

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

  /** Made at the first call; `make` must not keep its input. */
  static hmacStatesOf(key: SecretKey, make: (raw: Uint8Array) => HmacStates): HmacStates {
    const inner = NodeSecretKey.#of(key);
    inner.#states ??= make(inner.#raw);
    return inner.#states;
  }

  /** The key itself: nobody writes to it. */
  static aesKeyOf(key: SecretKey): Uint8Array {
    const raw = NodeSecretKey.#of(key).#raw;
    if (raw.length !== 32) throw new RangeError('an AES-256 key has 32 bytes');
    return raw;
  }
}
