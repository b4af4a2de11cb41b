/* Vectors of records that are sent as differences to others. */

import { concatBytes, toHex } from '@twinvault/std';
import { encodeRecord, encodeRecordDifference, packName, parseRecord, RefsBuilder } from '@twinvault/format';
import type { FormatErrorCode } from '@twinvault/format';
import type { VectorFile } from '../src/vector.ts';
import { Collector } from './collect.ts';
import type { Context } from './collect.ts';
import { publicPart } from './format-records.ts';
import { agent, fill, smallChain, stranger, withBytes } from './world.ts';
import type { Chain, Signer } from './world.ts';

/** Positions by pack, told by the numbers that name the packs. */
type Places = Readonly<Record<string, readonly number[]>>;

function refsOf(places: Places): Uint8Array {
  const builder = new RefsBuilder();
  for (const [pack, positions] of Object.entries(places)) {
    for (const position of positions) builder.add(packName(fill(`pack ${pack}`, 32)), position);
  }
  return builder.finish();
}

interface Making {
  readonly chain: Chain;
  readonly places: Places;
  readonly sequence?: number;
  readonly suite?: 1 | 2;
  readonly by?: Signer;
}

function recordWith({ chain, places, sequence = 2, suite = 1, by = agent }: Making): Uint8Array {
  const parts = { public: publicPart(chain, { sequence }), suite, refs: refsOf(places), sealed: fill('sealed', 90) };
  return encodeRecord({ ...parts, sign: by.sign });
}

const basePlaces: Places = { 1: [0, 1, 2, 9], 2: [17], 3: [5] };

export function differenceVectors(): VectorFile {
  const about =
    'Records as differences (TVRD) to the record context.base, checked against the ledger of context.descriptor and context.entries. ' +
    'Value: digest of the base, the difference, the record in full and its digest.';
  const chain = smallChain();
  const base = recordWith({ chain, places: basePlaces, sequence: 1 });
  const shared = { ...chain.shared(), base: toHex(base) };
  const collector = new Collector({ parser: 'difference', about, shared });
  const context = { ...chain.context(), base: '@base' };
  const sent = (making: Omit<Making, 'chain'>, from: Uint8Array = base): Uint8Array =>
    encodeRecordDifference(parseRecord(recordWith({ chain, ...making })), parseRecord(from));
  const empty = recordWith({ chain, places: {}, sequence: 1 });
  collector
    .valid('the same refs', sent({ places: basePlaces }), context)
    .valid('positions that came', sent({ places: { ...basePlaces, 1: [0, 1, 2, 9, 70], 4: [0] } }), context)
    .valid('positions that went, bitmaps grow shorter', sent({ places: { ...basePlaces, 1: [0] } }), context)
    .valid('packs that came and went', sent({ places: { 2: [17], 4: [65_535] } }), context)
    .valid('nothing is left', sent({ places: {} }), context)
    .valid('a base without refs', sent({ places: basePlaces }, empty), { ...context, base: toHex(empty) })
    .valid('suite 2', sent({ places: { 2: [17] }, suite: 2 }), context);
  addDefects(collector, sent({ places: { ...basePlaces, 2: [17, 18] } }), context);
  const refused = { code: 'signature-invalid', defect: 'record', context } as const;
  collector.invalid('signed by another key', sent({ places: basePlaces, by: stranger }), refused);
  const other = recordWith({ chain, places: { 1: [0] }, sequence: 1 });
  collector.invalid('told by another base than it names', withBase(sent({ places: basePlaces }, other), base), refused);
  collector.invalid('of another base than is given', sent({ places: basePlaces }, other), {
    code: 'record-invalid',
    defect: 'another base',
    context,
  });
  return collector.finish();
}

/** Offset of the three lengths. */
const lengthsOffset = 40;

function withBase(bytes: Uint8Array, base: Uint8Array): Uint8Array {
  return concatBytes(bytes.subarray(0, 8), parseRecord(base).digest, bytes.subarray(lengthsOffset));
}

function addDefects(collector: Collector, good: Uint8Array, context: Context): void {
  const refused = (name: string, bytes: Uint8Array, [code, defect]: readonly [FormatErrorCode, string?]): void => {
    collector.invalid(name, bytes, { code, context, ...(defect !== undefined && { defect }) });
  };
  refused('magic of a record', withBytes(good, 3, 0x43), ['record-invalid', 'magic']);
  refused('a later version', withBytes(good, 4, 2), ['version-unknown']);
  refused('suite 0', withBytes(good, 5, 0), ['suite-unknown']);
  refused('suite changed', withBytes(good, 5, 2), ['signature-invalid', 'record']);
  refused('zeros of the header are not zero', withBytes(good, 6, 1), ['record-invalid', 'header not zero']);
  refused('a byte more', concatBytes(good, new Uint8Array(1)), ['record-invalid', 'lengths do not add up']);
  refused('a byte less', good.slice(0, -1), ['record-invalid', 'lengths do not add up']);
  refused('head alone', good.slice(0, 51), ['record-invalid', 'shorter than its fixed parts']);
  refused('public part above recordPublicBytesMax', withBytes(good, 40, 1, 0, 1, 0), ['object-too-large']);
  refused('difference above recordRefsBytesMax', withBytes(good, 44, 1, 0, 0, 0x10), ['object-too-large']);
  refused('sealed part above recordSealedBytesMax', withBytes(good, 48, 1, 0, 0x40, 0), ['object-too-large']);
  const view = new DataView(good.buffer, good.byteOffset, good.byteLength);
  const difference = 52 + view.getUint32(40, true);
  const differenceBytes = view.getUint32(44, true);
  const last = difference + differenceBytes - 1;
  refused('another position than the record has', withBytes(good, last, 8), ['signature-invalid', 'record']);
  refused('a bitmap of the difference ends with zero', withBytes(good, last, 0), [
    'refs-invalid',
    'bitmap empty or longer than needed',
  ]);
  refused('the difference says more packs than it has', withBytes(good, difference, 2), [
    'refs-invalid',
    'more packs than bytes',
  ]);
  refused('signature changed', withBytes(good, -1, (good.at(-1) ?? 0) ^ 0xff), ['signature-invalid', 'record']);
}
