/* Vectors of packs and refs. */

import { concatBytes, primitives, toHex } from '@twinvault/std';
import { packKinds, packName, RefsBuilder } from '@twinvault/format';
import type { FormatErrorCode } from '@twinvault/format';
import type { VectorFile } from '../src/vector.ts';
import { Collector } from './collect.ts';
import { certificate, fill, freshPack, joinedPack, otherCertificate, packHeader, packOf, safe, u32, withBytes } from './world.ts';
import type { MadePack } from './world.ts';

const rowBytes = 144;
const sectionBytes = 114;
const trailerBytes = 40;

type Expected = readonly [FormatErrorCode, string?];

/** Adds packs with one defect in header or tail, under the name that these then have. */
class PackTampering {
  readonly #collector: Collector;

  constructor(collector: Collector) {
    this.#collector = collector;
  }

  /** `change` gets copies of header, blobs and tail and changes them. */
  tamper(name: string, pack: MadePack, change: (parts: Parts) => Partial<Parts> | void, [code, defect]: Expected): void {
    const parts: Parts = { header: pack.headerBytes.slice(), blobs: pack.blobs.slice(), tail: pack.tail.slice() };
    const { header, blobs, tail } = { ...parts, ...change(parts) };
    const newName = primitives.sha256(concatBytes(header, tail));
    const context = { name: toHex(newName), safe: toHex(safe) };
    const bytes = concatBytes(header, blobs, tail);
    this.#collector.invalid(name, bytes, { code, context, ...(defect !== undefined && { defect }) });
  }
}

interface Parts {
  readonly header: Uint8Array;
  readonly blobs: Uint8Array;
  readonly tail: Uint8Array;
}

function setU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value & 0xff;
  bytes[offset + 1] = value >>> 8;
}

function setU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes.set(u32(value), offset);
}

/** Places in the trailer, from the end of the tail. */
const trailer = { blobs: -40, header: -32, table: -28, rows: -24, sections: -20, sectionCount: -16, version: -14, zero: -13 };

export function packVectors(): VectorFile {
  const about =
    'Packs (TVPK) as a vault checks them on arrival: under context.name, for context.safe and, where given, context.certificate. ' +
    'Slips, salts and blobs are arbitrary bytes. Value: header, rows, sections and lengths.';
  const collector = new Collector({ parser: 'pack', about });
  const small = freshPack('small', [40]);
  const mixed = freshPack('mixed', [33, 0, 61, 1]);
  const second = freshPack('second', [20, 0], { suite: 2, kem: fill('session 2', 1120) });
  const third = freshPack('third', [15]);
  const state = freshPack('state', [25], { kind: packKinds.state });
  const slips = freshPack('slips', [0, 0]);
  const compacted = joinedPack([mixed, second, third]);
  const context = (pack: MadePack): { name: string; safe: string } => ({ name: toHex(pack.name), safe: toHex(safe) });
  const packs: readonly (readonly [string, MadePack])[] = [
    ['one blob', small],
    ['blobs and a slip-only row', mixed],
    ['suite 2', second],
    ['catalog', freshPack('catalog', [12, 13], { kind: packKinds.catalog })],
    ['state', state],
    ['slip-only rows alone', slips],
    ['compacted from one pack', joinedPack([third])],
    ['compacted from three packs of two sessions and suites', compacted],
    ['compacted from state packs', joinedPack([state, freshPack('state 2', [9], { kind: packKinds.state })])],
  ];
  for (const [name, pack] of packs) collector.valid(name, pack.bytes, context(pack));
  const withCertificate = { ...context(small), certificate: toHex(certificate) };
  collector.valid('of the certificate asked for', small.bytes, withCertificate);
  collector.invalid('of another certificate', small.bytes, {
    code: 'pack-foreign',
    defect: 'another certificate',
    context: { ...withCertificate, certificate: toHex(otherCertificate) },
  });
  collector.invalid('of another safe', small.bytes, {
    code: 'pack-foreign',
    defect: 'another safe',
    context: { ...context(small), safe: toHex(fill('safe', 16)) },
  });
  collector.invalid('under another name', small.bytes, {
    code: 'pack-damaged',
    defect: 'another name',
    context: { ...context(small), name: toHex(mixed.name) },
  });
  const tampering = new PackTampering(collector);
  addHeaders(tampering, { small, state });
  addTrailers(tampering, small);
  addRows(tampering, { small, mixed });
  addSections(tampering, { small, compacted, third });
  return collector.finish();
}

