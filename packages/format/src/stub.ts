/*
 * The stub of a retired record (`TVST`), docs/format/records.md:
 *
 *     object header | u32 public length | public | SHA-256(refs) | SHA-256(sealed) | signature | u32 tombstone length | tombstone
 *
 * The header's suite is the record's, whose own header differs in the magic alone; so the stub proves the record's digest.
 */

import { concatBytes, equalBytes } from '@twinvault/std';
import { demand, FormatError } from './errors.ts';
import { digestBytes, recordPublicBytesMax, signatureBytes, signedBytesMax } from './limits.ts';
import { encodeObjectHeader, objectHeaderBytes, parseObjectHeader, readU32, u32 } from './objects.ts';
import { parseTombstone } from './receipt.ts';
import { digestOfPublic, digestOfRecord } from './record.ts';
import type { RecordProof } from './record.ts';
import { parseRecordPublic } from './record-public.ts';

export interface ParsedStub extends RecordProof {
  /** Stored bytes. */
  readonly tombstone: Uint8Array;
}

const afterPublicBytes = 2 * digestBytes + signatureBytes + 4;
/** Of a whole stub. */
export const stubBytesMax: number = objectHeaderBytes + 4 + recordPublicBytesMax + afterPublicBytes + signedBytesMax;

/** `tombstone`: stored bytes of one that names this record. Throws as parseStub does otherwise. */
export function encodeStub(record: RecordProof, tombstone: Uint8Array): Uint8Array {
  const bytes = concatBytes(
    encodeObjectHeader('stub', record.suite),
    u32(record.publicBytes.length),
    record.publicBytes,
    record.refsDigest,
    record.sealedDigest,
    record.signature,
    u32(tombstone.length),
    tombstone,
  );
  parseStub(bytes);
  return bytes;
}

/** Form, and that the tombstone names this record. `verifyRecord` checks it as it does the record; verifyTombstone the site. */
export function parseStub(bytes: Uint8Array): ParsedStub {
  if (bytes.length > stubBytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax: stubBytesMax } });
  }
  const suite = parseObjectHeader('stub', bytes, 'record-invalid');
  if (suite === 0) throw new FormatError('suite-unknown', { context: { suite } });
  const start = objectHeaderBytes + 4;
  demand(bytes.length >= start + afterPublicBytes, 'record-invalid', 'shorter than its fixed parts');
  const publicEnd = start + readU32(bytes, objectHeaderBytes);
  const tombstoneStart = publicEnd + afterPublicBytes;
  demand(tombstoneStart <= bytes.length, 'record-invalid', 'lengths do not add up');
  demand(readU32(bytes, tombstoneStart - 4) === bytes.length - tombstoneStart, 'record-invalid', 'lengths do not add up');
  const publicBytes = bytes.slice(start, publicEnd);
  const digests = {
    publicDigest: digestOfPublic(suite, publicBytes),
    refsDigest: bytes.slice(publicEnd, publicEnd + digestBytes),
    sealedDigest: bytes.slice(publicEnd + digestBytes, publicEnd + 2 * digestBytes),
  };
  const signature = bytes.slice(publicEnd + 2 * digestBytes, tombstoneStart - 4);
  const record = parseRecordPublic(publicBytes);
  const digest = digestOfRecord(digests, signature);
  const tombstone = bytes.slice(tombstoneStart);
  demandNames(tombstone, { digest, safe: record.safe });
  return { public: record, publicBytes, suite, signature, digest, tombstone, ...digests };
}

function demandNames(tombstoneBytes: Uint8Array, record: { digest: Uint8Array; safe: Uint8Array }): void {
  const tombstone = parseTombstone(tombstoneBytes);
  demand(equalBytes(tombstone.record, record.digest), 'record-invalid', 'tombstone of another record');
  demand(equalBytes(tombstone.safe, record.safe), 'safe-mismatch', 'tombstone of another safe');
}
