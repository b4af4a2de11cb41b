import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, equalBytes, primitives } from '@twinvault/std';
import {
  agent,
  certificate,
  computer,
  descriptorBytes,
  fill,
  formatError,
  makeRecord,
  newLedger,
  recordPublic,
  root,
  safe,
  site,
  siteName,
  withEntry,
} from '../tests/fixtures.ts';
import { Ledger } from './ledger.ts';
import { encodeReceipt, encodeTombstone, parseReceipt, verifyReceipt, verifyTombstone } from './receipt.ts';
import { parseRecord, parseRecordHead, recordPublicDigest, verifyRecord } from './record.ts';
import { encodeStub, parseStub } from './stub.ts';

const generation = fill('generation', 16);

test('a record comes back as it went in and is verified', () => {
  const ledger = newLedger();
  const bytes = makeRecord(ledger);
  const parsed = parseRecord(bytes);
  assert.deepEqual(parsed.public, recordPublic(ledger));
  assert.deepEqual(parsed.sealed, fill('sealed', 200));
  assert.ok(equalBytes(parsed.publicDigest, recordPublicDigest(1, parsed.public)));
  assert.equal(parseRecordHead(bytes.subarray(0, 20)).recordBytes, bytes.length);
  verifyRecord(parsed, ledger);
  verifyRecord(parsed, withEntry(ledger, { kind: 'suite', minimum: 2 }));
});

test('a record that the ledger does not bear is refused', () => {
  const ledger = newLedger();
  const other = fill('other', 16) as never;
  const refused = (bytes: Uint8Array, by: Ledger = ledger): (() => void) => {
    return () => verifyRecord(parseRecord(bytes), by);
  };
  assert.throws(refused(makeRecord(ledger, { safe: other })), formatError('safe-mismatch'));
  assert.throws(refused(makeRecord(ledger, { certificate: other })), formatError('certificate-unknown'));
  assert.throws(refused(makeRecord(ledger, { computer: other })), formatError('job-foreign'));
  assert.throws(refused(makeRecord(ledger, { epoch: 2 })), formatError('record-invalid'));
  assert.throws(refused(makeRecord(ledger, {}, root)), formatError('signature-invalid'));
  const stricter = withEntry(ledger, { kind: 'suite', minimum: 2 });
  assert.throws(refused(makeRecord(stricter), stricter), formatError('suite-too-low'));
  assert.throws(refused(makeRecord(stricter), ledger), formatError('ledger-foreign-head'));
  assert.throws(refused(makeRecord(ledger), Ledger.replay(descriptorBytes, [])), formatError('ledger-foreign-head'));
});

test('a job that was handed over is accepted', () => {
  const old = fill('old', 16) as never;
  const ledger = withEntry(newLedger(), { kind: 'handover', certificate, computer: old, job: 'mail' });
  verifyRecord(parseRecord(makeRecord(ledger, { computer: old, job: 'mail' })), ledger);
});

test('of a revoked certificate the last named record and its ancestors stand', () => {
  const ledger = newLedger();
  const first = parseRecord(makeRecord(ledger));
  const last = parseRecord(makeRecord(ledger, { sequence: 2, previous: [first.digest] }));
  const later = parseRecord(makeRecord(ledger, { sequence: 3, previous: [last.digest] }));
  const job = { computer, job: 'documents', record: last.digest };
  const revoked = withEntry(ledger, { kind: 'revocation', certificate, last: [job], suspect: [] });
  const isAncestorOrSame = (digest: Uint8Array): boolean => equalBytes(digest, first.digest);
  verifyRecord(last, revoked);
  verifyRecord(first, revoked, { isAncestorOrSame });
  assert.throws(() => verifyRecord(first, revoked), formatError('certificate-revoked'));
  assert.throws(() => verifyRecord(later, revoked, { isAncestorOrSame }), formatError('certificate-revoked'));
});

test('receipts and tombstones carry the site’s signature', () => {
  const record = parseRecord(makeRecord(newLedger())).digest;
  const receipt = { safe, site: siteName, generation, record, receivedMs: 5 };
  const bytes = encodeReceipt(receipt, site.sign);
  const { object: _, ...parsed } = parseReceipt(bytes);
  assert.deepEqual(parsed, receipt);
  verifyReceipt(bytes, site.key);
  assert.throws(() => verifyReceipt(bytes, agent.key), formatError('signature-invalid'));
  const tombstone = encodeTombstone({ safe, site: siteName, generation, record, reason: 'days', retiredMs: 9 }, site.sign);
  assert.equal(verifyTombstone(tombstone, site.key).reason, 'days');
  assert.throws(() => parseReceipt(tombstone), formatError('object-invalid', 'magic'));
});

test('the stub of a retired record proves the record', () => {
  const ledger = newLedger();
  const record = parseRecord(makeRecord(ledger));
  const tombstone = encodeTombstone(
    { safe, site: siteName, generation, record: record.digest, reason: 'days', retiredMs: 9 },
    site.sign,
  );
  const stub = parseStub(encodeStub(record, tombstone));
  assert.deepEqual(stub.digest, record.digest);
  assert.deepEqual(stub.public, record.public);
  assert.deepEqual(stub.tombstone, tombstone);
  verifyRecord(stub, ledger);

  const another = { ...record, sealedDigest: primitives.sha256(generation) };
  assert.throws(() => encodeStub(another, tombstone), formatError('record-invalid', 'tombstone of another record'));
});

test('a record is refused whole', () => {
  const bytes = makeRecord(newLedger());
  assert.throws(() => parseRecord(concatBytes(bytes, new Uint8Array(1))), formatError('record-invalid'));
  assert.throws(() => parseRecord(bytes.subarray(1)), formatError('record-invalid'));
  const newer = bytes.slice();
  newer[4] = 2;
  assert.throws(() => parseRecord(newer), formatError('version-unknown'));
  const large = bytes.slice();
  large.fill(0xff, 12, 16);
  assert.throws(() => parseRecord(large), formatError('object-too-large'));
});
