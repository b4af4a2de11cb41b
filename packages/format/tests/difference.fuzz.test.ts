/*
 * Fuzzing of records as differences, of the form and of what is made of it with a base. Invariants: those of fuzz.ts; what is taken is the one
 * form of the record that comes out.
 */

import { test } from 'node:test';
import { concatBytes, Prng } from '@twinvault/std';
import {
  encodeRecord,
  encodeRecordDifference,
  packName,
  parseRecord,
  parseRecordDifference,
  recordOfDifference,
  RefsBuilder,
} from '../src/index.ts';
import type { ParsedRecord, RecordDifference } from '../src/index.ts';
import { agent, fill, newLedger, recordPublic } from './fixtures.ts';
import { damaged, fuzz, fuzzSeed } from './fuzz.ts';

function refsOf(random: Prng): Uint8Array {
  const builder = new RefsBuilder();
  for (let count = random.below(40); count > 0; count -= 1) {
    builder.add(packName(fill(`pack ${random.below(8)}`, 32)), random.chance(0.8) ? random.below(60) : random.below(65_536));
  }
  return builder.finish();
}

function recordWith(refs: Uint8Array, suite: 1 | 2): ParsedRecord {
  return parseRecord(
    encodeRecord({ public: recordPublic(newLedger()), suite, refs, sealed: fill('sealed', 90), sign: agent.sign }),
  );
}

interface Read {
  readonly sent: RecordDifference;
  readonly record: ParsedRecord;
}

/** Damages the difference alone, and says its length again. */
function otherDifference(bytes: Uint8Array, random: Prng): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 52 + view.getUint32(40, true);
  const end = start + view.getUint32(44, true);
  const part = damaged(bytes.slice(start, end), random);
  const whole = concatBytes(bytes.subarray(0, start), part, bytes.subarray(end));
  new DataView(whole.buffer).setUint32(44, part.length, true);
  return whole;
}

test('records as differences', () => {
  const seed = fuzzSeed();
  const random = new Prng(`${seed}/differences`);
  const base = recordWith(refsOf(random), 1);
  const samples = Array.from({ length: 12 }, (_, index) => {
    return encodeRecordDifference(recordWith(refsOf(random), index % 2 === 0 ? 1 : 2), base);
  });
  const target = {
    parse: (bytes: Uint8Array): Read => {
      const sent = parseRecordDifference(bytes);
      return { sent, record: parseRecord(recordOfDifference(sent, base.refs)) };
    },
    encode: ({ sent, record }: Read): Uint8Array => encodeRecordDifference(record, { digest: sent.base, refs: base.refs }),
    samples,
  };
  fuzz({ ...target, name: 'difference' }, seed);
  fuzz({ ...target, name: 'difference of the refs', damage: otherDifference }, seed);
});
