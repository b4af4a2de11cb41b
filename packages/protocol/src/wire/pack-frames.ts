/*
 * A pack on its way to a site: two frames, its tail and then what stands before it. With the tail the receiver has the name of every byte and the hash of
 * every blob, so that it checks blobs while they come.
 *
 *     offset bytes
 *     0      4     length of the tail, T
 *     4      T     tail: table | sections | trailer
 *     4 + T  4     length of the rest, F
 *     8 + T  F     header | blobs
 */

import { packTailBytes, packTrailerBytes } from '@twinvault/format';

/** What the two lengths take. */
export const packFramesBytes = 8;

/** Pieces that follow each other, the large ones views of the pack. Codes of format for bytes that do not end as a pack does. */
export function packFrames(pack: Uint8Array): readonly Uint8Array[] {
  const tailBytes = packTailBytes(pack.subarray(Math.max(0, pack.length - packTrailerBytes)));
  const frontBytes = Math.max(0, pack.length - tailBytes);
  const tail = pack.subarray(frontBytes);
  return [lengthOf(tail), tail, lengthOf({ length: frontBytes }), pack.subarray(0, frontBytes)];
}

function lengthOf({ length }: { readonly length: number }): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}
