/*
 * A record whose refs are told as a difference (`TVRD`), docs/format/records.md: how it may be sent to a site that has an earlier one.
 *
 *     object header | base: record digest (32) | u32 public length | u32 difference length | u32 sealed length |
 *     public | difference | sealed | signature (64)
 *
 * The difference has the form of refs: the positions that stand in one of both alone. The header's suite is the record's. Digest and
 * signature are over the refs in full, so that a wrong base or difference is found out by them.
 */

import { concatBytes } from '@twinvault/std';
import { demand, FormatError } from './errors.ts';
import { recordDigest } from './ids.ts';
import type { RecordDigest } from './ids.ts';
import { digestBytes, recordPublicBytesMax, recordRefsBytesMax, recordSealedBytesMax, signatureBytes } from './limits.ts';
import { encodeObjectHeader, objectHeaderBytes, parseObjectHeader, readU32, u32 } from './objects.ts';
import type { Suite } from './objects.ts';
import { parseRecord } from './record.ts';
import type { ParsedRecord } from './record.ts';
import { parseRefs, xorRefs } from './refs.ts';

const lengthsOffset = objectHeaderBytes + digestBytes;
const fixedBytes = lengthsOffset + 12;

export interface RecordDifference {
  /** Whose refs it differs from. */
  readonly base: RecordDigest;
  readonly suite: Suite;
  readonly publicBytes: Uint8Array;
  readonly difference: Uint8Array;
  readonly sealed: Uint8Array;
  readonly signature: Uint8Array;
}

/** The record as a difference to the base. Its length says whether that pays. */
export function encodeRecordDifference(record: ParsedRecord, base: Pick<ParsedRecord, 'digest' | 'refs'>): Uint8Array {
  const { suite, publicBytes, refs, sealed, signature } = record;
  const difference = xorRefs(parseRefs(base.refs), parseRefs(refs));
  const lengths = [publicBytes, difference, sealed].map(({ length }) => u32(length));
  return concatBytes(
    encodeObjectHeader('difference', suite),
    base.digest,
    ...lengths,
    publicBytes,
    difference,
    sealed,
    signature,
  );
}

/** Whether the bytes begin as a difference does: else they are to be read as a record. */
export function isRecordDifference(bytes: Uint8Array): boolean {
  return bytes[0] === 0x54 && bytes[1] === 0x56 && bytes[2] === 0x52 && bytes[3] === 0x44;
}

/** The digest of the base, read before anything is checked. `record-invalid` where there is none. */
export function recordDifferenceBase(bytes: Uint8Array): RecordDigest {
  demand(bytes.length >= fixedBytes, 'record-invalid', 'shorter than its fixed parts');
  return recordDigest(bytes.slice(objectHeaderBytes, lengthsOffset));
}

/** Form alone. `record-invalid`, `refs-invalid`, `object-too-large`, `version-unknown`, `suite-unknown`. Parts are views of `bytes`. */
export function parseRecordDifference(bytes: Uint8Array): RecordDifference {
  const suite = parseObjectHeader('difference', bytes, 'record-invalid');
  if (suite === 0) throw new FormatError('suite-unknown', { context: { suite } });
  demand(bytes.length >= fixedBytes, 'record-invalid', 'shorter than its fixed parts');
  const publicBytes = readU32(bytes, lengthsOffset);
  const differenceBytes = readU32(bytes, lengthsOffset + 4);
  const sealedBytes = readU32(bytes, lengthsOffset + 8);
  for (const [sizeBytes, bytesMax] of [
    [publicBytes, recordPublicBytesMax],
    [differenceBytes, recordRefsBytesMax],
    [sealedBytes, recordSealedBytesMax],
  ] as const) {
    if (sizeBytes > bytesMax) throw new FormatError('object-too-large', { context: { sizeBytes, bytesMax } });
  }
  const differenceStart = fixedBytes + publicBytes;
  const sealedStart = differenceStart + differenceBytes;
  const signatureStart = sealedStart + sealedBytes;
  demand(bytes.length === signatureStart + signatureBytes, 'record-invalid', 'lengths do not add up');
  const difference = bytes.subarray(differenceStart, sealedStart);
  parseRefs(difference);
  return {
    base: recordDigest(bytes.slice(objectHeaderBytes, lengthsOffset)),
    suite,
    publicBytes: bytes.subarray(fixedBytes, differenceStart),
    difference,
    sealed: bytes.subarray(sealedStart, signatureStart),
    signature: bytes.subarray(signatureStart),
  };
}

/** The record's own bytes; whether the base was the right one, its signature and digest tell. Errors as parseRecord. */
export function recordOfDifference(record: RecordDifference, baseRefs: Uint8Array): Uint8Array {
  const { suite, publicBytes, difference, sealed, signature } = record;
  const refs = xorRefs(parseRefs(baseRefs), parseRefs(difference));
  const lengths = [publicBytes, refs, sealed].map(({ length }) => u32(length));
  const bytes = concatBytes(encodeObjectHeader('record', suite), ...lengths, publicBytes, refs, sealed, signature);
  parseRecord(bytes);
  return bytes;
}
