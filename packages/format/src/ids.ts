/*
 * The ids of the format. Each is bytes with a brand that only its parser here gives, so that one is never passed where
 * another belongs. A parser checks the length and gives back the very bytes, not a copy.
 */

import { fromHex } from '@twinvault/std';
import type { Brand } from '@twinvault/std';
import { FormatError } from './errors.ts';

/** First 16 bytes of SHA-256("twinvault safe id v1" | root public key). */
export type SafeId = Brand<Uint8Array, 'SafeId'>;
/** 16 random bytes. */
export type ComputerId = Brand<Uint8Array, 'ComputerId'>;
/** 16 random bytes. */
export type CertificateId = Brand<Uint8Array, 'CertificateId'>;
/** 16 random bytes. */
export type SiteId = Brand<Uint8Array, 'SiteId'>;
/** 16 random bytes: the name of a safeset for people and interfaces. */
export type SafesetId = Brand<Uint8Array, 'SafesetId'>;
/** SHA-256 over header, table, sections and trailer, 32 bytes. */
export type PackName = Brand<Uint8Array, 'PackName'>;
/** Keyed MAC of a chunk's plaintext, 32 bytes. */
export type ChunkId = Brand<Uint8Array, 'ChunkId'>;
/** 32 bytes, see docs/format/records.md. */
export type RecordDigest = Brand<Uint8Array, 'RecordDigest'>;

const shortIdBytes = 16;
const longIdBytes = 32;

function ofLength(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  if (bytes.length !== lengthBytes) {
    throw new FormatError('id-invalid', { context: { lengthBytes: bytes.length, neededBytes: lengthBytes } });
  }
  return bytes;
}

function ofHex(text: string, lengthBytes: number): Uint8Array {
  const bytes = text.length === 2 * lengthBytes ? fromHex(text) : null;
  if (bytes === null) throw new FormatError('id-invalid', { context: { neededBytes: lengthBytes } });
  return bytes;
}

/** 16 bytes; else `id-invalid`. So all that follow; those named `…FromHex` take hexadecimal digits of either case. */
export function safeId(bytes: Uint8Array): SafeId {
  return ofLength(bytes, shortIdBytes) as SafeId;
}

export function safeIdFromHex(text: string): SafeId {
  return ofHex(text, shortIdBytes) as SafeId;
}

export function computerId(bytes: Uint8Array): ComputerId {
  return ofLength(bytes, shortIdBytes) as ComputerId;
}

export function computerIdFromHex(text: string): ComputerId {
  return ofHex(text, shortIdBytes) as ComputerId;
}

export function certificateId(bytes: Uint8Array): CertificateId {
  return ofLength(bytes, shortIdBytes) as CertificateId;
}

export function certificateIdFromHex(text: string): CertificateId {
  return ofHex(text, shortIdBytes) as CertificateId;
}

export function siteId(bytes: Uint8Array): SiteId {
  return ofLength(bytes, shortIdBytes) as SiteId;
}

export function siteIdFromHex(text: string): SiteId {
  return ofHex(text, shortIdBytes) as SiteId;
}

export function safesetId(bytes: Uint8Array): SafesetId {
  return ofLength(bytes, shortIdBytes) as SafesetId;
}

export function safesetIdFromHex(text: string): SafesetId {
  return ofHex(text, shortIdBytes) as SafesetId;
}

/** 32 bytes; else `id-invalid`. */
export function packName(bytes: Uint8Array): PackName {
  return ofLength(bytes, longIdBytes) as PackName;
}

export function packNameFromHex(text: string): PackName {
  return ofHex(text, longIdBytes) as PackName;
}

export function chunkId(bytes: Uint8Array): ChunkId {
  return ofLength(bytes, longIdBytes) as ChunkId;
}

export function chunkIdFromHex(text: string): ChunkId {
  return ofHex(text, longIdBytes) as ChunkId;
}

export function recordDigest(bytes: Uint8Array): RecordDigest {
  return ofLength(bytes, longIdBytes) as RecordDigest;
}

export function recordDigestFromHex(text: string): RecordDigest {
  return ofHex(text, longIdBytes) as RecordDigest;
}
