/* Rows read without checks against the table that checks them: the same rows, the same sums, and null for compacted packs. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compactedTail, freshTail } from '../tests/arbitraries.ts';
import { FreshRows } from './fresh-rows.ts';
import { encodePackTail } from './pack.ts';
import { slipBytesOf } from './pack-layout.ts';
import { PackTable } from './pack-table.ts';
import { bitmapHas } from './refs.ts';

const bitmap = fc.uint8Array({ maxLength: 6 });

test('rows of a fresh pack are those of its table', () => {
  fc.assert(
    fc.property(freshTail, bitmap, (parts, named) => {
      const { tail } = encodePackTail(parts);
      const table = new PackTable(tail);
      const rows = FreshRows.of(tail);
      assert.ok(rows !== null);
      assert.equal(rows.count, table.count);
      const sums = { rows: 0, bytes: 0 };
      const all = { rows: 0, bytes: 0 };
      for (let row = 0; row < table.count; row += 1) {
        assert.equal(rows.slipOnlyAt(row), table.slipOnlyAt(row));
        assert.equal(rows.lengthAt(row), table.lengthAt(row));
        assert.deepEqual(rows.blobHashAt(row), table.blobHashAt(row));
        const bytes = 96 + slipBytesOf(table.suiteAt(row)) + (table.slipOnlyAt(row) ? 0 : table.lengthAt(row));
        all.rows += 1;
        all.bytes += bytes;
        if (!bitmapHas(named, row)) continue;
        sums.rows += 1;
        sums.bytes += bytes;
      }
      assert.deepEqual(rows.totals, all);
      assert.deepEqual(rows.totalsOf(named), sums);
    }),
  );
});

test('a compacted pack has none', () => {
  fc.assert(fc.property(compactedTail, (parts) => assert.equal(FreshRows.of(encodePackTail(parts).tail), null)));
});
