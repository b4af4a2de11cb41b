/*
 * The public part of a record, docs/format/records.md: what a vault and an interface may know of a safeset.
 */

import { compareBytes } from '@twinvault/std';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { CborValue } from './cbor.ts';
import { demand } from './errors.ts';
import { Fields, isBytes } from './fields.ts';
import { certificateId, computerId, recordDigest, safeId, safesetId } from './ids.ts';
import type { CertificateId, ComputerId, RecordDigest, SafeId, SafesetId } from './ids.ts';
import { readLedgerHead } from './ledger-head.ts';
import type { LedgerHead } from './ledger-head.ts';
import { digestBytes, kemCiphertextBytes, nonceBytes, recordPreviousMax, recordPublicBytesMax } from './limits.ts';

export type RecordKind = 'safeset' | 'checkpoint';
export type RecordResult = 'ok' | 'with errors' | 'deferred';

/** Bytes and numbers as the run counted them. */
export interface RecordCounts {
  readonly bytesChanged: number;
  readonly bytesProtected: number;
  readonly bytesUploaded: number;
  readonly directories: number;
  readonly errors: number;
  readonly files: number;
  readonly filesChanged: number;
  /** Entries that are neither file nor directory. */
  readonly others: number;
}

export interface RecordPublic {
  readonly safe: SafeId;
  readonly computer: ComputerId;
  readonly certificate: CertificateId;
  readonly computerName: string;
  readonly job: string;
  /** Name of the retention type. */
  readonly retention: string;
  readonly kind: RecordKind;
  /** From 1 in each job; a checkpoint carries that of the safeset it prepares. */
  readonly sequence: number;
  /** Sorted, each once. */
  readonly previous: readonly RecordDigest[];
  /** The head that the agent has seen. */
  readonly ledger: LedgerHead;
  /** Since 1970, the agent's clock. */
  readonly startMs: number;
  readonly endMs: number;
  readonly result: RecordResult;
  readonly counts: RecordCounts;
  /** Key epoch, from 1. */
  readonly epoch: number;
  /** KEM ciphertext of the session, 1120 bytes. */
  readonly kem: Uint8Array;
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
  readonly safeset: SafesetId;
}

const countKeys = [
  'bytesChanged',
  'bytesProtected',
  'bytesUploaded',
  'directories',
  'errors',
  'files',
  'filesChanged',
  'others',
] as const;

/** Throws as parseRecordPublic does when no reader would take it. */
export function encodeRecordPublic(record: RecordPublic): Uint8Array {
  const { startMs, endMs, ledger, counts, ...rest } = record;
  const body: CborValue = {
    ...rest,
    start: startMs,
    end: endMs,
    ledger: { number: ledger.number, digest: ledger.digest, root: ledger.root },
    counts: Object.fromEntries(countKeys.map((key) => [key, counts[key]])),
  };
  const bytes = encodeCbor(body);
  parseRecordPublic(bytes);
  return bytes;
}

/** `record-invalid`, `cbor-invalid`, `object-too-large`. */
export function parseRecordPublic(bytes: Uint8Array): RecordPublic {
  const fields = new Fields(decodeCbor(bytes, { bytesMax: recordPublicBytesMax }), 'record-invalid');
  const record: RecordPublic = {
    safe: safeId(fields.bytes('safe', 16)),
    computer: computerId(fields.bytes('computer', 16)),
    certificate: certificateId(fields.bytes('certificate', 16)),
    computerName: fields.text('computerName'),
    job: fields.text('job'),
    retention: fields.text('retention'),
    kind: fields.oneOf('kind', ['safeset', 'checkpoint']),
    sequence: fields.uint('sequence'),
    previous: readPrevious(fields),
    ledger: readLedgerHead(fields.fields('ledger')),
    startMs: fields.uint('start'),
    endMs: fields.uint('end'),
    result: fields.oneOf('result', ['ok', 'with errors', 'deferred']),
    counts: readCounts(fields.fields('counts')),
    epoch: fields.uint('epoch', 0xffff_ffff),
    kem: fields.bytes('kem', kemCiphertextBytes),
    nonce: fields.bytes('nonce', nonceBytes),
    safeset: safesetId(fields.bytes('safeset', 16)),
  };
  fields.end();
  demand(record.sequence >= 1, 'record-invalid', 'sequence zero');
  demand(record.epoch >= 1, 'record-invalid', 'epoch zero');
  return record;
}

function readPrevious(fields: Fields): RecordDigest[] {
  const list = fields.list('previous', recordPreviousMax);
  const previous: RecordDigest[] = [];
  for (const item of list) {
    demand(isBytes(item, digestBytes), 'record-invalid', 'previous record');
    const before = previous.at(-1);
    demand(before === undefined || compareBytes(before, item) < 0, 'record-invalid', 'previous records not sorted');
    previous.push(recordDigest(item));
  }
  return previous;
}

function readCounts(fields: Fields): RecordCounts {
  const entries = countKeys.map((key) => [key, fields.uint(key)] as const);
  fields.end();
  return Object.fromEntries(entries) as unknown as RecordCounts;
}
