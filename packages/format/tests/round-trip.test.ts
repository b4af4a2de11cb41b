/*
 * What is encoded comes back as it was, and encoding it again gives the same bytes, for values of every kind. A failure
 * prints fast-check's seed and path; `fc.assert(…, { seed, path })` runs it again.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from 'cborg';
import fc from 'fast-check';
import { toHex } from '@twinvault/std';
import {
  decodeCbor,
  encodeCbor,
  encodeEraseCertificate,
  encodeEraseOrder,
  eraseOrderName,
  encodeKeySlotObject,
  encodeLedgerEntry,
  encodePackHeader,
  encodePackTail,
  encodePlan,
  encodeReceipt,
  encodeRecord,
  encodeRecordPublic,
  encodeStub,
  encodeTombstone,
  packName,
  PackTable,
  parseEraseCertificate,
  parseEraseOrder,
  parseKeySlotObject,
  parseLedgerEntry,
  parsePackHeader,
  parsePackTail,
  parsePlan,
  parseReceipt,
  parseRecord,
  parseRecordPublic,
  parseRefs,
  parseStub,
  parseTombstone,
  RefsBuilder,
  subtractRefs,
  mergeRefs,
  xorRefs,
} from '../src/index.ts';
import type { CborValue, PackName, Refs } from '../src/index.ts';
import * as arbitrary from './arbitraries.ts';
import { agent, fill, operators, present, root, safe, site } from './fixtures.ts';

test('CBOR: values, and the bytes of another encoder', () => {
  fc.assert(
    fc.property(arbitrary.cborValue, (value) => {
      const bytes = encodeCbor(value);
      const decoded = decodeCbor(bytes, { bytesMax: 65_536 });
      assert.deepEqual(decoded, value);
      assert.deepEqual(encodeCbor(decoded as CborValue), bytes);
      assert.deepEqual(new Uint8Array(encode(value)), bytes);
    }),
  );
});

test('ledger entries of every kind', () => {
  fc.assert(
    fc.property(arbitrary.ledgerPayload, fc.maxSafeNat(), (payload, number) => {
      const entry = {
        safe,
        number: Math.max(number, 1),
        previous: fill('previous', 32),
        root: fill('root', 32),
        createdMs: number,
        signer: root.key,
        payload,
      };
      const bytes = encodeLedgerEntry(entry, root.sign);
      const { digest: _, ...parsed } = parseLedgerEntry(bytes);
      assert.deepEqual(parsed, entry);
      assert.deepEqual(encodeLedgerEntry(parsed, root.sign), bytes);
    }),
  );
});

test('public parts, records and stubs', () => {
  fc.assert(
    fc.property(arbitrary.recordPublic, arbitrary.positions, arbitrary.tombstone, (record, positions, marker) => {
      const bytes = encodeRecordPublic(record);
      assert.deepEqual(parseRecordPublic(bytes), record);
      const refs = builtRefs(positions);
      const whole = encodeRecord({ public: record, suite: 2, refs: refs.bytes, sealed: bytes, sign: agent.sign });
      const parsed = parseRecord(whole);
      assert.deepEqual([parsed.public, parsed.refs, parsed.sealed, parsed.suite], [record, refs.bytes, bytes, 2]);
      const tombstone = encodeTombstone({ ...marker, safe: record.safe, record: parsed.digest }, site.sign);
      const { refs: _r, sealed: _s, ...proof } = parsed;
      const stub = parseStub(encodeStub(parsed, tombstone));
      assert.deepEqual(stub, { ...proof, tombstone });
      assert.deepEqual(encodeStub(stub, tombstone), encodeStub(parsed, tombstone));
    }),
  );
});

test('receipts, tombstones, key slots, plans and erase orders', () => {
  fc.assert(
    fc.property(arbitrary.receipt, arbitrary.tombstone, (receipt, tombstone) => {
      const { object: _1, ...parsedReceipt } = parseReceipt(encodeReceipt(receipt, site.sign));
      assert.deepEqual(parsedReceipt, receipt);
      const { object: _2, ...parsedTombstone } = parseTombstone(encodeTombstone(tombstone, site.sign));
      assert.deepEqual(parsedTombstone, tombstone);
    }),
  );
  fc.assert(
    fc.property(arbitrary.keySlot, (slot) => {
      assert.deepEqual(parseKeySlotObject(encodeKeySlotObject(slot)), slot);
    }),
  );
  fc.assert(
    fc.property(arbitrary.plan, arbitrary.eraseOrder, (plan, order) => {
      const { object: _1, ...parsedPlan } = parsePlan(encodePlan(plan, site.sign));
      assert.deepEqual(parsedPlan, plan);
      const by = present([root, ...operators].find(({ key }) => key === order.signer));
      const { object: _2, name, ...parsedOrder } = parseEraseOrder(encodeEraseOrder(order, by.sign));
      assert.deepEqual(parsedOrder, order);
      assert.deepEqual(name, eraseOrderName(order));
    }),
  );
});

test('certificates of erasing', () => {
  fc.assert(
    fc.property(arbitrary.eraseCertificate, (certificate) => {
      const text = encodeEraseCertificate(certificate, site.sign);
      assert.deepEqual(parseEraseCertificate(text), certificate);
    }),
  );
});

test('headers and tails of packs', () => {
  fc.assert(
    fc.property(arbitrary.packHeader, (header) => {
      assert.deepEqual(parsePackHeader(encodePackHeader(header)), header);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(arbitrary.freshTail, arbitrary.compactedTail), (draw) => {
      const { tail } = encodePackTail(draw);
      const parsed = parsePackTail(tail);
      assert.deepEqual(parsed.rows, draw.rows);
      assert.deepEqual(parsed.sections, draw.sections);
      const table = new PackTable(tail);
      draw.rows.forEach((row, index) => assert.deepEqual(table.row(index), row));
      assert.deepEqual(encodePackTail({ ...draw, rows: parsed.rows, sections: parsed.sections }).tail, tail);
    }),
  );
});

function builtRefs(positions: readonly (readonly [Uint8Array, number])[]): Refs {
  const builder = new RefsBuilder();
  for (const [pack, position] of positions) builder.add(packName(pack), position);
  return parseRefs(builder.finish());
}

function keysOf(positions: Iterable<readonly [Uint8Array, number]>): Set<string> {
  return new Set([...positions].map(([pack, position]) => `${toHex(pack)} ${position}`));
}

function setOf(refs: Refs): Set<string> {
  return keysOf([...refs].map(({ pack, position }): [PackName, number] => [pack, position]));
}

function without(a: Set<string>, b: Set<string>): Set<string> {
  return new Set([...a].filter((key) => !b.has(key)));
}

test('refs are the set of what was added, and sets of refs combine as sets do', () => {
  fc.assert(
    fc.property(arbitrary.positions, arbitrary.positions, (listA, listB) => {
      const [a, b] = [builtRefs(listA), builtRefs([...listB, ...listA.slice(0, 20)])];
      const setA = keysOf(listA);
      assert.deepEqual(setOf(a), setA);
      assert.equal(a.count, setA.size);
      assert.equal(a.packCount, new Set(listA.map(([pack]) => toHex(pack))).size);
      for (const [pack, position] of [...listA, ...listB]) {
        assert.equal(a.has(pack, position), setA.has(`${toHex(pack)} ${position}`));
      }
      assert.deepEqual(builtRefs(listA.toReversed()).bytes, a.bytes);
      const setB = setOf(b);
      assert.deepEqual(setOf(parseRefs(mergeRefs(a, b))), new Set([...setA, ...setB]));
      assert.deepEqual(setOf(parseRefs(subtractRefs(a, b))), without(setA, setB));
      const change = parseRefs(xorRefs(a, b));
      assert.deepEqual(setOf(change), new Set([...without(setA, setB), ...without(setB, setA)]));
      assert.deepEqual(xorRefs(a, change), b.bytes);
    }),
  );
});
