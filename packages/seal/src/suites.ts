/*
 * The authenticated encryption of both suites (docs/format/keys.md, "Suites").
 *
 *   suite 1   AES-256-GCM, 16-byte tag behind the ciphertext
 *   suite 2   AES-256-CBC, own padding, then HMAC-SHA-256 over u64 length of AAD | AAD | IV | ciphertext; all keys and
 *             the IV by HKDF from key and nonce
 *
 * Invariant: nothing here is random, so that sealing again gives equal bytes. No caller uses a key for two plaintexts
 * under one nonce.
 */

import { ByteWriter, assert, concatBytes, equalSecretBytes, primitives, utf8Encode } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import type { Suite } from '@twinvault/format';

/** What goes into sealing besides the content. */
export interface SealInput {
  /** 32 bytes. */
  readonly key: SecretKey | Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly aad: Uint8Array;
}

export interface SealInto {
  readonly input: SealInput;
  readonly plaintext: Uint8Array;
}

/** For keys that are used once. */
export const zeroNonce: Uint8Array = new Uint8Array(12);

const gcmTagBytes = 16;
const cbcBlockBytes = 16;
const macBytes = 32;
const suite2Info = utf8Encode('twinvault v1 suite2');

/** Length of `sealBytes` of a plaintext of that length. */
export function sealedLength(suite: Suite, plainBytes: number): number {
  if (suite === 1) return plainBytes + gcmTagBytes;
  return plainBytes - (plainBytes % cbcBlockBytes) + cbcBlockBytes + macBytes;
}

export function sealBytes(suite: Suite, input: SealInput, plaintext: Uint8Array): Uint8Array {
  if (suite === 1) return primitives.aesGcmSeal(secretKeyOf(input.key), input.nonce, input.aad, plaintext);
  const keys = suite2Keys(input);
  const padded = new Uint8Array(sealedLength(2, plaintext.length) - macBytes);
  padded.set(plaintext);
  padded.fill(padded.length - plaintext.length, plaintext.length);
  const ciphertext = primitives.aesCbcEncrypt(keys.encryption, keys.iv, padded);
  return concatBytes(ciphertext, suite2Mac(keys, input.aad, ciphertext));
}

/** The same into `target`, which has exactly `sealedLength` bytes: packs are sealed where they lie. */
export function sealBytesInto(target: Uint8Array, suite: Suite, { input, plaintext }: SealInto): void {
  if (suite === 1) {
    primitives.aesGcmSealInto(secretKeyOf(input.key), input.nonce, input.aad, plaintext, target);
    return;
  }
  assert(target.length === sealedLength(suite, plaintext.length), 'the target has another length');
  target.set(sealBytes(suite, input, plaintext));
}

/** Null when the bytes were not sealed with this input, or were changed. */
export function openBytes(suite: Suite, input: SealInput, sealed: Uint8Array): Uint8Array | null {
  return openBytesInto(suite, { input, sealed });
}

export interface OpenFrom {
  readonly input: SealInput;
  readonly sealed: Uint8Array;
  /** Gives so many bytes to put the plaintext into, if that is known before; it may be called and the plaintext be null. */
  readonly memory?: ((lengthBytes: number) => Uint8Array) | undefined;
}

/** The same, where it can into memory of the caller's. */
export function openBytesInto(suite: Suite, { input, sealed, memory }: OpenFrom): Uint8Array | null {
  if (suite === 1) {
    const { nonce, aad } = input;
    const key = secretKeyOf(input.key);
    if (memory === undefined || sealed.length < gcmTagBytes) return primitives.aesGcmOpen(key, nonce, aad, sealed);
    const opened = memory(sealed.length - gcmTagBytes);
    return primitives.aesGcmOpenInto(key, nonce, aad, sealed, opened) ? opened : null;
  }
  const cipherBytes = sealed.length - macBytes;
  if (cipherBytes < cbcBlockBytes || cipherBytes % cbcBlockBytes !== 0) return null;
  const keys = suite2Keys(input);
  const ciphertext = sealed.subarray(0, cipherBytes);
  if (!equalSecretBytes(suite2Mac(keys, input.aad, ciphertext), sealed.subarray(cipherBytes))) return null;
  return withoutPadding(primitives.aesCbcDecrypt(keys.encryption, keys.iv, ciphertext));
}

interface Suite2Keys {
  readonly encryption: SecretKey;
  readonly mac: SecretKey;
  readonly iv: Uint8Array;
}

function suite2Keys({ key, nonce }: SealInput): Suite2Keys {
  const raw = key instanceof Uint8Array ? key : key.export();
  const derived = primitives.hkdfSha256(raw, nonce, suite2Info, 80);
  return {
    encryption: primitives.secretKey(derived.subarray(0, 32)),
    mac: primitives.secretKey(derived.subarray(32, 64)),
    iv: derived.subarray(64, 80),
  };
}

function suite2Mac(keys: Suite2Keys, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const aadLength = new ByteWriter(8).u64(aad.length).finish();
  return primitives.hmacSha256(keys.mac, aadLength, aad, keys.iv, ciphertext);
}

/** Called after the MAC fitted: the time that this takes tells nobody anything. */
function withoutPadding(padded: Uint8Array): Uint8Array | null {
  const count = padded[padded.length - 1] ?? 0;
  if (count < 1 || count > cbcBlockBytes) return null;
  const length = padded.length - count;
  for (let index = length; index < padded.length; index += 1) if (padded[index] !== count) return null;
  return padded.subarray(0, length);
}

function secretKeyOf(key: SecretKey | Uint8Array): SecretKey {
  return key instanceof Uint8Array ? primitives.secretKey(key) : key;
}
