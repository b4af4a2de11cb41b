/*
 * The primitives port on Node: node:crypto (OpenSSL), and for what runs over every byte bulk/. @noble/post-quantum serves
 * one call alone, the encapsulation with given randomness, which OpenSSL does not offer; it is loaded at the first such
 * call (16 ms).
 *
 * Every result is a plain Uint8Array, never a Buffer.
 */
/* oxlint-disable eslint/max-params -- the port gives the cryptographic calls their usual order of inputs */

import crypto, { type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as MlKemModule from '@noble/post-quantum/ml-kem.js';
import { ed25519InputStrict } from '../crypto/ed25519-strict.ts';
import { hkdfWith } from '../crypto/hkdf.ts';
import { xwingFrom } from '../crypto/xwing.ts';
import type { Encapsulation, Primitives, SecretKey, Sha256 } from '../ports/primitives.ts';
import { bulkPrimitives } from './bulk/bulk-primitives.ts';
import type { BulkPrimitives } from './bulk/bulk-primitives.ts';
import type { Bulk } from './bulk/bulk.ts';
import { nativeBulk } from './bulk/native-bulk.ts';
import { nodeBulk } from './bulk/node-bulk.ts';
import { ed25519PrivateKey, ed25519PublicKeyObject, keyBytes, mlKemPrivateKey, mlKemPublicKeyObject } from './der-keys.ts';
import { x25519PrivateKey, x25519PublicKeyObject } from './der-keys.ts';
import { NodeSecretKey } from './secret-key.ts';

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hash(data: Uint8Array): Uint8Array {
  return plain(crypto.hash('sha256', data, 'buffer'));
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
  const { ml_kem768: mlKem } = createRequire(import.meta.url)('@noble/post-quantum/ml-kem.js') as typeof MlKemModule;
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

const common: Omit<Primitives, keyof BulkPrimitives> = {
  sha256: hash,
  sha256Stream: () => new NodeSha256(),
  secretKey: (raw) => new NodeSecretKey(raw),
  // A few calls in each run, most of them before anything else needs koffi.
  hkdfSha256: (secret, salt, info, lengthBytes) =>
    hkdfWith((key, ...parts) => nodeBulk.hmacSha256(new NodeSecretKey(key), parts), { secret, salt, info, lengthBytes }),
  aesCbcEncrypt: (key, iv, plaintext) => cbc('encrypt', key, iv, plaintext),
  aesCbcDecrypt: (key, iv, ciphertext) => cbc('decrypt', key, iv, ciphertext),
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

/** The same over another implementation of what runs over every byte: for the test that holds them equal. */
export function primitivesWith(bulk: () => Bulk): Primitives {
  return { ...common, ...bulkPrimitives(bulk) };
}

let chosen: Bulk | null = null;

/** Loading koffi takes some 20 ms: not before something is sealed or compressed. */
export const primitives: Primitives = primitivesWith(() => (chosen ??= nativeBulk() ?? nodeBulk));

/** Resolves when `primitives` may be used: at once here, after loading WebAssembly in a browser. */
export const primitivesReady: Promise<void> = Promise.resolve();
