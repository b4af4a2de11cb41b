/*
 * Packs as a whole, docs/format/packs.md: making the tail and the name, and what a vault checks on arrival.
 *
 *     pack = header | blobs | table | sections | trailer        name = SHA-256(header | table | sections | trailer)
 *
 * The table holds each blob's hash, so the name covers every byte.
 */

import { assert, concatBytes, equalBytes, primitives } from '@twinvault/std';
import { demand, FormatError } from './errors.ts';
import { packName } from './ids.ts';
import type { CertificateId, PackName, SafeId } from './ids.ts';
import { packBytesMax, packRowsMax } from './limits.ts';
import { formatVersion } from './objects.ts';
import type { Suite } from './objects.ts';
import { packHeaderBytesMax, packHeaderFixedBytes, parsePackHeader } from './pack-header.ts';
import type { PackHeader } from './pack-header.ts';
import { packTrailerBytes, rowFixedBytes, slipBytesOf, slipOnlyFlag, trailerMagic } from './pack-layout.ts';
import { encodeSections } from './pack-sections.ts';
import type { PackSection } from './pack-sections.ts';
import { packTailBytes, PackTable } from './pack-table.ts';
import type { PackRow } from './pack-table.ts';

export interface PackTail {
  readonly rows: readonly PackRow[];
  readonly sections: readonly PackSection[];
  readonly blobsBytes: number;
  readonly headerBytes: number;
  readonly tailBytes: number;
  /** Of the whole pack. */
  readonly packBytes: number;
}

export interface PackTailParts {
  /** Encoded header of this pack. */
  readonly header: Uint8Array;
  /** Sorted by section and position. */
  readonly rows: readonly PackRow[];
  readonly sections: readonly PackSection[];
  readonly blobsBytes: number;
}

/** Table | sections | trailer, and the pack's name. Rows that no reader would take throw as parsePackTail does. */
export function encodePackTail(parts: PackTailParts): { readonly tail: Uint8Array; readonly name: PackName } {
  const ownSuite = parsePackHeader(parts.header).suite;
  const suites = parts.sections.map(({ header }) => header?.suite ?? ownSuite);
  const table = encodeTable(parts.rows, suites);
  const sections = encodeSections(parts.sections);
  const trailer = new Uint8Array(packTrailerBytes);
  const view = new DataView(trailer.buffer);
  view.setBigUint64(0, BigInt(parts.blobsBytes), true);
  view.setUint32(8, parts.header.length, true);
  view.setUint32(12, table.length, true);
  view.setUint32(16, parts.rows.length, true);
  view.setUint32(20, sections.length, true);
  view.setUint16(24, parts.sections.length, true);
  trailer[26] = formatVersion;
  trailer.set(trailerMagic, 32);
  const tail = concatBytes(table, sections, trailer);
  assert(new PackTable(tail).count === parts.rows.length, 'rows of a tail');
  return { tail, name: packNameOf(parts.header, tail) };
}

function encodeTable(rows: readonly PackRow[], suites: readonly Suite[]): Uint8Array {
  assert(rows.length <= packRowsMax, 'too many rows');
  let length = 0;
  for (const row of rows) length += rowFixedBytes + slipBytesOf(suites[row.section] ?? 1);
  const table = new Uint8Array(length);
  const view = new DataView(table.buffer);
  let offset = 0;
  for (const row of rows) {
    const slipBytes = slipBytesOf(suites[row.section] ?? 1);
    assert(row.id.length === 32 && row.salt.length === 16 && row.blobHash.length === 32, 'lengths in a row');
    assert(row.slip.length === slipBytes, 'length of a slip');
    view.setUint16(offset, row.section, true);
    view.setUint16(offset + 2, row.slipOnly ? slipOnlyFlag : 0, true);
    view.setUint32(offset + 4, row.position, true);
    table.set(row.id, offset + 8);
    view.setUint32(offset + 40, row.offsetBytes, true);
    view.setUint32(offset + 44, row.lengthBytes, true);
    table.set(row.salt, offset + 48);
    table.set(row.blobHash, offset + 64);
    table.set(row.slip, offset + rowFixedBytes);
    offset += rowFixedBytes + slipBytes;
  }
  return table;
}

/** SHA-256 over the encoded header and the tail. */
export function packNameOf(header: Uint8Array, tail: Uint8Array): PackName {
  return packName(primitives.sha256Stream().update(header).update(tail).digest());
}

/** Table | sections | trailer exactly; see PackTable, which reads the same without an object per row. */
export function parsePackTail(tail: Uint8Array): PackTail {
  return tailOf(new PackTable(tail));
}

function tailOf(table: PackTable): PackTail {
  const { sections, blobsBytes, headerBytes, tailBytes, packBytes } = table;
  const rows = Array.from({ length: table.count }, (_, row) => table.row(row));
  return { rows, sections, blobsBytes, headerBytes, tailBytes, packBytes };
}

