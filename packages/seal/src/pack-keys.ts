/*
 * Pack keys and slips (docs/format/packs.md).
 *
 *   pack key = HKDF(session secret or state key, SHA-256(header), "twinvault v1 pack" | u8 kind, 32)
 *   slip     = seal(suite, pack key, u32 position | 8 zero bytes, id | SHA-256(blob), K)
 *
 * Invariant: a pack key belongs to one header, whose nonce is random, and seals one slip for each position.
 */

import { concatBytes, primitives, utf8Encode } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import type { ChunkId, PackKind, Suite } from '@twinvault/format';
import { openBytes, sealBytes } from './suites.ts';
import type { SealInput } from './suites.ts';

const packLabel = utf8Encode('twinvault v1 pack');

export interface SlipPlace {
  /** Of the pack. */
  readonly suite: Suite;
  /** In the pack where the slip was first stored. */
  readonly position: number;
  readonly id: ChunkId;
  readonly blobHash: Uint8Array;
}

/** `header`: its stored bytes, KEM ciphertext included. `secret`: the session's, or the state key of state packs. */
export function packKeyOf(input: { kind: PackKind; header: Uint8Array; secret: Uint8Array }): SecretKey {
  const info = concatBytes(packLabel, Uint8Array.of(input.kind));
  return primitives.secretKey(primitives.hkdfSha256(input.secret, primitives.sha256(input.header), info, 32));
}

export function sealSlip(packKey: SecretKey, place: SlipPlace, key: Uint8Array): Uint8Array {
  return sealBytes(place.suite, slipInput(packKey, place), key);
}

/** K, or null when the slip is not of this pack and place. */
export function openSlip(packKey: SecretKey, place: SlipPlace, slip: Uint8Array): Uint8Array | null {
  return openBytes(place.suite, slipInput(packKey, place), slip);
}

function slipInput(packKey: SecretKey, { position, id, blobHash }: SlipPlace): SealInput {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(0, position, true);
  return { key: packKey, nonce, aad: concatBytes(id, blobHash) };
}
