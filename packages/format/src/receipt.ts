/*
 * Receipts (`TVRE`) and tombstones (`TVTO`), docs/format/records.md: what a site signs about a record.
 */

import { Fields } from './fields.ts';
import { recordDigest, safeId, siteId } from './ids.ts';
import type { RecordDigest, SafeId, SiteId } from './ids.ts';
import { digestBytes, generationBytes, signedBytesMax } from './limits.ts';
import { encodeSigned, parseSigned, verifySigned } from './objects.ts';
import type { Sign, SignedObject } from './objects.ts';

/** Says: the record is restorable from this site alone. Retention counts from `receivedMs`. */
export interface Receipt {
  readonly safe: SafeId;
  readonly site: SiteId;
  /** 16 bytes. */
  readonly generation: Uint8Array;
  readonly record: RecordDigest;
  /** Since 1970, the site's clock. */
  readonly receivedMs: number;
  /** Of safesets, where the site measured. */
  readonly measure?: Measure;
}

/** What a safeset kept of the last one and brought, told from refs alone: records.md, The measure of a run. */
export interface Measure {
  /** Of all blobs that the record needs. */
  readonly bytes: number;
  /** Of these, at positions that the last safeset's refs do not name; at most `bytes`. */
  readonly bytesNew: number;
  /** Positions of the last safeset; 0 where there is none. */
  readonly origins: number;
  /** Of these, named by the new one; at most `origins`. */
  readonly originsReused: number;
  /** Beyond what the job's history lets expect. */
  readonly suspect: boolean;
}

/** Permission, not an order, to delete what a record alone needed. */
export interface Tombstone {
  readonly safe: SafeId;
  readonly site: SiteId;
  readonly generation: Uint8Array;
  readonly record: RecordDigest;
  readonly reason: string;
  readonly retiredMs: number;
}

/** A parsed object of a site; `verifySigned(object, siteKey)` checks who signed. */
export interface SignedBy {
  readonly object: SignedObject;
}

/** `sign` signs with the site's key. Throws as parse does when no reader would take the result. */
export function encodeReceipt(receipt: Receipt, sign: Sign): Uint8Array {
  const { receivedMs, generation, record, safe, site, measure } = receipt;
  const body = { generation, received: receivedMs, record, safe, site };
  const bytes = encodeSigned('receipt', measure === undefined ? body : { ...body, measure: { ...measure } }, sign);
  parseReceipt(bytes);
  return bytes;
}

/** Form alone; see verifyReceipt. */
export function parseReceipt(bytes: Uint8Array): Receipt & SignedBy {
  const object = parseSigned('receipt', bytes, signedBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const measured = fields.has('measure') ? { measure: readMeasure(fields.fields('measure')) } : {};
  const receipt = { ...readCommon(fields), receivedMs: fields.uint('received'), ...measured, object };
  fields.end();
  return receipt;
}

/** `sign` signs with the site's key. Throws as parse does when no reader would take the result. */
export function encodeTombstone(tombstone: Tombstone, sign: Sign): Uint8Array {
  const { retiredMs, generation, reason, record, safe, site } = tombstone;
  const bytes = encodeSigned('tombstone', { generation, reason, record, retired: retiredMs, safe, site }, sign);
  parseTombstone(bytes);
  return bytes;
}

/** Form alone; see verifyTombstone. */
export function parseTombstone(bytes: Uint8Array): Tombstone & SignedBy {
  const object = parseSigned('tombstone', bytes, signedBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const tombstone = { ...readCommon(fields), reason: fields.text('reason'), retiredMs: fields.uint('retired'), object };
  fields.end();
  return tombstone;
}

/** Parses and checks the site's signature: `signature-invalid`. */
export function verifyReceipt(bytes: Uint8Array, siteKey: Uint8Array): Receipt {
  const receipt = parseReceipt(bytes);
  verifySigned(receipt.object, siteKey);
  return receipt;
}

/** Parses and checks the site's signature: `signature-invalid`. */
export function verifyTombstone(bytes: Uint8Array, siteKey: Uint8Array): Tombstone {
  const tombstone = parseTombstone(bytes);
  verifySigned(tombstone.object, siteKey);
  return tombstone;
}

function readMeasure(fields: Fields): Measure {
  const bytes = fields.uint('bytes');
  const origins = fields.uint('origins');
  const measure = {
    bytes,
    bytesNew: fields.uint('bytesNew', bytes),
    origins,
    originsReused: fields.uint('originsReused', origins),
    suspect: fields.bool('suspect'),
  };
  fields.end();
  return measure;
}

function readCommon(fields: Fields): Omit<Receipt, 'receivedMs' | 'measure'> {
  return {
    safe: safeId(fields.bytes('safe', 16)),
    site: siteId(fields.bytes('site', 16)),
    generation: fields.bytes('generation', generationBytes),
    record: recordDigest(fields.bytes('record', digestBytes)),
  };
}
