/*
 * X-Wing (draft-connolly-cfrg-xwing-kem-06, section 5), built from parts so that Node and browser share the construction
 * and differ in ML-KEM-768, X25519 and Keccak alone.
 *
 *   decapsulation key  32 bytes: the seed
 *   public key         pk_M (1184) | pk_X (32)
 *   ciphertext         ct_M (1088) | ct_X (32)
 */

import { concatBytes } from '../bytes.ts';
import type { Encapsulation, Primitives } from '../ports/primitives.ts';

const seedBytes = 32;
const encapsulationRandomBytes = 64;
const mlKemPublicKeyBytes = 1184;
const mlKemCiphertextBytes = 1088;
const x25519Bytes = 32;
/** `\./` over `/^\` (section 5.3). */
const label = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);

export interface XwingParts {
  shake256(data: Uint8Array, lengthBytes: number): Uint8Array;
  sha3(data: Uint8Array): Uint8Array;
  randomBytes(count: number): Uint8Array;
  /** `seed`: d | z of FIPS 203, 64 bytes. */
  mlKemPublicKey(seed: Uint8Array): Uint8Array;
  /** `random` (m of FIPS 203, 32 bytes) from the system when omitted; throws when the key fails the modulus check. */
  mlKemEncapsulate(publicKey: Uint8Array, random?: Uint8Array): Encapsulation;
  mlKemDecapsulate(seed: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | null;
}

export type Xwing = Pick<Primitives, 'xwingPublicKey' | 'xwingEncapsulate' | 'xwingDecapsulate'>;

function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`X-Wing ${what} is not ${length} bytes`);
}

/** Section 5.2: SHAKE256(seed, 96 bytes) = d | z | sk_X. */
function expand(parts: XwingParts, seed: Uint8Array): { readonly mlKemSeed: Uint8Array; readonly secretX: Uint8Array } {
  requireLength(seed, seedBytes, 'seed');
  const expanded = parts.shake256(seed, 96);
  return { mlKemSeed: expanded.subarray(0, 64), secretX: expanded.subarray(64, 96) };
}

/**
 * The draft uses the X25519 function of RFC 7748 without the optional check for an all-zero result (its combiner takes in
 * ct_X and pk_X), so a result that the port reports as null counts as zeros here.
 */
function shareX(parts: XwingParts, secret: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return parts.x25519(secret, publicKey) ?? new Uint8Array(x25519Bytes);
}

/** Builds the three X-Wing calls of the primitives port. */
export function xwingFrom(parts: XwingParts): Xwing {
  return {
    xwingPublicKey: (seed) => {
      const { mlKemSeed, secretX } = expand(parts, seed);
      return concatBytes(parts.mlKemPublicKey(mlKemSeed), parts.x25519PublicKey(secretX));
    },

    xwingEncapsulate: (publicKey, random) => {
      requireLength(publicKey, mlKemPublicKeyBytes + x25519Bytes, 'public key');
      if (random !== undefined) requireLength(random, encapsulationRandomBytes, 'randomness');
      const publicM = publicKey.subarray(0, mlKemPublicKeyBytes);
      const publicX = publicKey.subarray(mlKemPublicKeyBytes);
      const shareM = parts.mlKemEncapsulate(publicM, random?.subarray(0, 32));
      const ephemeral = random?.subarray(32) ?? parts.randomBytes(x25519Bytes);
      const ciphertextX = parts.x25519PublicKey(ephemeral);
      const shared = shareX(parts, ephemeral, publicX);
      return {
        sharedSecret: parts.sha3(concatBytes(shareM.sharedSecret, shared, ciphertextX, publicX, label)),
        ciphertext: concatBytes(shareM.ciphertext, ciphertextX),
      };
    },

    xwingDecapsulate: (seed, ciphertext) => {
      requireLength(ciphertext, mlKemCiphertextBytes + x25519Bytes, 'ciphertext');
      const { mlKemSeed, secretX } = expand(parts, seed);
      const ciphertextX = ciphertext.subarray(mlKemCiphertextBytes);
      const shareM = parts.mlKemDecapsulate(mlKemSeed, ciphertext.subarray(0, mlKemCiphertextBytes));
      const shared = shareX(parts, secretX, ciphertextX);
      return parts.sha3(concatBytes(shareM, shared, ciphertextX, parts.x25519PublicKey(secretX), label));
    },
  };
}
