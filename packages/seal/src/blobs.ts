/*
 * From plaintext to blob and back (docs/format/packs.md, "From plaintext to blob").
 *
 *   m    = HMAC(content key, u8 kind | plaintext)      secret: whoever holds it can open the blob
 *   id   = HMAC(id key, m)                             public: the chunk id
 *   K    = HMAC(m, "blob" | u8 suite | salt)           one payload is ever sealed under it
 *   blob = seal(suite, K, 0, AAD, payload)             AAD = "TVBL" | u8 version | u8 suite | safe id | u8 kind | id
 *
 * Invariants: a salt is fresh for each stored blob; m and K are never stored outside slips.
 */

import { concatBytes, equalBytes, equalSecretBytes, primitives, utf8Encode } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import { chunkId } from '@twinvault/format';
import type { ChunkId, PackKind, SafeId, Suite } from '@twinvault/format';
import { SealError } from './errors.ts';
import type { KindKeys } from './keys.ts';
import { decodePayload } from './payload.ts';
import { openBytesInto, sealBytesInto, sealedLength, zeroNonce } from './suites.ts';

const formatVersion = 1;
const blobMagic = utf8Encode('TVBL');
const blobLabel = utf8Encode('blob');

export interface ChunkSecret {
  /** 32 bytes; secret. */
  readonly m: Uint8Array;
  readonly id: ChunkId;
}

/** Where a blob belongs: what its key is bound to. */
export interface BlobPlace {
  readonly suite: Suite;
  readonly safe: SafeId;
  readonly kind: PackKind;
  readonly id: ChunkId;
}

export interface SealedBlob {
  readonly blob: Uint8Array;
  /** K, for the slip. */
  readonly key: Uint8Array;
}

/** One pass over the plaintext. */
export function chunkSecret(keys: KindKeys, plaintext: Uint8Array): ChunkSecret {
  const m = primitives.hmacSha256(keys.contentKey, Uint8Array.of(keys.kind), plaintext);
  return { m, id: chunkId(primitives.hmacSha256(keys.idKey, m)) };
}

/** Of several, hashed side by side. */
export function chunkSecrets(keys: KindKeys, plaintexts: readonly Uint8Array[]): ChunkSecret[] {
  const secrets = primitives.hmacSha256Each(keys.contentKey, Uint8Array.of(keys.kind), plaintexts);
  return secrets.map((m) => ({ m, id: chunkId(primitives.hmacSha256(keys.idKey, m)) }));
}

export function verifyChunkId(keys: KindKeys, plaintext: Uint8Array, id: ChunkId): boolean {
  return equalSecretBytes(chunkSecret(keys, plaintext).id, id);
}

/** K of a blob that is sealed with this suite and salt. */
export function blobKey(suite: Suite, m: Uint8Array, salt: Uint8Array): Uint8Array {
  return primitives.hmacSha256(primitives.secretKey(m), blobLabel, Uint8Array.of(suite), salt);
}

export interface BlobToSeal extends BlobPlace {
  readonly m: Uint8Array;
  /** 16 bytes, fresh, or those of the blob that is to be made again. */
  readonly salt: Uint8Array;
  readonly payload: Uint8Array;
  /** Where to seal it, exactly `sealedLength` bytes; a buffer of its own when left out. */
  readonly target?: Uint8Array;
}

export function sealBlob(input: BlobToSeal): SealedBlob {
  const { suite, m, salt, payload, target: blob = new Uint8Array(sealedLength(suite, payload.length)) } = input;
  const key = blobKey(suite, m, salt);
  sealBytesInto(blob, suite, { input: { key, nonce: zeroNonce, aad: blobAad(input) }, plaintext: payload });
  return { blob, key };
}

/** Memory that is used again, for what opening needs: each gives exactly so many bytes. */
export interface OpeningMemory {
  /** For the moment of one call. */
  readonly payload: (lengthBytes: number) => Uint8Array;
  /** For the result. */
  readonly plaintext: (lengthBytes: number) => Uint8Array;
}

export interface BlobToOpen extends BlobPlace {
  readonly key: SecretKey | Uint8Array;
  readonly blob: Uint8Array;
  readonly memory?: OpeningMemory;
}

/** The payload, or null when the blob was not sealed under this key for this place. */
export function openBlob(input: BlobToOpen): Uint8Array | null {
  const { suite, key, blob: sealed, memory } = input;
  return openBytesInto(suite, { input: { key, nonce: zeroNonce, aad: blobAad(input) }, sealed, memory: memory?.payload });
}

/**
 * Whether a blob that another computer stored is what this plaintext seals to under its salt: only then may it be reused.
 * The sealing is dropped either way, so no second payload is ever stored under one K.
 */
export function blobMatches(input: BlobToSeal & { readonly blobHash: Uint8Array }): boolean {
  return equalBytes(primitives.sha256(sealBlob(input).blob), input.blobHash);
}

/** From K to plaintext: `blob-damaged`, `payload-invalid`, `id-mismatch`. */
export function openChunkWithKey(input: BlobToOpen, keys: KindKeys): Uint8Array {
  const payload = openBlob(input);
  if (payload === null) throw new SealError('blob-damaged');
  const plaintext = decodePayload(payload, input.memory?.plaintext);
  if (!verifyChunkId(keys, plaintext, input.id)) throw new SealError('id-mismatch');
  return plaintext;
}

/** As openChunkWithKey with whichever key opens the blob: its slips may be several, and one may be wrong. */
export function openChunkWithKeys(
  input: Omit<BlobToOpen, 'key'> & { readonly keys: readonly Uint8Array[] },
  keys: KindKeys,
): Uint8Array {
  let failure: SealError | null = null;
  for (const key of input.keys) {
    try {
      return openChunkWithKey({ ...input, key }, keys);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      failure = error;
    }
  }
  throw failure ?? new SealError('blob-damaged');
}

function blobAad({ suite, safe, kind, id }: BlobPlace): Uint8Array {
  const middle = Uint8Array.of(formatVersion, suite);
  return concatBytes(blobMagic, middle, safe, Uint8Array.of(kind), id);
}