function addHeaders(tampering: PackTampering, { small, state }: { small: MadePack; state: MadePack }): void {
  const header = (name: string, [offset, value]: readonly [number, number], expected: Expected, pack = small): void => {
    tampering.tamper(name, pack, (parts) => void (parts.header[offset] = value), expected);
  };
  header('another magic', [0, 0x58], ['pack-damaged', 'magic']);
  header('a later version', [4, 2], ['version-unknown']);
  header('suite 0', [5, 0], ['suite-unknown']);
  header('suite 3', [5, 3], ['suite-unknown']);
  header('suite 2 with slips of suite 1', [5, 2], ['pack-damaged', 'length of the slips']);
  header('kind 0', [6, 0], ['pack-damaged', 'kind']);
  header('kind 4', [6, 4], ['pack-damaged', 'kind']);
  header('first zero of the header is not zero', [7, 1], ['pack-damaged', 'header not zero']);
  header('last zero of the header is not zero', [79, 1], ['pack-damaged', 'header not zero']);
  header('key epoch 0 in a data pack', [24, 0], ['pack-damaged', 'key epoch']);
  header('key epoch 1 in a state pack', [24, 1], ['pack-damaged', 'key epoch'], state);
  header('KEM ciphertext of 1,119 bytes', [76, 0x5f], ['pack-damaged', 'length of the KEM ciphertext']);
  header('state pack with a KEM ciphertext', [6, 3], ['pack-damaged', 'length of the KEM ciphertext']);
  header('data pack without a KEM ciphertext', [6, 1], ['pack-damaged', 'length of the KEM ciphertext'], state);
}

function addTrailers(tampering: PackTampering, small: MadePack): void {
  const at = (tail: Uint8Array, place: number): number => tail.length + place;
  const tail = (name: string, [place, value]: readonly [number, number], expected: Expected): void => {
    tampering.tamper(name, small, (parts) => void (parts.tail[at(parts.tail, place)] = value), expected);
  };
  tail('magic of the trailer', [-1, 0x0d], ['pack-damaged', 'magic of the trailer']);
  tail('a later version in the trailer', [trailer.version, 2], ['version-unknown']);
  tail('zeros of the trailer are not zero', [trailer.zero, 1], ['pack-damaged', 'trailer not zero']);
  tail('last zeros of the trailer are not zero', [-9, 1], ['pack-damaged', 'trailer not zero']);
  tail('no rows by the trailer', [trailer.rows, 0], ['pack-damaged', 'number of rows']);
  tail('two rows by the trailer', [trailer.rows, 2], ['pack-damaged', 'length of the table']);
  tail('65,537 rows by the trailer', [trailer.rows + 2, 1], ['pack-damaged', 'number of rows']);
  tail('no sections by the trailer', [trailer.sectionCount, 0], ['pack-damaged', 'number of sections']);
  tail('two sections by the trailer', [trailer.sectionCount, 2], ['pack-damaged', 'length of the sections']);
  tail('header of 81 bytes by the trailer', [trailer.header, 81], ['pack-damaged', 'header length']);
  tail('blobs longer by the trailer', [trailer.blobs, 41], ['pack-damaged', 'length of the blobs']);
  tail('blobs of 2^48 bytes by the trailer', [trailer.blobs + 6, 1], ['object-too-large', 'pack']);
  tail('table shorter by the trailer', [trailer.table, rowBytes - 1], ['pack-damaged']);
  tail('sections longer than the pack', [trailer.sections + 2, 1], ['pack-damaged', 'length of the tail']);
  tampering.tamper('a byte between blobs and table', small, ({ blobs }) => ({ blobs: concatBytes(blobs, u32(0)) }), [
    'pack-damaged',
    'lengths do not add up',
  ]);
  tampering.tamper('a blob shorter than its row says', small, ({ blobs }) => ({ blobs: blobs.slice(1) }), [
    'pack-damaged',
    'lengths do not add up',
  ]);
  tampering.tamper(
    'trailer alone',
    small,
    (parts) => ({ header: new Uint8Array(0), blobs: new Uint8Array(0), tail: parts.tail.slice(-40) }),
    ['pack-damaged', 'length of the tail'],
  );
  tampering.tamper(
    'shorter than a trailer',
    small,
    (parts) => ({ header: new Uint8Array(0), blobs: new Uint8Array(0), tail: parts.tail.slice(-39) }),
    ['pack-damaged', 'trailer missing'],
  );
}

