import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng, compareBytes } from '@twinvault/std';
import { PackTable, certificateId, chunkId, encodePackHeader, encodePackTail, safeId } from '@twinvault/format';
import type { ChunkId, PackRow } from '@twinvault/format';
import { ChunkIndex } from './chunk-index.ts';

const random = new Prng('index');
const header = encodePackHeader({
  suite: 1,
  kind: 3,
  safe: safeId(random.bytes(16)),
  epoch: 0,
  certificate: certificateId(random.bytes(16)),
  nonce: random.bytes(32),
  kem: new Uint8Array(0),
});

function idOf(number: number): ChunkId {
  return chunkId(new Prng(number % 1_000).bytes(32));
}

/** A pack of one-byte blobs with these ids, those with an odd place in the list as slips alone. */
function tableOf(ids: readonly ChunkId[]): PackTable {
  let offsetBytes = header.length;
  const rows = ids.toSorted(compareBytes).map((id, position): PackRow => {
    const slipOnly = position % 2 === 1;
    const row = {
      section: 0,
      position,
      id,
      offsetBytes: slipOnly ? 0 : offsetBytes,
      lengthBytes: 1,
      salt: new Uint8Array(16),
      blobHash: new Uint8Array(32),
      slip: new Uint8Array(48),
      slipOnly,
    };
    if (!slipOnly) offsetBytes += 1;
    return row;
  });
  const blobsBytes = offsetBytes - header.length;
  return new PackTable(encodePackTail({ header, rows, sections: [{ origin: null, header: null }], blobsBytes }).tail);
}

test('every wanted row is found under its id, blobs before slips, and no other', () => {
  const packs = fc.array(fc.uniqueArray(fc.nat(999), { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(packs, fc.nat(3), (numbers, every) => {
      const index = new ChunkIndex();
      const expected = new Map<string, string[]>();
      for (const [packIndex, list] of numbers.entries()) {
        const table = tableOf(list.map(idOf));
        const wanted = (row: number): boolean => row % (every + 1) === 0;
        index.add(packIndex, table, wanted);
        for (let row = 0; row < table.count; row += 1) {
          if (!wanted(row)) continue;
          const name = String(table.idAt(row));
          expected.set(name, [...(expected.get(name) ?? []), `${packIndex}/${row}`]);
        }
      }
      for (let number = 0; number < 1_000; number += 1) {
        const id = idOf(number);
        const found = index.find(id);
        const names = found.map(({ packIndex, row }) => `${packIndex}/${row}`);
        assert.deepEqual(names.toSorted(), (expected.get(String(id)) ?? []).toSorted());
        const slips = found.map(({ packIndex, row }) => (index.tableOf(packIndex)?.slipOnlyAt(row) === true ? 1 : 0));
        assert.deepEqual(
          slips,
          slips.toSorted((a, b) => a - b),
        );
      }
    }),
    { numRuns: 30 },
  );
});

test('it grows past its first capacity', () => {
  const index = new ChunkIndex();
  const lists = Array.from({ length: 5 }, (_, pack) =>
    Array.from({ length: 1_000 }, (__, row) => chunkId(new Prng(`${pack}/${row}`).bytes(32))),
  );
  for (const [packIndex, ids] of lists.entries()) index.add(packIndex, tableOf(ids), () => true);
  assert.equal(index.count, 5_000);
  for (const [packIndex, ids] of lists.entries()) {
    for (const id of ids)
      assert.deepEqual(
        index.find(id).map((place) => place.packIndex),
        [packIndex],
      );
  }
});
