import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, equalBytes, primitives } from '@twinvault/std';
import { compact, fill, formatError, makePack, safe } from '../tests/fixtures.ts';
import { certificateId } from './ids.ts';
import { parsePackTail, verifyPack } from './pack.ts';
import { parsePackHeader } from './pack-header.ts';
import { packTailBytes, PackTable } from './pack-table.ts';

const blobs = [fill('one', 10), fill('two', 300), new Uint8Array(0), fill('three', 70)];

test('a fresh pack is verified and gives back its rows', () => {
  for (const suite of [1, 2] as const) {
    const pack = makePack('fresh', blobs, suite);
    const tail = verifyPack(pack.name, pack.bytes, { safe });
    assert.deepEqual(tail.rows, pack.rows);
    assert.deepEqual(tail.sections, [{ origin: null, header: null }]);
    assert.equal(tail.packBytes, pack.bytes.length);
    assert.equal(tail.blobsBytes, 380);
    assert.equal(packTailBytes(pack.bytes.slice(-40)), pack.tail.length);
    assert.deepEqual(parsePackHeader(pack.bytes), pack.header);
  }
});

test('a compacted pack holds sections of both suites', () => {
  const [first, second] = [makePack('a', blobs, 1), makePack('b', blobs, 2)];
  const packs = [first, second, makePack('c', blobs, 1)];
  const pack = compact(packs);
  const tail = verifyPack(pack.name, pack.bytes, { safe });
  assert.deepEqual(tail.rows, pack.rows);
  assert.deepEqual(
    tail.sections,
    packs.map(({ name, header }) => ({ origin: name, header })),
  );
  const table = new PackTable(pack.tail);
  assert.equal(table.suiteAt(5), 2);
  assert.equal(table.slipAt(5).length, 80);
  assert.ok(equalBytes(table.originAt(4) ?? new Uint8Array(), second.name));
  // One session: its KEM ciphertext stands once.
  assert.ok(pack.tail.length < parsePackTail(first.tail).tailBytes * 3 + 3 * 120 + 1120 + 100);
});

test('the columns of a table are those of its rows', () => {
  const pack = compact([makePack('a', blobs, 2), makePack('b', blobs, 1)]);
  const table = new PackTable(pack.tail);
  assert.equal(table.count, pack.rows.length);
  pack.rows.forEach((row, index) => {
    assert.deepEqual(table.row(index), row);
    assert.equal(table.idWordAt(index, 4), new DataView(row.id.buffer, row.id.byteOffset).getUint32(4, true));
  });
  assert.throws(() => table.idAt(table.count), RangeError);
});

test('a pack of another safe, of another certificate or under another name is refused', () => {
  const pack = makePack('fresh', blobs);
  const other = fill('other', 16);
  assert.throws(() => verifyPack(pack.name, pack.bytes, { safe: other as never }), formatError('pack-foreign', 'another safe'));
  const expected = { safe, certificate: certificateId(other) };
  assert.throws(() => verifyPack(pack.name, pack.bytes, expected), formatError('pack-foreign', 'another certificate'));
  const name = primitives.sha256(other) as never;
  assert.throws(() => verifyPack(name, pack.bytes, { safe }), formatError('pack-damaged', 'another name'));
});

test('every flipped byte and every truncation of a pack is refused', () => {
  const pack = makePack('fresh', blobs);
  for (let offset = 0; offset < pack.bytes.length; offset += 1) {
    const flipped = pack.bytes.slice();
    flipped[offset] = (flipped[offset] ?? 0) ^ 0x10;
    assert.throws(() => verifyPack(pack.name, flipped, { safe }), { name: 'FormatError' }, `offset ${offset}`);
  }
  for (let length = 0; length < pack.bytes.length; length += 1) {
    assert.throws(() => verifyPack(pack.name, pack.bytes.subarray(0, length), { safe }), { name: 'FormatError' });
  }
  const longer = concatBytes(pack.bytes, new Uint8Array(1));
  assert.throws(() => verifyPack(pack.name, longer, { safe }), formatError('pack-damaged'));
});

test('a tail with bytes before it, and a header that is cut off, are refused', () => {
  const pack = makePack('fresh', blobs);
  assert.throws(
    () => parsePackTail(concatBytes(new Uint8Array(1), pack.tail)),
    formatError('pack-damaged', 'length of the tail'),
  );
  for (const length of [0, 79, 80, 1199]) {
    assert.throws(() => parsePackHeader(pack.bytes.slice(0, length)), formatError('pack-damaged', 'shorter than its header'));
  }
  const compacted = compact([pack]).tail;
  // The length of the header by the trailer.
  new DataView(compacted.buffer, compacted.byteOffset).setUint32(compacted.length - 32, 80, true);
  assert.throws(() => parsePackTail(compacted), formatError('pack-damaged', 'header length'));
});