function addRows(tampering: PackTampering, { small, mixed }: { small: MadePack; mixed: MadePack }): void {
  tampering.tamper('blob changed', small, ({ blobs }) => void (blobs[7] = (blobs[7] ?? 0) ^ 1), ['pack-damaged']);
  const row = (name: string, change: (tail: Uint8Array) => void, defect: string): void => {
    tampering.tamper(name, mixed, ({ tail }) => change(tail), ['pack-damaged', defect]);
  };
  const last = 3 * rowBytes;
  const slipOnly = mixed.rows.findIndex((candidate) => candidate.slipOnly) * rowBytes;
  const stored = mixed.rows.findIndex((candidate) => !candidate.slipOnly) * rowBytes;
  row('hash of a blob changed', (tail) => void (tail[stored + 64] = (tail[stored + 64] ?? 0) ^ 1), 'hash of a blob');
  row('flag 2', (tail) => setU16(tail, stored + 2, 2), 'flags');
  row('flag 1 on a row with a blob', (tail) => setU16(tail, stored + 2, 1), 'gap between blobs');
  row('no flag on a slip-only row', (tail) => setU16(tail, slipOnly + 2, 0), 'gap between blobs');
  row('slip-only row with an offset', (tail) => setU32(tail, slipOnly + 40, 1200), 'gap between blobs');
  row('gap before a blob', (tail) => setU32(tail, last + 40, 1296), 'gap between blobs');
  row('blob of no bytes', (tail) => setU32(tail, last + 44, 0), 'length of a blob');
  row('blob of 2^32 - 1 bytes', (tail) => setU32(tail, last + 44, 0xffff_ffff), 'length of a blob');
  row('position twice', (tail) => setU32(tail, last + 4, 2), 'order of positions');
  row('position left out', (tail) => setU32(tail, last + 4, 4), 'position is not the row number');
  row('position 65,536', (tail) => setU32(tail, last + 4, 65_536), 'order of positions');
  row('row of a section that is not there', (tail) => setU16(tail, last, 2), 'order of sections');
  row('id twice', (tail) => tail.copyWithin(last + 8, last - rowBytes + 8, last - rowBytes + 40), 'order of ids');
  const swapped = (tail: Uint8Array): void => {
    const id = tail.slice(last + 8, last + 40);
    tail.copyWithin(last + 8, last - rowBytes + 8, last - rowBytes + 40);
    tail.set(id, last - rowBytes + 8);
  };
  row('ids not sorted', swapped, 'order of ids');
}

