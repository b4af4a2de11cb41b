/*
 * A pack that comes in: its tail first, then what stands before it. Whoever checks it waits for as much as it looks at.
 *
 * Invariant: what `arrived` has not promised is not looked at, since it may be what lay in that memory before.
 */

import { packTailBytes, packTrailerBytes } from '@twinvault/format';

export interface ArrivingPack {
  /** Of the size of the whole pack, as it is stored; its tail is there from the beginning. The memory is somebody else's when the pack was dealt with. */
  readonly bytes: Uint8Array;
  readonly tailBytes: number;
  /** Resolves when the first `countBytes` of what stands before the tail are there, at most all of it. Throws as the connection does that breaks off. */
  readonly arrived: (countBytes: number) => Promise<void>;
}

/** One that is there. Codes of format for bytes that do not end as a pack does. */
export function wholePack(bytes: Uint8Array): ArrivingPack {
  const tailBytes = packTailBytes(bytes.subarray(Math.max(0, bytes.length - packTrailerBytes)));
  return { bytes, tailBytes: Math.min(tailBytes, bytes.length), arrived: () => Promise.resolve() };
}
