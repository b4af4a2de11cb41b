/*
 * The primitives port on Node: node:crypto (OpenSSL) and node:zlib. @noble/post-quantum serves one call alone, the
 * encapsulation with given randomness, which OpenSSL does not offer; it is loaded at the first such call (16 ms).
 *
 * Every result is a plain Uint8Array, never a Buffer.
 */
/* oxlint-disable eslint/max-params -- the port gives the cryptographic calls their usual order of inputs */

import crypto, { type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import type * as MlKemModule from '@noble/post-quantum/ml-kem.js';
import { ed25519InputStrict } from '../crypto/ed25519-strict.ts';
import { hkdfWith } from '../crypto/hkdf.ts';
import { xwingFrom } from '../crypto/xwing.ts';
import { requireZstdLevel, zstdBound, zstdFrameFits } from '../crypto/zstd-frame.ts';
import type { Encapsulation, Primitives, SecretKey, Sha256 } from '../ports/primitives.ts';
import { ed25519PrivateKey, ed25519PublicKeyObject, keyBytes, mlKemPrivateKey, mlKemPublicKeyObject } from './der-keys.ts';
import { x25519PrivateKey, x25519PublicKeyObject } from './der-keys.ts';

const tagBytes = 16;
const pieceBytes = 65_536;

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class NodeSecretKey implements SecretKey {
  readonly kind = 'secret-key';
  readonly #key: KeyObject;

  constructor(raw: Uint8Array) {
    this.#key = crypto.createSecretKey(raw);
  }

  export(): Uint8Array {
    return plain(this.#key.export());
  }

  static keyOf(key: SecretKey): KeyObject {
    if (!(key instanceof NodeSecretKey)) throw new TypeError('the key was made by another implementation');
    return key.#key;
  }

  static aesKeyOf(key: SecretKey): KeyObject {
    const inner = NodeSecretKey.keyOf(key);
    if (inner.symmetricKeySize !== 32) throw new RangeError('an AES-256 key has 32 bytes');
    return inner;
  }
}

function hash(data: Uint8Array): Uint8Array {
  return plain(crypto.hash('sha256', data, 'buffer'));
}

function hmac(key: KeyObject | Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const running = crypto.createHmac('sha256', key);
  for (const part of parts) running.update(part);
  return plain(running.digest());
}

class NodeSha256 implements Sha256 {
  readonly #running = crypto.createHash('sha256');

  update(data: Uint8Array): Sha256 {
    this.#running.update(data);
    return this;
  }

  digest(): Uint8Array {
    return plain(this.#running.digest());
  }
}

function requireNonce(nonce: Uint8Array, length: number): void {
  if (nonce.length !== length) throw new RangeError(`the nonce or IV has ${length} bytes`);
}

/**
 * In pieces whose buffers the allocator hands out again: results of a mebibyte each come as fresh pages, which cost 0.4 ms
 * a mebibyte on top of 0.75 (Linux x64, Node 24.21).
 */
function aesGcmSealInto(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, target: Uint8Array): void {
  requireNonce(nonce, 12);
  if (target.length !== plaintext.length + tagBytes) throw new RangeError('the target is the ciphertext and its tag');
  const cipher = crypto.createCipheriv('aes-256-gcm', NodeSecretKey.aesKeyOf(key), nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  for (let offset = 0; offset < plaintext.length; offset += pieceBytes) {
    // GCM is a stream mode: update() gives everything, final() nothing.
    const piece = cipher.update(plaintext.subarray(offset, offset + pieceBytes));
    target.set(piece, offset);
    // Given back now: 64 MB of them would wait for a garbage collection, and bring it on.
    if (piece.byteLength === piece.buffer.byteLength) piece.buffer.transfer(0);
  }
  cipher.final();
  target.set(cipher.getAuthTag(), plaintext.length);
}

function aesGcmSeal(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  // Not zeroed: every byte is written.
  const sealed = plain(Buffer.allocUnsafeSlow(plaintext.length + tagBytes));
  aesGcmSealInto(key, nonce, aad, plaintext, sealed);
  return sealed;
}

function aesGcmOpen(key: SecretKey, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | null {
  requireNonce(nonce, 12);
  const inner = NodeSecretKey.aesKeyOf(key);
  const plainBytes = ciphertext.length - tagBytes;
  if (plainBytes < 0) return null;
  const decipher = crypto.createDecipheriv('aes-256-gcm', inner, nonce, { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(ciphertext.subarray(plainBytes));
  const opened = decipher.update(ciphertext.subarray(0, plainBytes));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return plain(opened);
}

function cbc(direction: 'encrypt' | 'decrypt', key: SecretKey, iv: Uint8Array, input: Uint8Array): Uint8Array {
  requireNonce(iv, 16);
  if (input.length % 16 !== 0) throw new RangeError('CBC takes whole blocks of 16 bytes');
  const create = direction === 'encrypt' ? crypto.createCipheriv : crypto.createDecipheriv;
  const cipher = create('aes-256-cbc', NodeSecretKey.aesKeyOf(key), iv);
  cipher.setAutoPadding(false);
  const output = cipher.update(input);
  cipher.final();
  return plain(output);
}

function zstdCompress(data: Uint8Array, level: number): Uint8Array {
  requireZstdLevel(level);
  // The default of 16 KiB pieces costs a third of the speed. The copy lets go of the oversized buffer.
  const frame = zlib.zstdCompressSync(data, {
    chunkSize: Math.max(zstdBound(data.length), 64),
    pledgedSrcSize: data.length,
    params: {
      [zlib.constants.ZSTD_c_compressionLevel]: level,
      [zlib.constants.ZSTD_c_contentSizeFlag]: 1,
      [zlib.constants.ZSTD_c_checksumFlag]: 0,
    },
  });
  const copy = new Uint8Array(frame);
  // Now rather than when the garbage collector comes: it lets 64 MB of such buffers pile up in each thread first.
  if (frame.buffer.byteLength > pooledBytesMax) frame.buffer.transfer(0);
  return copy;
}

/** Smaller buffers may be slices of Node's pool. */
const pooledBytesMax = 128 * 1024;

function zstdDecompress(frame: Uint8Array, plainBytes: number): Uint8Array | null {
  if (!zstdFrameFits(frame, plainBytes)) return null;
  try {
    // With room for everything in one piece the decoder needs no window of its own.
    const data = zlib.zstdDecompressSync(frame, {
      chunkSize: Math.max(plainBytes, 64),
      maxOutputLength: Math.max(plainBytes, 1),
    });
    return data.length === plainBytes ? plain(data) : null;
  } catch {
    return null;
  }
}

/** The last few keys, ready for use. Names are digests, so that no seed stays behind in a map. */
function keyCache(make: (raw: Uint8Array) => KeyObject): (raw: Uint8Array) => KeyObject {
  const countMax = 64;
  const keys = new Map<string, KeyObject>();
  return (raw) => {
    const name = crypto.hash('sha256', raw, 'hex');
    let key = keys.get(name);
    if (key === undefined) {
      key = make(raw);
      if (keys.size >= countMax) for (const oldest of keys.keys()) if (keys.delete(oldest)) break;
      keys.set(name, key);
    }
    return key;
  };
}

const signingKey = keyCache(ed25519PrivateKey);
const verifyingKey = keyCache(ed25519PublicKeyObject);

function requireKeyBytes(key: Uint8Array): void {
  if (key.length !== 32) throw new RangeError('the key has 32 bytes');
}

function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!ed25519InputStrict(publicKey, signature)) return false;
  try {
    return crypto.verify(null, message, verifyingKey(publicKey), signature);
  } catch {
    return false;
  }
}

function x25519PublicKey(secret: Uint8Array): Uint8Array {
  requireKeyBytes(secret);
  return keyBytes(crypto.createPublicKey(x25519PrivateKey(secret)), 32);
}

function x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | null {
  requireKeyBytes(secret);
  requireKeyBytes(publicKey);
  try {
    // OpenSSL refuses an all-zero result (RFC 7748, section 6.1).
    return plain(crypto.diffieHellman({ privateKey: x25519PrivateKey(secret), publicKey: x25519PublicKeyObject(publicKey) }));
  } catch {
    return null;
  }
}

const require = createRequire(import.meta.url);

function mlKemEncapsulate(publicKey: Uint8Array, random?: Uint8Array): Encapsulation {
  let key: KeyObject;
  try {
    key = mlKemPublicKeyObject(publicKey);
  } catch (cause) {
    throw new RangeError('X-Wing public key is invalid', { cause });
  }
  if (random === undefined) {
    const { sharedKey, ciphertext } = crypto.encapsulate(key);
    return { sharedSecret: plain(sharedKey), ciphertext: plain(ciphertext) };
  }
  const { ml_kem768: mlKem } = require('@noble/post-quantum/ml-kem.js') as typeof MlKemModule;
  const { sharedSecret, cipherText } = mlKem.encapsulate(publicKey, random);
  return { sharedSecret, ciphertext: cipherText };
}

const xwing = xwingFrom({
  shake256: (data, lengthBytes) => plain(crypto.createHash('shake256', { outputLength: lengthBytes }).update(data).digest()),
  sha3: (data) => plain(crypto.hash('sha3-256', data, 'buffer')),
  randomBytes: (count) => plain(crypto.randomBytes(count)),
  mlKemPublicKey: (seed) => keyBytes(crypto.createPublicKey(mlKemPrivateKey(seed)), 1184),
  mlKemEncapsulate,
  mlKemDecapsulate: (seed, ciphertext) => plain(crypto.decapsulate(mlKemPrivateKey(seed), ciphertext)),
  x25519PublicKey,
  x25519,
});

export const primitives: Primitives = {
  sha256: hash,
  sha256Stream: () => new NodeSha256(),
  secretKey: (raw) => new NodeSecretKey(raw),
  hmacSha256: (key, ...parts) => hmac(NodeSecretKey.keyOf(key), parts),
  hkdfSha256: (secret, salt, info, lengthBytes) =>
    hkdfWith((key, ...parts) => hmac(key, parts), { secret, salt, info, lengthBytes }),
  aesGcmSeal,
  aesGcmSealInto,
  aesGcmOpen,
  aesCbcEncrypt: (key, iv, plaintext) => cbc('encrypt', key, iv, plaintext),
  aesCbcDecrypt: (key, iv, ciphertext) => cbc('decrypt', key, iv, ciphertext),
  zstdCompress: (data, { level }) => zstdCompress(data, level),
  zstdDecompress,
  argon2id: (password, salt, { passes, memoryKiB, lanes, outputBytes }) =>
    new Promise((resolve, reject) => {
      crypto.argon2(
        'argon2id',
        { message: password, nonce: salt, passes, memory: memoryKiB, parallelism: lanes, tagLength: outputBytes },
        (error, output) => (error === null ? resolve(plain(output)) : reject(error)),
      );
    }),
  ...xwing,
  ed25519PublicKey: (seed) => {
    requireKeyBytes(seed);
    return keyBytes(crypto.createPublicKey(signingKey(seed)), 32);
  },
  ed25519Sign: (seed, message) => {
    requireKeyBytes(seed);
    return plain(crypto.sign(null, message, signingKey(seed)));
  },
  ed25519Verify,
  x25519PublicKey,
  x25519,
};

/** Resolves when `primitives` may be used: at once here, after loading WebAssembly in a browser. */
export const primitivesReady: Promise<void> = Promise.resolve();