function addSections(tampering: PackTampering, packs: { small: MadePack; compacted: MadePack; third: MadePack }): void {
  const { small, compacted } = packs;
  // One count, two KEM ciphertexts, three sections before the trailer.
  const sections = compacted.tail.length - trailerBytes - 3 * sectionBytes;
  const kems = sections - 2 * 1120;
  const change = (name: string, by: (tail: Uint8Array) => void, expected: Expected): void => {
    tampering.tamper(name, compacted, ({ tail }) => by(tail), expected);
  };
  change('KEM ciphertext twice', (tail) => tail.copyWithin(kems + 1120, kems, kems + 1120), [
    'pack-damaged',
    'KEM ciphertext twice',
  ]);
  change('KEM ciphertexts not in the order of use', (tail) => setU16(tail, sections + 32, 1), [
    'pack-damaged',
    'order of KEM ciphertexts',
  ]);
  change('KEM ciphertext not used', (tail) => setU16(tail, sections + sectionBytes + 32, 0), [
    'pack-damaged',
    'KEM ciphertext not used',
  ]);
  change('no such KEM ciphertext', (tail) => setU16(tail, sections + 2 * sectionBytes + 32, 2), [
    'pack-damaged',
    'index of a KEM ciphertext',
  ]);
  change('data section without a KEM ciphertext', (tail) => setU16(tail, sections + 2 * sectionBytes + 32, 0xffff), [
    'pack-damaged',
    'length of the KEM ciphertext',
  ]);
  change('origin twice', (tail) => tail.copyWithin(sections + 2 * sectionBytes, sections, sections + 32), [
    'pack-damaged',
    'origin twice',
  ]);
  change('catalog section in a data pack', (tail) => void (tail[sections + sectionBytes + 34 + 6] = 2), [
    'pack-damaged',
    'kinds mixed',
  ]);
  change('section of another safe', (tail) => tail.set(fill('safe', 16), sections + sectionBytes + 34 + 8), [
    'pack-damaged',
    'safes mixed',
  ]);
  change(
    'section of this pack among others',
    (tail) =>
      void tail
        .fill(0, sections + 2 * sectionBytes, sections + 3 * sectionBytes)
        .fill(0xff, sections + 2 * sectionBytes + 32, sections + 2 * sectionBytes + 34),
    ['pack-damaged', 'own section among others'],
  );
  change('unknown suite in a section', (tail) => void (tail[sections + 34 + 5] = 3), ['suite-unknown']);
  change('header of another certificate than the first section’s', (tail) => tail.set(otherCertificate, sections + 34 + 28), [
    'pack-damaged',
    'header is not the first section’s',
  ]);
  change('last section without rows', (tail) => setU16(tail, tail.length - trailerBytes + 24, 4), [
    'pack-damaged',
    'length of the sections',
  ]);
  const tableBytes = new DataView(compacted.tail.buffer, compacted.tail.byteOffset).getUint32(
    compacted.tail.length + trailer.table,
    true,
  );
  const resized = (name: string, table: Uint8Array, defect: string): void => {
    tampering.tamper(
      name,
      compacted,
      ({ tail }) => {
        const whole = concatBytes(table, tail.subarray(tableBytes));
        setU32(whole, whole.length + trailer.table, table.length);
        return { tail: whole };
      },
      ['pack-damaged', defect],
    );
  };
  const table = compacted.tail.subarray(0, tableBytes);
  resized('bytes after the last row', concatBytes(table, new Uint8Array(8)), 'length of the table');
  resized('table ends in the slip of a row', table.slice(0, -8), 'length of the table');
  resized('table ends in the fixed part of a row', table.slice(0, -100), 'length of the table');
  change('section says another length of its KEM ciphertext', (tail) => setU16(tail, sections + 34 + 76, 1119), [
    'pack-damaged',
    'length of the KEM ciphertext',
  ]);
  const own = small.tail.length - trailerBytes - sectionBytes;
  tampering.tamper('header in the section of this pack', small, ({ tail }) => void (tail[own + 34] = 1), [
    'pack-damaged',
    'section of this pack',
  ]);
  tampering.tamper('KEM index in the section of this pack', small, ({ tail }) => setU16(tail, own + 32, 0), [
    'pack-damaged',
    'section of this pack',
  ]);
  const other = packOf({
    ...packs.third,
    header: packHeader('third'),
    sections: [{ origin: packName(fill('origin', 32)), header: packHeader('x') }],
  });
  tampering.tamper(
    'section after the last row',
    other,
    ({ tail }) => {
      const start = tail.length - trailerBytes;
      const twice = concatBytes(
        tail.subarray(0, start),
        withBytes(tail.subarray(start - sectionBytes, start), 0, 1),
        tail.subarray(start),
      );
      setU32(twice, twice.length + trailer.sections, 2 + 1120 + 2 * sectionBytes);
      setU16(twice, twice.length + trailer.sectionCount, 2);
      return { tail: twice };
    },
    ['pack-damaged', 'section without rows'],
  );
}

