/*
 * The primitives that run over every byte: what Node's own modules and the executable's libraries both can do.
 *
 * Lengths are checked by the caller: `primitives.ts` alone calls these.
 */

import type { SecretKey } from '../../ports/primitives.ts';

export interface Bulk {
  /** HMAC-SHA-256 over the concatenation of the parts, 32 bytes. `key`: a NodeSecretKey. */
  hmacSha256(key: SecretKey, parts: readonly Uint8Array[]): Uint8Array;
  /** SHA-256 of each message, 32 bytes. */
  sha256Each(messages: readonly Uint8Array[]): Uint8Array[];
  /** HMAC-SHA-256 of each message behind a prefix of less than 64 bytes. `key`: a NodeSecretKey. */
  hmacSha256Each(key: SecretKey, prefix: Uint8Array, messages: readonly Uint8Array[]): Uint8Array[];
  /** AES-256-GCM. `target`: as long as the plaintext and its tag. */
  gcmSealInto(call: GcmCall, plaintext: Uint8Array, target: Uint8Array): void;
  /** `target`: as long as the plaintext. False when the tag does not fit; what stands in the target then means nothing. */
  gcmOpenInto(call: GcmCall, sealed: Uint8Array, target: Uint8Array): boolean;
  /** Length of the frame. `target`: at least `zstdBound` bytes. */
  zstdCompressInto(data: Uint8Array, level: number, target: Uint8Array): number;
  /** One frame of exactly as many bytes as the target has. False when it is not. */
  zstdDecompressInto(frame: Uint8Array, target: Uint8Array): boolean;
}

export interface GcmCall {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

export const tagBytes = 16;
