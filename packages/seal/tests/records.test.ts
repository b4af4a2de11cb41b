/* The sealed part of records: what the agent seals, whoever opened the safe reads, and nobody moves to another record. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng, primitives } from '@twinvault/std';
import {
  RefsBuilder,
  certificateId,
  chunkId,
  computerId,
  encodeCbor,
  encodeRecord,
  parseRecord,
  recordPublicDigest,
  safeId,
  safesetId,
} from '@twinvault/format';
import type { CborValue, ParsedRecord, RecordPublic, Suite } from '@twinvault/format';
import {
  newRootSecret,
  newSealingSession,
  openRecordPart,
  readSeed,
  sealBytes,
  sealRecordPart,
  zeroNonce,
} from '../src/index.ts';
import type { RecordSealedPart, SealingSession } from '../src/index.ts';

const random = new Prng('records');
const rs = newRootSecret(random);
const agentSeed = random.bytes(32);
const safe = safeId(random.bytes(16));
const certificate = certificateId(random.bytes(16));
const kem = { epoch: 1, key: primitives.xwingPublicKey(readSeed(rs, 1)) };
const readSeedOf = (epoch: number): Uint8Array | null => (epoch === 1 ? readSeed(rs, 1) : null);

function publicOf(session: SealingSession): RecordPublic {
  return {
    safe,
    certificate,
    computer: computerId(random.bytes(16)),
    computerName: 'anna-laptop',
    job: 'files',
    retention: 'daily',
    kind: 'safeset',
    sequence: 1,
    previous: [],
    ledger: { number: 2, digest: random.bytes(32), root: random.bytes(32) },
    startMs: 1,
    endMs: 2,
    result: 'ok',
    counts: {
      bytesChanged: 0,
      bytesProtected: 0,
      bytesUploaded: 0,
      directories: 0,
      errors: 0,
      files: 0,
      filesChanged: 0,
      others: 0,
    },
    epoch: session.epoch,
    kem: session.kem,
    nonce: random.bytes(32),
    safeset: safesetId(random.bytes(16)),
  };
}

function recordWith(
  suite: Suite,
  sealedOf: (input: { session: SealingSession; nonce: Uint8Array; publicDigest: Uint8Array }) => Uint8Array,
): ParsedRecord {
  const session = newSealingSession({ kem, suite, safe, certificate });
  const record = publicOf(session);
  const sealed = sealedOf({ session, nonce: record.nonce, publicDigest: recordPublicDigest(suite, record) });
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(agentSeed, message);
  return parseRecord(encodeRecord({ public: record, suite, refs: new RefsBuilder().finish(), sealed, sign }));
}

const part: RecordSealedPart = {
  catalog: { root: chunkId(random.bytes(32)), level: 2 },
  host: 'anna-laptop.example',
  sources: [Uint8Array.of(0xff, 0x61), new TextEncoder().encode('usr/share')],
  errors: [{ path: Uint8Array.of(0x62), code: 'file-denied' }],
};

for (const suite of [1, 2] as const) {
  test(`suite ${suite}: the sealed part opens for its record alone`, () => {
    const record = recordWith(suite, (input) => sealRecordPart({ ...input, part }));
    assert.deepEqual(openRecordPart({ record, readSeedOf }), part);
    const other = recordWith(suite, (input) => sealRecordPart({ ...input, part }));
    const damaged = { code: 'record-sealed-damaged' };
    assert.throws(() => openRecordPart({ record: { ...record, sealed: other.sealed }, readSeedOf }), damaged);
    assert.throws(() => openRecordPart({ record: { ...record, publicDigest: other.publicDigest }, readSeedOf }), damaged);
    assert.throws(() => openRecordPart({ record, readSeedOf: () => new Uint8Array(32) }), damaged);
    assert.throws(() => openRecordPart({ record, readSeedOf: () => null }), { code: 'epoch-unknown' });
  });
}

test('long lists of errors are cut to what a record holds', () => {
  const error = { path: new Uint8Array(100).fill(0x61), code: 'file-denied' };
  const errors = Array.from({ length: 12_000 }, () => error);
  const record = recordWith(1, (input) => sealRecordPart({ ...input, part: { ...part, errors } }));
  assert.equal(openRecordPart({ record, readSeedOf }).errors.length, 10_000);
  const long = Array.from({ length: 2_000 }, () => ({ path: new Uint8Array(10_000).fill(0x61), code: 'file-denied' }));
  const cut = openRecordPart({
    record: recordWith(1, (input) => sealRecordPart({ ...input, part: { ...part, errors: long } })),
    readSeedOf,
  });
  assert.ok(cut.errors.length > 100 && cut.errors.length < 2_000);
});

test('what was sealed by a faulty program is refused, whatever it is', () => {
  const seal = (plaintext: Uint8Array): ParsedRecord =>
    recordWith(1, ({ session, nonce, publicDigest }) => {
      const key = primitives.hkdfSha256(session.secret, nonce, new TextEncoder().encode('twinvault v1 record'), 32);
      return sealBytes(1, { key, nonce: zeroNonce, aad: publicDigest }, plaintext);
    });
  const good: Record<string, CborValue> = { catalog: [part.catalog.root, 2], errors: [], host: 'h', sources: [] };
  const bad: CborValue[] = [
    null,
    [],
    { ...good, more: 1 },
    { ...good, host: 1 },
    { ...good, host: 'x'.repeat(257) },
    { ...good, catalog: [part.catalog.root] },
    { ...good, catalog: [part.catalog.root, 33] },
    { ...good, catalog: [part.catalog.root, -1] },
    { ...good, catalog: [new Uint8Array(31), 0] },
    { ...good, catalog: [part.catalog.root, 0, 0] },
    { ...good, errors: [[new Uint8Array(1)]] },
    { ...good, errors: [[new Uint8Array(1), 'a'.repeat(65)]] },
    { ...good, sources: ['text'] },
    { ...good, sources: [new Uint8Array(32_769)] },
  ];
  assert.equal(openRecordPart({ record: seal(encodeCbor(good)), readSeedOf }).host, 'h');
  const invalid = { code: 'record-part-invalid' };
  for (const value of bad) assert.throws(() => openRecordPart({ record: seal(encodeCbor(value)), readSeedOf }), invalid);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      assert.throws(() => openRecordPart({ record: seal(noise), readSeedOf }), invalid);
    }),
    { numRuns: 50 },
  );
});
