/*
 * The checks that make Ed25519 verification strict and equal everywhere, on bytes alone. RFC 8032, section 5.1.7 leaves
 * room (cofactor, encodings); libraries differ in it (Chalkias, Garillot, Nikolaenko: "Taming the Many EdDSAs",
 * eprint 2020/1244). Ours: S below L; the key's y below p; neither key nor R of small order; the cofactorless equation, compared by
 * the bytes of R, which thereby must be canonical too.
 */

import { compareBytes } from '../bytes.ts';

/** Numbers are little-endian on the wire; reversed, bytes compare as numbers. */
function reversed(bytes: Uint8Array): Uint8Array {
  return bytes.slice().toReversed();
}

function fromBigInt(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let index = 31, rest = value; index >= 0; index -= 1, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}

const p = 2n ** 255n - 19n;
/** y of a point whose order is 8; the test multiplies it. */
const order8Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
/** Order of the base point (RFC 8032, section 5.1). */
const orderBytes = fromBigInt(2n ** 252n + 27742317777372353535851937790883648493n);
const primeBytes = fromBigInt(p);
/** The y of the eight points whose order divides 8: order 4, 1, 2, and twice order 8. */
const smallOrderY: readonly Uint8Array[] = [0n, 1n, p - 1n, order8Y, p - order8Y].map(fromBigInt);

/** Big-endian, without the top bit, which is the sign of x. */
function yOf(point: Uint8Array): Uint8Array {
  const y = reversed(point);
  y[0] = (y[0] ?? 0) & 0x7f;
  return y;
}

function ofSmallOrder(y: Uint8Array): boolean {
  return smallOrderY.some((small) => compareBytes(small, y) === 0);
}

/** Whether the lengths are right, S is canonical, the key is canonical, and neither the key nor R is of small order. */
export function ed25519InputStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (compareBytes(reversed(signature.subarray(32)), orderBytes) >= 0) return false;
  const y = yOf(publicKey);
  if (compareBytes(y, primeBytes) >= 0) return false;
  // OpenSSL 3.5 refuses an R of small order; so no signature that one platform takes is refused by the other.
  return !ofSmallOrder(y) && !ofSmallOrder(yOf(signature.subarray(0, 32)));
}
