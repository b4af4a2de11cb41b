/*
 * HKDF-SHA-256 (RFC 5869) over any HMAC. Written here, since node:crypto's own refuses an info above 1024 bytes, and
 * our info can hold a whole pack header.
 */

type Hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]) => Uint8Array;

const hashBytes = 32;
/** RFC 5869, section 2.3: L <= 255 * HashLen. */
const lengthBytesMax: number = 255 * hashBytes;

export interface HkdfInput {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly lengthBytes: number;
}

export function hkdfWith(hmac: Hmac, { secret, salt, info, lengthBytes }: HkdfInput): Uint8Array {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > lengthBytesMax) {
    throw new RangeError('HKDF length out of range');
  }
  // Section 2.2: an absent salt is HashLen zero bytes, which HMAC cannot tell from an empty key.
  const pseudoRandomKey = hmac(salt.length === 0 ? new Uint8Array(hashBytes) : salt, secret);
  const output = new Uint8Array(lengthBytes);
  let block: Uint8Array = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < lengthBytes; offset += hashBytes, counter += 1) {
    block = hmac(pseudoRandomKey, block, info, Uint8Array.of(counter));
    output.set(block.subarray(0, Math.min(hashBytes, lengthBytes - offset)), offset);
  }
  return output;
}
