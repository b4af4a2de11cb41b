/*
 * The sealed part of a record: what a safeset holds, for those who can open it (docs/format/records.md, "Sealed").
 *
 *   key       = HKDF(session secret, nonce of the record, "twinvault v1 record", 32), used once
 *   AAD       = SHA-256(object header | public)
 *   plaintext = CBOR {catalog: [chunk id, level], errors: [[path, code]…], host, sources: [path…]}
 */

import { primitives, utf8Encode } from '@twinvault/std';
import {
  catalogLevelMax,
  chunkId,
  decodeCbor,
  encodeCbor,
  errorListMax,
  labelBytesMax,
  pathBytesMax,
  recordSealedBytesMax,
} from '@twinvault/format';
import type { ChunkId, ParsedRecord } from '@twinvault/format';
import { SealError } from './errors.ts';
import { PackKeyring } from './pack-opener.ts';
import type { SealingSession } from './session.ts';
import { openBytes, sealBytes, zeroNonce } from './suites.ts';

export interface CatalogRoot {
  readonly root: ChunkId;
  readonly level: number;
}

export interface RecordError {
  readonly path: Uint8Array;
  /** Error code. */
  readonly code: string;
}

export interface RecordSealedPart {
  readonly catalog: CatalogRoot;
  readonly host: string;
  /** Protected roots, path bytes. */
  readonly sources: readonly Uint8Array[];
  /** At most `errorListMax`; the record's public counts have the true number. */
  readonly errors: readonly RecordError[];
}

export const sourcesMax = 4_096;
const codeBytesMax = 64;
const recordInfo = utf8Encode('twinvault v1 record');

/**
 * `nonce`: 32 fresh bytes, the ones in the record's public part. `publicDigest`: SHA-256(object header | public). Errors
 * beyond `errorListMax`, and those that would take the part over `recordSealedBytesMax`, are left out.
 */
export function sealRecordPart(input: {
  readonly session: SealingSession;
  readonly nonce: Uint8Array;
  readonly publicDigest: Uint8Array;
  readonly part: RecordSealedPart;
}): Uint8Array {
  const { session, nonce, publicDigest, part } = input;
  const key = recordKey(session.secret, nonce);
  return sealBytes(session.suite, { key, nonce: zeroNonce, aad: publicDigest }, encodePart(part));
}

/** `record-sealed-damaged`, `record-part-invalid`, `epoch-unknown`. The record's signature is verifyRecord's business. */
export function openRecordPart(
  input: { readonly record: ParsedRecord } & (
    | { readonly keyring: PackKeyring }
    | { readonly readSeedOf: (epoch: number) => Uint8Array | null }
  ),
): RecordSealedPart {
  const { record } = input;
  const keyring = 'keyring' in input ? input.keyring : new PackKeyring({ readSeedOf: input.readSeedOf });
  const secret = keyring.sessionSecret(record.public.epoch, record.public.kem);
  const key = recordKey(secret, record.public.nonce);
  const plaintext = openBytes(record.suite, { key, nonce: zeroNonce, aad: record.publicDigest }, record.sealed);
  if (plaintext === null) throw new SealError('record-sealed-damaged');
  return decodePart(plaintext);
}

function recordKey(secret: Uint8Array, nonce: Uint8Array): Uint8Array {
  return primitives.hkdfSha256(secret, nonce, recordInfo, 32);
}

function encodePart({ catalog, host, sources, errors }: RecordSealedPart): Uint8Array {
  const encodeWith = (count: number): Uint8Array =>
    encodeCbor({
      catalog: [catalog.root, catalog.level],
      errors: errors.slice(0, count).map(({ path, code }) => [path, code]),
      host,
      sources: [...sources],
    });
  let count = Math.min(errors.length, errorListMax);
  let encoded = encodeWith(count);
  // The suite adds at most 48 bytes.
  while (encoded.length > recordSealedBytesMax - 64 && count > 0) {
    count = Math.floor(count / 2);
    encoded = encodeWith(count);
  }
  return encoded;
}

function decodePart(plaintext: Uint8Array): RecordSealedPart {
  const map = decodeMap(plaintext);
  if (map.size !== 4) throw invalid('keys');
  return {
    catalog: catalogRootOf(map.get('catalog')),
    errors: listOf(map.get('errors'), errorListMax).map(errorOf),
    host: textOf(map.get('host'), labelBytesMax),
    sources: listOf(map.get('sources'), sourcesMax).map((path) => bytesOf(path, pathBytesMax)),
  };
}

function decodeMap(plaintext: Uint8Array): ReadonlyMap<unknown, unknown> {
  let value: unknown;
  try {
    value = decodeCbor(plaintext, { bytesMax: recordSealedBytesMax });
  } catch (cause) {
    throw new SealError('record-part-invalid', { cause, context: { defect: 'CBOR' } });
  }
  if (!(value instanceof Map)) throw invalid('not a map');
  return value;
}

function catalogRootOf(value: unknown): CatalogRoot {
  const [root, level] = listOf(value, 2);
  const inRange = typeof level === 'number' && level >= 0 && level <= catalogLevelMax;
  if (!(root instanceof Uint8Array) || root.length !== 32 || !inRange) throw invalid('catalog');
  return { root: chunkId(root), level };
}

function errorOf(value: unknown): RecordError {
  const pair = listOf(value, 2);
  if (pair.length !== 2) throw invalid('errors');
  return { path: bytesOf(pair[0], pathBytesMax), code: textOf(pair[1], codeBytesMax) };
}

function listOf(value: unknown, countMax: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > countMax) throw invalid('list');
  return value;
}

function bytesOf(value: unknown, bytesMax: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > bytesMax) throw invalid('bytes');
  return value;
}

function textOf(value: unknown, bytesMax: number): string {
  if (typeof value !== 'string' || utf8Encode(value).length > bytesMax) throw invalid('text');
  return value;
}

function invalid(defect: string): SealError {
  return new SealError('record-part-invalid', { context: { defect } });
}