export interface PackExpectation {
  readonly safe: SafeId;
  /** The session's, on arrival; left out when a stored pack is checked. */
  readonly certificate?: CertificateId;
  /** The session's minimum, on arrival. */
  readonly minimumSuite?: Suite;
}

/** A pack whose header, tail and name fit each other; its blobs are still to be checked. */
export interface VerifiedTail {
  readonly header: PackHeader;
  readonly table: PackTable;
}

/**
 * Checks all of a pack but its blobs: for stores that read the ends of a pack first. `headerBytes` begins with the pack's
 * header and may be longer. `pack-damaged`, `pack-foreign`, `suite-too-low`, `object-too-large`, `version-unknown`, `suite-unknown`.
 */
export function verifyPackEnds(
  name: PackName,
  ends: { readonly headerBytes: Uint8Array; readonly tail: Uint8Array },
  expected: PackExpectation,
): VerifiedTail {
  const header = parsePackHeader(ends.headerBytes);
  const table = new PackTable(ends.tail);
  const headerBytes = packHeaderFixedBytes + header.kem.length;
  demand(headerBytes === table.headerBytes, 'pack-damaged', 'header length');
  demand(equalBytes(packNameOf(ends.headerBytes.subarray(0, headerBytes), ends.tail), name), 'pack-damaged', 'another name');
  demandSections(header, table);
  demand(equalBytes(header.safe, expected.safe), 'pack-foreign', 'another safe');
  demand(
    expected.certificate === undefined || equalBytes(header.certificate, expected.certificate),
    'pack-foreign',
    'another certificate',
  );
  demand(header.suite >= (expected.minimumSuite ?? 1), 'suite-too-low', 'pack');
  return { header, table };
}

/** Whether `blob` is the one that the row names; a slip-only row has none here and gives true for no bytes. */
export function verifyBlob(table: PackTable, row: number, blob: Uint8Array): boolean {
  if (table.slipOnlyAt(row)) return blob.length === 0;
  return blob.length === table.lengthAt(row) && equalBytes(primitives.sha256(blob), table.blobHashAt(row));
}

/**
 * The first of the rows `from` to `to` - 1 whose blob is not the one that it names; null: none. `bytes`: of the whole pack. Blobs are hashed
 * side by side, which costs half where several are asked for at once.
 */
export function wrongBlob(
  table: PackTable,
  bytes: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
): number | null {
  const rows: number[] = [];
  for (let row = from; row < to; row += 1) if (!table.slipOnlyAt(row)) rows.push(row);
  const blobs = rows.map((row) => bytes.subarray(table.offsetAt(row), table.offsetAt(row) + table.lengthAt(row)));
  const digests = primitives.sha256Each(blobs);
  const isRight = (row: number, index: number): boolean =>
    blobs[index]?.length === table.lengthAt(row) && equalBytes(digests[index] ?? new Uint8Array(0), table.blobHashAt(row));
  return rows.find((row, index) => !isRight(row, index)) ?? null;
}

/**
 * Everything that a vault checks when a pack arrives: one pass of SHA-256 over its bytes. Errors as verifyPackEnds; a blob
 * that does not fit its hash is `pack-damaged` with its row in the context.
 */
export function verifyPack(name: PackName, bytes: Uint8Array, expected: PackExpectation): PackTail {
  return tailOf(verifyPackTable(name, bytes, expected).table);
}

/** The same, without an object per row. The table is a view of `bytes`: who keeps it longer copies the tail and makes it anew. */
export function verifyPackTable(name: PackName, bytes: Uint8Array, expected: PackExpectation): VerifiedTail {
  if (bytes.length > packBytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax: packBytesMax } });
  }
  const tailBytes = packTailBytes(bytes.subarray(Math.max(0, bytes.length - packTrailerBytes)));
  demand(tailBytes <= bytes.length, 'pack-damaged', 'length of the tail');
  const ends = {
    headerBytes: bytes.subarray(0, Math.min(packHeaderBytesMax, bytes.length)),
    tail: bytes.subarray(bytes.length - tailBytes),
  };
  const verified = verifyPackEnds(name, ends, expected);
  const { table } = verified;
  demand(table.packBytes === bytes.length, 'pack-damaged', 'lengths do not add up');
  const row = wrongBlob(table, bytes, { from: 0, to: table.count });
  if (row !== null) throw new FormatError('pack-damaged', { context: { defect: 'hash of a blob', row } });
  return verified;
}

function demandSections(header: PackHeader, table: PackTable): void {
  const first = table.sections[0]?.header;
  if (!first) {
    demand(table.suiteAt(0) === header.suite, 'pack-damaged', 'length of the slips');
    return;
  }
  // A compacted pack repeats the first section's header with a nonce of its own.
  const repeats =
    first.suite === header.suite &&
    first.kind === header.kind &&
    first.epoch === header.epoch &&
    equalBytes(first.safe, header.safe) &&
    equalBytes(first.certificate, header.certificate) &&
    equalBytes(first.kem, header.kem);
  demand(repeats, 'pack-damaged', 'header is not the first section’s');
}
