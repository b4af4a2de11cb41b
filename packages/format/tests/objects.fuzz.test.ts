/*
 * Fuzzing of the parsers of whole objects. Invariants: those of fuzz.ts. Signed objects come twice: damaged as they are, which
 * the signature mostly refuses, and with a damaged body that is signed again, so that what stands behind the signature is
 * reached: there an object is taken only if encoding it again gives the same bytes.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concatBytes, utf8Encode } from '@twinvault/std';
import type { Prng } from '@twinvault/std';
import {
  decodeCbor,
  encodeCbor,
  encodeEraseCertificate,
  encodeEraseOrder,
  encodeKeySlotObject,
  encodeLedgerEntry,
  encodePlan,
  encodeReceipt,
  encodeRecord,
  encodeRecordPublic,
  encodeSafeDescriptor,
  encodeStub,
  encodeTombstone,
  FormatError,
  parseEraseCertificate,
  parseEraseOrder,
  parseKeySlotObject,
  parseLedgerEntry,
  parsePlan,
  parseReceipt,
  parseRecord,
  parseRecordPublic,
  parseSafeDescriptor,
  parseStub,
  parseTombstone,
} from '../src/index.ts';
import type { CborValue, ParsedRecord, ParsedStub, SignedKind } from '../src/index.ts';
import * as arbitrary from './arbitraries.ts';
import { descriptorBytes, fill, makeRecord, newLedger, root, safe, site } from './fixtures.ts';
import { damaged, fuzz, fuzzSeed } from './fuzz.ts';
import type { FuzzTarget } from './fuzz.ts';

function drawn<T>(values: fc.Arbitrary<T>, seed: string): T[] {
  return fc.sample(values, { numRuns: 15, seed: Number(seed) });
}

/** Signs a body again, whatever is in it; the kinds' parsers see a signature that fits. */
function signedAgain(kind: SignedKind, sample: Uint8Array, body: Uint8Array): Uint8Array {
  const header = sample.subarray(0, 8);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, body.length, true);
  return concatBytes(header, length, body, root.sign(concatBytes(utf8Encode(`twinvault ${kind} v1\0`), header, body)));
}

function bodyOf(sample: Uint8Array): Uint8Array {
  return sample.subarray(12, sample.length - 64);
}

/** Changes one value, key or length inside the decoded body, so that the CBOR stays well formed. */
function changedBody(body: Uint8Array, random: Prng): Uint8Array {
  try {
    return encodeCbor(changed(decodeCbor(body, { bytesMax: 65_536 }) as CborValue, random));
  } catch {
    // A change may make two keys one, which has no encoding.
    return body;
  }
}

function changed(value: CborValue, random: Prng): CborValue {
  if (value instanceof Map && value.size > 0 && random.chance(0.8)) {
    const map = new Map(value as ReadonlyMap<string | number, CborValue>);
    const key = random.pick([...map.keys()]);
    const member = map.get(key) ?? null;
    if (random.chance(0.15)) map.delete(key);
    if (random.chance(0.15)) map.set(`${key}x`, member);
    if (map.has(key)) map.set(key, changed(member, random));
    return map;
  }
  if (Array.isArray(value) && value.length > 0 && random.chance(0.8)) {
    const list = [...(value as CborValue[])];
    const index = random.below(list.length);
    const kind = random.below(5);
    if (kind === 0) list.splice(index, 1);
    else if (kind === 1) list.push(list[index] ?? null);
    else list[index] = changed(list[index] ?? null, random);
    return random.chance(0.2) ? list.toReversed() : list;
  }
  if (value instanceof Uint8Array && random.chance(0.8)) return damaged(value, random);
  if (typeof value === 'number' && random.chance(0.6)) return random.pick([0, 1, 2, 3, value + 1, -1, 2 ** 32, 2 ** 53 - 1]);
  if (typeof value === 'string' && random.chance(0.6))
    return random.pick(['', 'home', 'erase', 'x'.repeat(257), '\uFEFFx', value]);
  return random.pick<CborValue>([null, true, 7, 'text', fill('bytes', 32), [], new Map()]);
}

interface SignedTarget<T> extends Omit<FuzzTarget<T>, 'name'> {
  readonly kind: SignedKind;
}

function fuzzSigned<T>({ kind, ...target }: SignedTarget<T>, seed: string): void {
  fuzz({ ...target, name: kind }, seed);
  const damage = (sample: Uint8Array, random: Prng): Uint8Array => {
    const body = bodyOf(sample);
    return signedAgain(kind, sample, random.chance(0.8) ? changedBody(body, random) : damaged(body, random));
  };
  fuzz({ ...target, name: `${kind} signed again`, damage }, seed);
}

