/*
 * Where bundles of small files end: docs/format/cutting.md. Equal runs of files give equal bundles whatever stands before
 * them, because a bundle ends after files that the bundle key picks.
 */

import { assert, primitives } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';

/** One file in 64: 2^32 / 64. */
const tagThreshold = 0x0400_0000;

/** HMAC-SHA-256 of the file's content, 32 bytes: says whether a bundle ends after it, and finds copies of it. */
export function bundleTag(bundleKey: SecretKey, content: Uint8Array): Uint8Array {
  return primitives.hmacSha256(bundleKey, content);
}

/** Whether a bundle of at least `bundleBytesMin` bytes ends after the file with this tag. */
export function endsBundle(tag: Uint8Array): boolean {
  assert(tag.length === 32, 'bundle tag is not 32 bytes');
  return new DataView(tag.buffer, tag.byteOffset, 4).getUint32(0, true) < tagThreshold;
}
