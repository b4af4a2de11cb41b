/*
 * Records (`TVRC`), docs/format/records.md:
 *
 *     object header | u32 public length | u32 refs length | u32 sealed length | public | refs | sealed | signature (64)
 *
 * The digest is over the three parts' digests and the signature, so that the stub of a retired record still proves it.
 */

import { concatBytes, equalBytes, primitives, utf8Encode } from '@twinvault/std';
import { demand, FormatError, refuse } from './errors.ts';
import { recordDigest } from './ids.ts';
import type { RecordDigest } from './ids.ts';
import type { Ledger } from './ledger.ts';
import { recordPublicBytesMax, recordRefsBytesMax, recordSealedBytesMax, signatureBytes } from './limits.ts';
import { encodeObjectHeader, objectHeaderBytes, parseObjectHeader, readU32, u32 } from './objects.ts';
import type { Sign, Suite } from './objects.ts';
import { encodeRecordPublic, parseRecordPublic } from './record-public.ts';
import type { RecordPublic } from './record-public.ts';
import { parseRefs } from './refs.ts';

/** Object header and three lengths. */
export const recordHeadFixedBytes: number = objectHeaderBytes + 12;

/** What proves a record, of itself or of its stub. */
export interface RecordProof {
  readonly public: RecordPublic;
  readonly publicBytes: Uint8Array;
  readonly suite: Suite;
  /** SHA-256(object header | public): the AAD of the sealed part. */
  readonly publicDigest: Uint8Array;
  readonly refsDigest: Uint8Array;
  readonly sealedDigest: Uint8Array;
  readonly signature: Uint8Array;
  readonly digest: RecordDigest;
}

export interface ParsedRecord extends RecordProof {
  /** In canonical form. */
  readonly refs: Uint8Array;
  readonly sealed: Uint8Array;
}

export interface RecordParts {
  readonly public: RecordPublic;
  readonly suite: Suite;
  /** As RefsBuilder finishes them. */
  readonly refs: Uint8Array;
  readonly sealed: Uint8Array;
  /** Signs with the agent's key. */
  readonly sign: Sign;
}

/** Throws as parseRecord does when no reader would take it. */
export function encodeRecord(parts: RecordParts): Uint8Array {
  const header = encodeObjectHeader('record', parts.suite);
  const publicBytes = encodeRecordPublic(parts.public);
  parseRefs(parts.refs);
  demandLength(parts.sealed.length, recordSealedBytesMax);
  const signature = parts.sign(
    signedMessage({
      publicDigest: digestOfPublic(parts.suite, publicBytes),
      refsDigest: primitives.sha256(parts.refs),
      sealedDigest: primitives.sha256(parts.sealed),
    }),
  );
  const lengths = [publicBytes, parts.refs, parts.sealed].map(({ length }) => u32(length));
  return concatBytes(header, ...lengths, publicBytes, parts.refs, parts.sealed, signature);
}

/** SHA-256(object header | public bytes): the AAD of the sealed part. */
export function recordPublicDigest(suite: Suite, record: RecordPublic): Uint8Array {
  return digestOfPublic(suite, encodeRecordPublic(record));
}

export function digestOfPublic(suite: Suite, publicBytes: Uint8Array): Uint8Array {
  return primitives.sha256Stream().update(encodeObjectHeader('record', suite)).update(publicBytes).digest();
}

interface Digests {
  readonly publicDigest: Uint8Array;
  readonly refsDigest: Uint8Array;
  readonly sealedDigest: Uint8Array;
}

function signedMessage({ publicDigest, refsDigest, sealedDigest }: Digests): Uint8Array {
  return concatBytes(utf8Encode('twinvault record v1\0'), publicDigest, refsDigest, sealedDigest);
}

export function digestOfRecord(digests: Digests, signature: Uint8Array): RecordDigest {
  const { publicDigest, refsDigest, sealedDigest } = digests;
  const label = utf8Encode('twinvault record digest v1\0');
  return recordDigest(primitives.sha256(concatBytes(label, publicDigest, refsDigest, sealedDigest, signature)));
}

export interface RecordHead {
  readonly suite: Suite;
  readonly publicBytes: number;
  readonly refsBytes: number;
  readonly sealedBytes: number;
  /** Of the whole record. */
  readonly recordBytes: number;
}

