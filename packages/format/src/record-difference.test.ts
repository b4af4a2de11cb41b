/* Records as differences: round trip over any base, one defect each, and no other bytes are taken. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes } from '@twinvault/std';
import fc from 'fast-check';
import { agent, fill, newLedger, recordPublic } from '../tests/fixtures.ts';
import { packName } from './ids.ts';
import { encodeRecord, parseRecord } from './record.ts';
import { encodeRecordDifference, isRecordDifference, parseRecordDifference, recordOfDifference } from './record-difference.ts';
import { RefsBuilder } from './refs.ts';

const place = fc.tuple(fc.nat(5), fc.nat(300));
const places = fc.array(place, { maxLength: 30 });

function refsOf(list: readonly (readonly [number, number])[]): Uint8Array {
  const builder = new RefsBuilder();
  for (const [pack, position] of list) builder.add(packName(fill(`pack ${pack}`, 32)), position);
  return builder.finish();
}

function recordWith(refs: Uint8Array, sequence: number = 2): Uint8Array {
  const parts = { public: recordPublic(newLedger(), { sequence }), suite: 1 as const, refs, sealed: fill('sealed', 90) };
  return encodeRecord({ ...parts, sign: agent.sign });
}

test('a record comes back from its difference to any other', () => {
  fc.assert(
    fc.property(places, places, (own, other) => {
      const bytes = recordWith(refsOf(own));
      const base = parseRecord(recordWith(refsOf(other), 3));
      const sent = encodeRecordDifference(parseRecord(bytes), base);
      assert.ok(isRecordDifference(sent) && !isRecordDifference(bytes));
      const parsed = parseRecordDifference(sent);
      assert.deepEqual(parsed.base, base.digest);
      assert.deepEqual(recordOfDifference(parsed, base.refs), bytes);
      const stranger = refsOf([...other, [9, 1]]);
      const wrong = recordOfDifference(parsed, stranger);
      assert.ok(equalBytes(stranger, base.refs) || !equalBytes(parseRecord(wrong).digest, parseRecord(bytes).digest));
    }),
    { numRuns: 60 },
  );
});

test('one defect each is refused', () => {
  const base = parseRecord(recordWith(refsOf([[1, 1]])));
  const good = encodeRecordDifference(parseRecord(recordWith(refsOf([[1, 2]]))), base);
  const changed = (offset: number, value: number): Uint8Array => {
    const copy = good.slice();
    copy[offset] = value;
    return copy;
  };
  const refused = (bytes: Uint8Array, code: string): void => assert.throws(() => parseRecordDifference(bytes), { code });
  refused(changed(3, 0x43), 'record-invalid');
  refused(changed(4, 2), 'version-unknown');
  refused(changed(5, 0), 'suite-unknown');
  refused(changed(43, 1), 'object-too-large');
  refused(changed(47, 0x20), 'object-too-large');
  refused(changed(51, 1), 'object-too-large');
  refused(changed(44, 1), 'record-invalid');
  refused(good.slice(0, -1), 'record-invalid');
  refused(good.slice(0, 50), 'record-invalid');
  refused(new Uint8Array(0), 'record-invalid');
});