export function refsVectors(): VectorFile {
  const collector = new Collector({
    parser: 'refs',
    about: 'Refs of records. Value: packs with their bitmaps, and the positions in order.',
  });
  const names = ['a', 'b', 'c'].map((name) => packName(fill(name, 32))).toSorted((x, y) => (x[0] ?? 0) - (y[0] ?? 0));
  const [first, second] = names;
  if (first === undefined || second === undefined) throw new RangeError('no names');
  const built = (...positions: readonly number[]): Uint8Array => {
    const builder = new RefsBuilder();
    positions.forEach((position, index) => builder.add(names[index % names.length] ?? first, position));
    return builder.finish();
  };
  collector
    .valid('no packs', new Uint8Array([0]))
    .valid('position 0', built(0))
    .valid('last position', built(65_535))
    .valid('three packs', built(7, 8, 65_535, 0, 9, 100, 1, 1, 1));
  const entry = (name: Uint8Array, bitmap: readonly number[]): Uint8Array =>
    concatBytes(name, new Uint8Array([bitmap.length, ...bitmap]));
  const refused = (name: string, bytes: Uint8Array, defect: string): void => {
    collector.invalid(name, bytes, { code: 'refs-invalid', defect });
  };
  const packs = (count: number, ...entries: readonly Uint8Array[]): Uint8Array =>
    concatBytes(new Uint8Array([count]), ...entries);
  refused('empty', new Uint8Array(0), 'too short, or a varint');
  refused('packs not sorted', packs(2, entry(second, [1]), entry(first, [1])), 'order of packs');
  refused('pack twice', packs(2, entry(first, [1]), entry(first, [2])), 'order of packs');
  refused('empty bitmap', packs(1, entry(first, []), new Uint8Array(1)), 'bitmap empty or longer than needed');
  refused('bitmap of zeros', packs(1, entry(first, [0])), 'bitmap empty or longer than needed');
  refused('bitmap with a trailing zero', packs(1, entry(first, [1, 0])), 'bitmap empty or longer than needed');
  const long = concatBytes(first, new Uint8Array([0x81, 0x40]), new Uint8Array(8193).fill(1));
  refused('bitmap of 8,193 bytes', packs(1, long), 'length of a bitmap');
  refused('bitmap beyond the end', packs(1, concatBytes(first, new Uint8Array([3, 1, 1]))), 'too short, or a varint');
  refused('name beyond the end', packs(2, entry(first, [1, 2, 3, 4, 5]), second.slice(0, 31)), 'too short, or a varint');
  refused(
    'number of packs in a longer form',
    concatBytes(new Uint8Array([0x81, 0]), entry(first, [1])),
    'too short, or a varint',
  );
  refused('length of a bitmap in a longer form', packs(1, first, new Uint8Array([0x81, 0, 1])), 'too short, or a varint');
  refused('2^49 - 1 packs', new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), 'more packs than bytes');
  refused('bytes after the end', packs(1, entry(first, [1]), new Uint8Array([0])), 'bytes after the end');
  refused('a pack more than counted', packs(1, entry(first, [1]), entry(second, [1])), 'bytes after the end');
  return collector.finish();
}