/** Reads the first 20 bytes: how long the parts are. The public part follows from byte 20 on. */
export function parseRecordHead(bytes: Uint8Array): RecordHead {
  const suite = parseObjectHeader('record', bytes, 'record-invalid');
  if (suite === 0) throw new FormatError('suite-unknown', { context: { suite } });
  demand(bytes.length >= recordHeadFixedBytes, 'record-invalid', 'shorter than its fixed parts');
  const publicBytes = readU32(bytes, objectHeaderBytes);
  const refsBytes = readU32(bytes, objectHeaderBytes + 4);
  const sealedBytes = readU32(bytes, objectHeaderBytes + 8);
  demandLength(publicBytes, recordPublicBytesMax);
  demandLength(refsBytes, recordRefsBytesMax);
  demandLength(sealedBytes, recordSealedBytesMax);
  const recordBytes = recordHeadFixedBytes + publicBytes + refsBytes + sealedBytes + signatureBytes;
  return { suite, publicBytes, refsBytes, sealedBytes, recordBytes };
}

function demandLength(sizeBytes: number, bytesMax: number): void {
  if (sizeBytes > bytesMax) throw new FormatError('object-too-large', { context: { sizeBytes, bytesMax } });
}

/** Form alone, that of the refs too; signature and rights are verifyRecord. Parts are views of `bytes`. */
export function parseRecord(bytes: Uint8Array): ParsedRecord {
  const head = parseRecordHead(bytes);
  demand(bytes.length === head.recordBytes, 'record-invalid', 'lengths do not add up');
  const refsStart = recordHeadFixedBytes + head.publicBytes;
  const sealedStart = refsStart + head.refsBytes;
  const signatureStart = sealedStart + head.sealedBytes;
  const publicBytes = bytes.subarray(recordHeadFixedBytes, refsStart);
  const refs = bytes.subarray(refsStart, sealedStart);
  const sealed = bytes.subarray(sealedStart, signatureStart);
  const record = parseRecordPublic(publicBytes);
  parseRefs(refs);
  const digests: Digests = {
    publicDigest: digestOfPublic(head.suite, publicBytes),
    refsDigest: primitives.sha256(refs),
    sealedDigest: primitives.sha256(sealed),
  };
  const signature = bytes.slice(signatureStart);
  const digest = digestOfRecord(digests, signature);
  return { public: record, publicBytes, suite: head.suite, refs, sealed, signature, digest, ...digests };
}

export interface RecordContext {
  /**
   * Whether `digest` is `last` or a record before it in its job's chain; asked only for records of a revoked certificate.
   * Without it, only the named last record itself stands.
   */
  readonly isAncestorOrSame?: (digest: RecordDigest, last: RecordDigest) => boolean;
}

/**
 * Checks a record or stub against the ledger of its safe: the safe, the ledger head that it names, suite and epoch,
 * certificate, its computer (or a handover), signature, and revocation. Throws `safe-mismatch`, `ledger-foreign-head`,
 * `suite-too-low`, `record-invalid` (epoch), `certificate-unknown`, `job-foreign`, `signature-invalid`,
 * `certificate-revoked`. What the chain of its job demands is the vault's and the reader's matter.
 */
export function verifyRecord(record: RecordProof, ledger: Ledger, context: RecordContext = {}): void {
  const { safe, certificate: id, computer, job, ledger: head, epoch } = record.public;
  demand(equalBytes(safe, ledger.descriptor.safe), 'safe-mismatch', 'record of another safe');
  demand(ledger.extends(head), 'ledger-foreign-head', 'head that the record names');
  demand(record.suite >= ledger.minimumSuiteAt(head.number), 'suite-too-low', 'record');
  demand(ledger.epochKey(epoch) !== null, 'record-invalid', 'epoch not in the ledger');
  const certificate = ledger.certificate(id);
  if (certificate === null) refuse('certificate-unknown', 'signer of a record');
  demand(ledger.namesJob(id, computer, job), 'job-foreign', 'computer of the job');
  if (!primitives.ed25519Verify(certificate.agentKey, signedMessage(record), record.signature)) {
    refuse('signature-invalid', 'record');
  }
  const revocation = ledger.revocationOf(id);
  if (revocation === null) return;
  const last = revocation.last.find((named) => named.job === job && equalBytes(named.computer, computer));
  const stands =
    last !== undefined &&
    (equalBytes(last.record, record.digest) || context.isAncestorOrSame?.(record.digest, last.record) === true);
  demand(stands, 'certificate-revoked', 'record after the last that stands');
}
