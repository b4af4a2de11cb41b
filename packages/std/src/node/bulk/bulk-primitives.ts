/*
 * The calls of the primitives port that run over every byte, over either implementation of them. Everything that the
 * implementations rely on is checked here.
 */
/* oxlint-disable eslint/max-params -- the port gives the cryptographic calls their usual order of inputs */

import { requireZstdLevel, zstdBound, zstdFrameFits } from '../../crypto/zstd-frame.ts';
import type { Primitives, SecretKey } from '../../ports/primitives.ts';
import { releaseBytes } from '../../release.ts';
import { NodeSecretKey } from '../secret-key.ts';
import { tagBytes } from './bulk.ts';
import type { Bulk, GcmCall } from './bulk.ts';

export type BulkPrimitives = Pick<
  Primitives,
  | 'hmacSha256'
  | 'sha256Each'
  | 'hmacSha256Each'
  | 'aesGcmSeal'
  | 'aesGcmSealInto'
  | 'aesGcmOpen'
  | 'aesGcmOpenInto'
  | 'zstdCompress'
  | 'zstdCompressInto'
  | 'zstdDecompress'
  | 'zstdDecompressInto'
>;

/** `bulk` is asked for at each call. */
export function bulkPrimitives(bulk: () => Bulk): BulkPrimitives {
  const seal = (call: GcmCall, plaintext: Uint8Array, target: Uint8Array): void => {
    if (target.length !== plaintext.length + tagBytes) throw new RangeError('the target is the ciphertext and its tag');
    bulk().gcmSealInto(call, plaintext, target);
  };
  const open = (call: GcmCall, sealed: Uint8Array, target: Uint8Array): boolean => {
    if (sealed.length < tagBytes) return false;
    if (target.length !== sealed.length - tagBytes) throw new RangeError('the target is the ciphertext without its tag');
    return bulk().gcmOpenInto(call, sealed, target);
  };
  const compress = (data: Uint8Array, level: number, target: Uint8Array): number => {
    requireZstdLevel(level);
    if (target.length < zstdBound(data.length)) throw new RangeError('the target is shorter than zstdBound');
    return bulk().zstdCompressInto(data, level, target);
  };
  return {
    hmacSha256: (key, ...parts) => bulk().hmacSha256(key, parts),
    sha256Each: (messages) => bulk().sha256Each(messages),
    hmacSha256Each: (key, prefix, messages) => {
      if (prefix.length >= 64) throw new RangeError('the prefix has less than 64 bytes');
      return bulk().hmacSha256Each(key, prefix, messages);
    },
    aesGcmSeal: (key, nonce, aad, plaintext) => {
      const sealed = unfilled(plaintext.length + tagBytes);
      seal(gcmCall(key, nonce, aad), plaintext, sealed);
      return sealed;
    },
    aesGcmSealInto: (key, nonce, aad, plaintext, target) => seal(gcmCall(key, nonce, aad), plaintext, target),
    aesGcmOpen: (key, nonce, aad, sealed) => {
      const call = gcmCall(key, nonce, aad);
      const opened = unfilled(Math.max(0, sealed.length - tagBytes));
      return open(call, sealed, opened) ? opened : null;
    },
    aesGcmOpenInto: (key, nonce, aad, sealed, target) => open(gcmCall(key, nonce, aad), sealed, target),
    zstdCompress: (data, { level }) => {
      const frame = unfilled(zstdBound(data.length));
      const length = compress(data, level, frame);
      // The copy lets go of the oversized buffer.
      const copy = frame.slice(0, length);
      releaseBytes(frame);
      return copy;
    },
    zstdCompressInto: (data, { level }, target) => compress(data, level, target),
    zstdDecompress: (frame, plainBytes) => {
      if (!zstdFrameFits(frame, plainBytes)) return null;
      const target = unfilled(plainBytes);
      return bulk().zstdDecompressInto(frame, target) ? target : null;
    },
    zstdDecompressInto: (frame, target) => zstdFrameFits(frame, target.length) && bulk().zstdDecompressInto(frame, target),
  };
}

function gcmCall(key: SecretKey, nonce: Uint8Array, aad: Uint8Array): GcmCall {
  if (nonce.length !== 12) throw new RangeError('the nonce has 12 bytes');
  return { key: NodeSecretKey.aesKeyOf(key), nonce, aad };
}

/** Not zeroed: every byte is written. A buffer of its own, so that it can be handed to another thread. */
function unfilled(lengthBytes: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(lengthBytes);
  return new Uint8Array(buffer, byteOffset, lengthBytes);
}
