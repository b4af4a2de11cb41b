/*
 * The primitives port in a browser: @noble/* (audited JavaScript), hash-wasm for Argon2id and zstd compiled to
 * WebAssembly. All calls but zstd's and Argon2id's work at once; `primitivesReady` says when zstd does. Also runs under Node, where
 * the tests hold it equal to the Node implementation.
 */
/* oxlint-disable eslint/max-params -- the port gives the cryptographic calls their usual order of inputs */

import { compress, decompress, init } from '@bokuweb/zstd-wasm';
import { cbc, gcm } from '@noble/ciphers/aes.js';
import { ed25519, x25519 as curveX25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { sha3_256 as sha3, shake256 } from '@noble/hashes/sha3.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { ml_kem768 as mlKem } from '@noble/post-quantum/ml-kem.js';
import { argon2id } from 'hash-wasm';
import { equalBytes } from '../bytes.ts';
import { ed25519InputStrict } from '../crypto/ed25519-strict.ts';
import { hkdfWith } from '../crypto/hkdf.ts';
import { xwingFrom } from '../crypto/xwing.ts';
import { requireZstdLevel, zstdBound, zstdFrameFits } from '../crypto/zstd-frame.ts';
import type { Encapsulation, Primitives, SecretKey, Sha256 } from '../ports/primitives.ts';

const tagBytes = 16;

interface RunningHmac {
  update(data: Uint8Array): unknown;
  digest(): Uint8Array;
  clone(): RunningHmac;
}

class BrowserSecretKey implements SecretKey {
  readonly kind = 'secret-key';
  readonly #raw: Uint8Array;
  #hmac: RunningHmac | undefined;

  constructor(raw: Uint8Array) {
    this.#raw = raw.slice();
  }

  export(): Uint8Array {
    return this.#raw.slice();
  }

  static of(key: SecretKey): BrowserSecretKey {
    if (!(key instanceof BrowserSecretKey)) throw new TypeError('the key was made by another implementation');
    return key;
  }

  /** The key's two blocks are hashed once; each call goes on from a copy. */
  hmac(): RunningHmac {
    this.#hmac ??= hmac.create(sha256, this.#raw);
    return this.#hmac.clone();
  }

  aes(): Uint8Array {
    if (this.#raw.length !== 32) throw new RangeError('an AES-256 key has 32 bytes');
    return this.#raw;
  }
}

class BrowserSha256 implements Sha256 {
  readonly #running = sha256.create();

  update(data: Uint8Array): Sha256 {
    this.#running.update(data);
    return this;
  }

  digest(): Uint8Array {
    return this.#running.digest();
  }
}

function hmacParts(running: RunningHmac, parts: readonly Uint8Array[]): Uint8Array {
  for (const part of parts) running.update(part);
  return running.digest();
}

function requireNonce(nonce: Uint8Array, length: number): void {
  if (nonce.length !== length) throw new RangeError(`the nonce or IV has ${length} bytes`);
}

function aesGcmOpen(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {
  requireNonce(nonce, 12);
  const raw = BrowserSecretKey.of(key).aes();
  if (ciphertext.length < tagBytes) return null;
  try {
    return gcm(raw, nonce, aad).decrypt(ciphertext);
  } catch {
    return null;
  }
}

function cbcOf(key: SecretKey, iv: Uint8Array, input: Uint8Array): ReturnType<typeof cbc> {
  requireNonce(iv, 16);
  if (input.length % 16 !== 0) throw new RangeError('CBC takes whole blocks of 16 bytes');
  return cbc(BrowserSecretKey.of(key).aes(), iv, { disablePadding: true });
}

function zstdDecompress(frame: Uint8Array, plainBytes: number): Uint8Array | null {
  if (!zstdFrameFits(frame, plainBytes)) return null;
  try {
    const data = decompress(frame);
    return data.length === plainBytes ? data : null;
  } catch {
    return null;
  }
}

function requireKeyBytes(key: Uint8Array): void {
  if (key.length !== 32) throw new RangeError('the key has 32 bytes');
}

function numberLe(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes.slice().toReversed()) value = (value << 8n) | BigInt(byte);
  return value;
}

/** Cofactorless, as OpenSSL does it; the library's own verification multiplies by the cofactor and takes more signatures. */
function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!ed25519InputStrict(publicKey, signature)) return false;
  try {
    const { Point } = ed25519;
    const commitment = signature.subarray(0, 32);
    const key = Point.fromBytes(publicKey, false);
    const challenge = sha512.create().update(commitment).update(publicKey).update(message).digest();
    const k = numberLe(challenge) % Point.Fn.ORDER;
    const s = numberLe(signature.subarray(32));
    const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
    return equalBytes(expected.toBytes(), commitment);
  } catch {
    return false;
  }
}

