/*
 * Raw keys to KeyObjects and back: node:crypto takes these algorithms only in DER, whose few bytes in front are fixed.
 * PKCS #8 and SPKI: RFC 5958, RFC 5280; X25519 and Ed25519: RFC 8410; ML-KEM with the seed form: RFC 9935.
 */

import crypto, { type KeyObject } from 'node:crypto';
import { concatBytes, fromHex } from '../bytes.ts';

function prefix(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}

const ed25519Private = prefix('302e020100300506032b657004220420');
const ed25519Public = prefix('302a300506032b6570032100');
const x25519Private = prefix('302e020100300506032b656e04220420');
const x25519Public = prefix('302a300506032b656e032100');
/** SEQUENCE { 0, { id-alg-ml-kem-768 }, OCTET STRING { [0] seed (64 bytes) } } */
const mlKemPrivate = prefix('3054020100300b060960864801650304040204428040');
const mlKemPublic = prefix('308204b2300b0609608648016503040402038204a100');

function privateKey(front: Uint8Array, raw: Uint8Array): KeyObject {
  // A Buffer is what the types of node:crypto ask for; it is a view, not a copy.
  return crypto.createPrivateKey({ key: Buffer.from(concatBytes(front, raw).buffer), format: 'der', type: 'pkcs8' });
}

function publicKey(front: Uint8Array, raw: Uint8Array): KeyObject {
  return crypto.createPublicKey({ key: Buffer.from(concatBytes(front, raw).buffer), format: 'der', type: 'spki' });
}

export function ed25519PrivateKey(seed: Uint8Array): KeyObject {
  return privateKey(ed25519Private, seed);
}

export function ed25519PublicKeyObject(raw: Uint8Array): KeyObject {
  return publicKey(ed25519Public, raw);
}

export function x25519PrivateKey(raw: Uint8Array): KeyObject {
  return privateKey(x25519Private, raw);
}

export function x25519PublicKeyObject(raw: Uint8Array): KeyObject {
  return publicKey(x25519Public, raw);
}

/** `seed`: d | z of FIPS 203, 64 bytes. */
export function mlKemPrivateKey(seed: Uint8Array): KeyObject {
  return privateKey(mlKemPrivate, seed);
}

/** Throws when the key fails the modulus check of FIPS 203, section 7.2. */
export function mlKemPublicKeyObject(raw: Uint8Array): KeyObject {
  return publicKey(mlKemPublic, raw);
}

/** The raw bytes at the end of the public key's DER form. */
export function keyBytes(key: KeyObject, lengthBytes: number): Uint8Array {
  const der = key.export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(der.length - lengthBytes));
}