test('safe descriptors', () => {
  fuzzSigned(
    {
      kind: 'safe',
      parse: parseSafeDescriptor,
      encode: (descriptor) => encodeSafeDescriptor(descriptor, root.sign),
      samples: [descriptorBytes],
    },
    fuzzSeed(),
  );
});

test('ledger entries', () => {
  const seed = fuzzSeed();
  const samples = drawn(arbitrary.ledgerPayload, seed).map((payload, index) =>
    encodeLedgerEntry(
      {
        safe,
        number: index + 1,
        previous: fill('previous', 32),
        root: fill('root', 32),
        createdMs: 5,
        signer: root.key,
        payload,
      },
      root.sign,
    ),
  );
  fuzzSigned({ kind: 'ledger', parse: parseLedgerEntry, encode: (entry) => encodeLedgerEntry(entry, root.sign), samples }, seed);
});

test('certificates of erasing', () => {
  fc.assert(
    fc.property(arbitrary.eraseCertificate, fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }), (certificate, place, put) => {
      const text = encodeEraseCertificate(certificate, site.sign);
      const at = place % text.length;
      const torn = text.slice(0, at) + put + text.slice(at + 1);
      if (torn === text) return;
      assert.throws(() => parseEraseCertificate(torn), FormatError);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.throws(() => parseEraseCertificate(text), FormatError);
    }),
  );
});

test('erase orders', () => {
  const seed = fuzzSeed();
  const samples = drawn(arbitrary.eraseOrder, seed).map((order) => encodeEraseOrder({ ...order, signer: root.key }, root.sign));
  fuzzSigned({ kind: 'erase', parse: parseEraseOrder, encode: (order) => encodeEraseOrder(order, root.sign), samples }, seed);
});

test('receipts, tombstones and plans', () => {
  const seed = fuzzSeed();
  fuzzSigned(
    {
      kind: 'receipt',
      parse: parseReceipt,
      encode: (receipt) => encodeReceipt(receipt, () => receipt.object.signature),
      samples: drawn(arbitrary.receipt, seed).map((receipt) => encodeReceipt(receipt, root.sign)),
    },
    seed,
  );
  fuzzSigned(
    {
      kind: 'tombstone',
      parse: parseTombstone,
      encode: (tombstone) => encodeTombstone(tombstone, () => tombstone.object.signature),
      samples: drawn(arbitrary.tombstone, seed).map((tombstone) => encodeTombstone(tombstone, root.sign)),
    },
    seed,
  );
  fuzzSigned(
    {
      kind: 'plan',
      parse: parsePlan,
      encode: (plan) => encodePlan(plan, () => plan.object.signature),
      samples: drawn(arbitrary.plan, seed).map((plan) => encodePlan(plan, root.sign)),
    },
    seed,
  );
});

test('key slots', () => {
  const seed = fuzzSeed();
  const samples = drawn(arbitrary.keySlot, seed).map(encodeKeySlotObject);
  const damage = (sample: Uint8Array, random: Prng): Uint8Array => {
    const body = changedBody(sample.subarray(12), random);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, body.length, true);
    return concatBytes(sample.subarray(0, 8), length, body);
  };
  fuzz({ name: 'slot', parse: parseKeySlotObject, encode: encodeKeySlotObject, samples }, seed);
  fuzz({ name: 'slot body', parse: parseKeySlotObject, encode: encodeKeySlotObject, damage, samples }, seed);
});

function recordAgain(record: ParsedRecord): Uint8Array {
  return encodeRecord({ ...record, sign: () => record.signature });
}

function stubAgain(stub: ParsedStub): Uint8Array {
  return encodeStub(stub, stub.tombstone);
}

test('records, their public parts and stubs', () => {
  const seed = fuzzSeed();
  const parts = drawn(arbitrary.recordPublic, seed).map(encodeRecordPublic);
  const publicPart = { parse: parseRecordPublic, encode: encodeRecordPublic, samples: parts };
  fuzz({ ...publicPart, name: 'record public' }, seed);
  fuzz({ ...publicPart, name: 'record public body', damage: changedBody }, seed);

  const records = drawn(arbitrary.recordPublic, seed).map((changes) => makeRecord(newLedger(), changes));
  fuzz({ name: 'record', parse: parseRecord, encode: recordAgain, samples: records }, seed);

  const stubs = records.map((bytes) => {
    const { public: part, digest } = parseRecord(bytes);
    const [marker] = fc.sample(arbitrary.tombstone, 1);
    if (marker === undefined) throw new RangeError('no sample');
    const tombstone = encodeTombstone({ ...marker, safe: part.safe, record: digest }, root.sign);
    return encodeStub(parseRecord(bytes), tombstone);
  });
  fuzz({ name: 'stub', parse: parseStub, encode: stubAgain, samples: stubs }, seed);
});