function x25519PublicKey(secret: Uint8Array): Uint8Array {
  requireKeyBytes(secret);
  return curveX25519.getPublicKey(secret);
}

function x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  requireKeyBytes(secret);
  requireKeyBytes(publicKey);
  try {
    // The library refuses an all-zero result (RFC 7748, section 6.1).
    return curveX25519.getSharedSecret(secret, publicKey);
  } catch {
    return null;
  }
}

function mlKemEncapsulate(publicKey: Uint8Array, random?: Uint8Array): Encapsulation {
  try {
    const { sharedSecret, cipherText } =
      random === undefined ? mlKem.encapsulate(publicKey) : mlKem.encapsulate(publicKey, random);
    return { sharedSecret, ciphertext: cipherText };
  } catch (cause) {
    throw new RangeError('X-Wing public key is invalid', { cause });
  }
}

const xwing = xwingFrom({
  shake256: (data, lengthBytes) => shake256(data, { dkLen: lengthBytes }),
  sha3: (data) => sha3(data),
  randomBytes: (count) => randomBytes(count),
  mlKemPublicKey: (seed) => mlKem.keygen(seed).publicKey,
  mlKemEncapsulate,
  mlKemDecapsulate: (seed, ciphertext) => mlKem.decapsulate(ciphertext, mlKem.keygen(seed).secretKey),
  x25519PublicKey,
  x25519,
});

export const primitives: Primitives = {
  sha256: (data) => sha256(data),
  sha256Stream: () => new BrowserSha256(),
  secretKey: (raw) => new BrowserSecretKey(raw),
  hmacSha256: (key, ...parts) => hmacParts(BrowserSecretKey.of(key).hmac(), parts),
  sha256Each: (messages) => messages.map((message) => sha256(message)),
  hmacSha256Each: (key, prefix, messages) => {
    if (prefix.length >= 64) throw new RangeError('the prefix has less than 64 bytes');
    return messages.map((message) => hmacParts(BrowserSecretKey.of(key).hmac(), [prefix, message]));
  },
  hkdfSha256: (secret, salt, info, lengthBytes) =>
    hkdfWith((key, ...parts) => hmacParts(hmac.create(sha256, key), parts), { secret, salt, info, lengthBytes }),
  aesGcmSeal: (key, nonce, aad, plaintext) => {
    requireNonce(nonce, 12);
    return gcm(BrowserSecretKey.of(key).aes(), nonce, aad).encrypt(plaintext);
  },
  aesGcmSealInto: (key, nonce, aad, plaintext, target) => {
    requireNonce(nonce, 12);
    if (target.length !== plaintext.length + tagBytes) throw new RangeError('the target is the ciphertext and its tag');
    target.set(gcm(BrowserSecretKey.of(key).aes(), nonce, aad).encrypt(plaintext));
  },
  aesGcmOpen,
  aesGcmOpenInto: (key, nonce, aad, ciphertext, target) => {
    const opened = aesGcmOpen(key, nonce, aad, ciphertext);
    if (ciphertext.length >= tagBytes && target.length !== ciphertext.length - tagBytes) {
      throw new RangeError('the target is the ciphertext without its tag');
    }
    if (opened !== null) target.set(opened);
    return opened !== null;
  },
  aesCbcEncrypt: (key, iv, plaintext) => cbcOf(key, iv, plaintext).encrypt(plaintext),
  aesCbcDecrypt: (key, iv, ciphertext) => cbcOf(key, iv, ciphertext).decrypt(ciphertext),
  zstdCompress: (data, { level }) => {
    requireZstdLevel(level);
    return compress(data, level);
  },
  zstdCompressInto: (data, { level }, target) => {
    requireZstdLevel(level);
    if (target.length < zstdBound(data.length)) throw new RangeError('the target is shorter than zstdBound');
    const frame = compress(data, level);
    target.set(frame);
    return frame.length;
  },
  zstdDecompress,
  zstdDecompressInto: (frame, target) => {
    const data = zstdDecompress(frame, target.length);
    if (data !== null) target.set(data);
    return data !== null;
  },
  argon2id: (password, salt, { passes, memoryKiB, lanes, outputBytes }) =>
    argon2id({
      password,
      salt,
      iterations: passes,
      memorySize: memoryKiB,
      parallelism: lanes,
      hashLength: outputBytes,
      outputType: 'binary',
    }),
  ...xwing,
  ed25519PublicKey: (seed) => {
    requireKeyBytes(seed);
    return ed25519.getPublicKey(seed);
  },
  ed25519Sign: (seed, message) => {
    requireKeyBytes(seed);
    return ed25519.sign(message, seed);
  },
  ed25519Verify,
  x25519PublicKey,
  x25519,
};

/** Resolves when `primitives` may be used. */
export const primitivesReady: Promise<void> = init();
