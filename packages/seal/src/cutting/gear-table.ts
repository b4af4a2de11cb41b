/*
 * The public gear table of docs/format/cutting.md: nothing in it is secret, and every implementation has the same.
 */

import { concatBytes, primitives, utf8Encode } from '@twinvault/std';

/** 256 words: `G[b]` = first four bytes, little-endian, of SHA-256("twinvault gear v1" | u8 b). A fresh copy each time. */
export function gearTable(): Uint32Array {
  const label = utf8Encode('twinvault gear v1');
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const digest = primitives.sha256(concatBytes(label, Uint8Array.of(byte)));
    return new DataView(digest.buffer, digest.byteOffset, 4).getUint32(0, true);
  });
}
