/*
 * What is checked of a pack when it arrives: everything that can be seen of it without a key. A site that serves many does it in threads; whoever does
 * it gives back the same bytes, perhaps in another buffer.
 */

import { packHeaderBytesMax, packTailBytes, packTrailerBytes, verifyPackEnds, verifyPackTable } from '@twinvault/format';
import type { PackExpectation, PackName, VerifiedTail } from '@twinvault/format';

/** Of the session in which it arrives. */
export type ArrivedPack = Required<PackExpectation>;

/** Codes of format. */
export type VerifyPack = (name: PackName, bytes: Uint8Array, expected: ArrivedPack) => Promise<Uint8Array>;

// oxlint-disable-next-line typescript/require-await -- what it throws has to reject
export const verifyHere: VerifyPack = async (name, bytes, expected) => {
  verifyPackTable(name, bytes, expected);
  return bytes;
};

/** Header and table of a pack whose every byte was verified. */
export function endsOf(name: PackName, bytes: Uint8Array, expected: ArrivedPack): VerifiedTail {
  const tailBytes = packTailBytes(bytes.subarray(bytes.length - packTrailerBytes));
  const ends = { headerBytes: bytes.subarray(0, packHeaderBytesMax), tail: bytes.subarray(bytes.length - tailBytes) };
  return verifyPackEnds(name, ends, expected);
}
