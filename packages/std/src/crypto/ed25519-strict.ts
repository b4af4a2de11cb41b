/*
 * The checks that make Ed25519 verification strict and equal everywhere, on bytes alone. RFC 8032, section 5.1.7 leaves
 * room (cofactor, encodings); libraries differ in it (Chalkias, Garillot, Nikolaenko: "Taming the Many EdDSAs",
 * eprint 2020/1244). Ours: S below L; the key's y below p and not of small order; the cofactorless equation, compared by
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
/** Order of the base point (RFC 8032, section 5.1). */
const orderBytes = fromBigInt(2n ** 252n + 27742317777372353535851937790883648493n);
const primeBytes = fromBigInt(p);
/** The y of the eight points whose order divides 8: order 4, 1, 2, and twice order 8. */
const smallOrderY: readonly Uint8Array[] = [
  0n,
  1n,
  p - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303021396n,
  p - 2707385501144840649318225287225658788936804267575313519463743609750303021396n,
].map(fromBigInt);

/** Whether the lengths are right, the key canonical and not of small order, and S canonical. */
export function ed25519InputStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (compareBytes(reversed(signature.subarray(32)), orderBytes) >= 0) return false;
  const y = reversed(publicKey);
  // The top bit is the sign of x.
  y[0] = (y[0] ?? 0) & 0x7f;
  if (compareBytes(y, primeBytes) >= 0) return false;
  return !smallOrderY.some((small) => compareBytes(small, y) === 0);
}
