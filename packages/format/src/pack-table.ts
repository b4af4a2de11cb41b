/*
 * The tail of a pack (table | sections | trailer) read in place: columns by row number, no object per row. A live list of
 * millions of rows stays the bytes that came, plus four bytes a row.
 *
 * Invariants, checked once when it is made: lengths add up to the tail; rows are sorted by (section, position), each pair
 * once; in a fresh pack by chunk id too, position = row number; the blobs of rows that are not slip only follow each other
 * from the end of the header on without gaps and fill the length of the blobs; nothing is above its limit.
 */

import { chunkId } from './ids.ts';
import type { ChunkId, PackName } from './ids.ts';
import { demand, FormatError } from './errors.ts';
import { packBytesMax, packRowsMax } from './limits.ts';
import { formatVersion } from './objects.ts';
import type { Suite } from './objects.ts';
import { packHeaderBytesMax, packHeaderFixedBytes } from './pack-header.ts';
import { packTrailerBytes, rowFixedBytes, saltBytes, slipBytesOf, slipOnlyFlag, trailerMagic } from './pack-layout.ts';
import { parseSections, sectionOrigins } from './pack-sections.ts';
import type { PackSection } from './pack-sections.ts';

export interface PackRow {
  /** Index into the sections. */
  readonly section: number;
  /** In the origin pack. */
  readonly position: number;
  readonly id: ChunkId;
  /** Of the blob, from the beginning of this pack; 0 if slip only. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly salt: Uint8Array;
  /** SHA-256 of the blob. */
  readonly blobHash: Uint8Array;
  readonly slip: Uint8Array;
  /** The blob lies elsewhere. */
  readonly slipOnly: boolean;
}

interface Trailer {
  readonly blobsBytes: number;
  readonly headerBytes: number;
  readonly tableBytes: number;
  readonly rowCount: number;
  readonly sectionsBytes: number;
  readonly sectionCount: number;
}

/** How many bytes at the end of a pack are its tail, told by its last 40 bytes. `pack-damaged`, `version-unknown`. */
export function packTailBytes(last40: Uint8Array): number {
  const { tableBytes, sectionsBytes } = readTrailer(last40);
  return tableBytes + sectionsBytes + packTrailerBytes;
}

/** Told by the end of the tail alone. 1 for every fresh pack, whose own header then speaks for all rows. `pack-damaged`, `version-unknown`. */
export function packSectionCount(tail: Uint8Array): number {
  return readTrailer(tail.subarray(Math.max(0, tail.length - packTrailerBytes))).sectionCount;
}

function readTrailer(bytes: Uint8Array): Trailer {
  demand(bytes.length === packTrailerBytes, 'pack-damaged', 'trailer missing');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  demand(
    trailerMagic.every((byte, index) => bytes[32 + index] === byte),
    'pack-damaged',
    'magic of the trailer',
  );
  if (bytes[26] !== formatVersion) throw new FormatError('version-unknown', { context: { version: bytes[26] ?? 0 } });
  demand(bytes[27] === 0 && view.getUint32(28, true) === 0, 'pack-damaged', 'trailer not zero');
  const trailer: Trailer = {
    blobsBytes: view.getUint32(0, true) + view.getUint32(4, true) * 0x1_0000_0000,
    headerBytes: view.getUint32(8, true),
    tableBytes: view.getUint32(12, true),
    rowCount: view.getUint32(16, true),
    sectionsBytes: view.getUint32(20, true),
    sectionCount: view.getUint16(24, true),
  };
  const { headerBytes, blobsBytes, tableBytes, sectionsBytes, rowCount } = trailer;
  demand(headerBytes === packHeaderFixedBytes || headerBytes === packHeaderBytesMax, 'pack-damaged', 'header length');
  const packBytes = headerBytes + blobsBytes + tableBytes + sectionsBytes + packTrailerBytes;
  demand(packBytes <= packBytesMax, 'object-too-large', 'pack');
  demand(rowCount >= 1 && rowCount <= packRowsMax, 'pack-damaged', 'number of rows');
  return trailer;
}

/** Origins of a compacted pack, one for each section, read without looking at the rest of a tail that was verified; none of a fresh pack. */
export function compactedOrigins(tail: Uint8Array): PackName[] {
  const { tableBytes, sectionsBytes, sectionCount } = readTrailer(tail.subarray(Math.max(0, tail.length - packTrailerBytes)));
  return sectionOrigins(tail.subarray(tableBytes, tableBytes + sectionsBytes), sectionCount);
}

export class PackTable {
  readonly count: number;
  readonly sections: readonly PackSection[];
  readonly blobsBytes: number;
  readonly headerBytes: number;
  readonly tailBytes: number;
  /** Of the whole pack. */
  readonly packBytes: number;
  readonly #tail: Uint8Array;
  readonly #view: DataView;
  /** Where each row begins in the tail. */
  readonly #rowOffsets: Uint32Array;
  /** Suite of the only section when that is this pack, told by the length of its slips; 0 otherwise. */
  readonly #ownSuite: Suite | 0;

  /** Exactly table | sections | trailer; kept, not copied. `pack-damaged`, `object-too-large`, `version-unknown`, `suite-unknown`. */
  constructor(tail: Uint8Array) {
    const trailer = readTrailer(tail.subarray(Math.max(0, tail.length - packTrailerBytes)));
    const { tableBytes, sectionsBytes, headerBytes, blobsBytes } = trailer;
    demand(tail.length === tableBytes + sectionsBytes + packTrailerBytes, 'pack-damaged', 'length of the tail');
    this.#tail = tail;
    this.#view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
    this.count = trailer.rowCount;
    this.sections = parseSections(tail.subarray(tableBytes, tableBytes + sectionsBytes), trailer.sectionCount);
    const first = this.sections[0]?.header;
    // A compacted pack repeats the first section's header.
    const headerFits = !first || headerBytes === packHeaderFixedBytes + first.kem.length;
    demand(headerFits, 'pack-damaged', 'header length');
    this.blobsBytes = blobsBytes;
    this.headerBytes = headerBytes;
    this.tailBytes = tail.length;
    this.packBytes = headerBytes + blobsBytes + tail.length;
    this.#ownSuite = this.sections[0]?.origin === null ? ownSuite(trailer) : 0;
    this.#rowOffsets = this.#checkRows(tableBytes);
  }

  /** Row numbers are 0 to `count` - 1 for all that follow; another one throws RangeError. */
  sectionAt(row: number): number {
    return this.#view.getUint16(this.#offset(row), true);
  }

  /** In the origin pack. */
  positionAt(row: number): number {
    return this.#view.getUint32(this.#offset(row) + 4, true);
  }

  /** The pack where the blob was first stored; null: this pack. */
  originAt(row: number): PackName | null {
    return this.sections[this.sectionAt(row)]?.origin ?? null;
  }

  slipOnlyAt(row: number): boolean {
    return this.#view.getUint16(this.#offset(row) + 2, true) === slipOnlyFlag;
  }

  /** A view of the tail, as all bytes here are. */
  idAt(row: number): ChunkId {
    const offset = this.#offset(row) + 8;
    return chunkId(this.#tail.subarray(offset, offset + 32));
  }

  /** Bytes of the id from `byte` (0 to 28) on as u32, for tables that hash by it. */
  idWordAt(row: number, byte: number): number {
    return this.#view.getUint32(this.#offset(row) + 8 + byte, true);
  }

  /** From the beginning of this pack; 0 if slip only. */
  offsetAt(row: number): number {
    return this.#view.getUint32(this.#offset(row) + 40, true);
  }

  /** Of the blob, also where that is elsewhere. */
  lengthAt(row: number): number {
    return this.#view.getUint32(this.#offset(row) + 44, true);
  }

  saltAt(row: number): Uint8Array {
    const offset = this.#offset(row) + 48;
    return this.#tail.subarray(offset, offset + saltBytes);
  }

  blobHashAt(row: number): Uint8Array {
    const offset = this.#offset(row) + 64;
    return this.#tail.subarray(offset, offset + 32);
  }

  slipAt(row: number): Uint8Array {
    const offset = this.#offset(row) + rowFixedBytes;
    return this.#tail.subarray(offset, offset + slipBytesOf(this.suiteAt(row)));
  }

  /** Of the row's section. */
  suiteAt(row: number): Suite {
    return this.#suiteOf(this.sectionAt(row));
  }

  row(row: number): PackRow {
    return {
      section: this.sectionAt(row),
      position: this.positionAt(row),
      id: this.idAt(row),
      offsetBytes: this.offsetAt(row),
      lengthBytes: this.lengthAt(row),
      salt: this.saltAt(row),
      blobHash: this.blobHashAt(row),
      slip: this.slipAt(row),
      slipOnly: this.slipOnlyAt(row),
    };
  }

  #offset(row: number): number {
    const offset = this.#rowOffsets[row];
    if (offset === undefined) throw new RangeError('no such row');
    return offset;
  }

  #suiteOf(section: number): Suite {
    const header = this.sections[section]?.header;
    if (header) return header.suite;
    demand(this.#ownSuite !== 0, 'pack-damaged', 'section of a row');
    return this.#ownSuite;
  }

  #checkRows(tableBytes: number): Uint32Array {
    const view = this.#view;
    const isFresh = this.#ownSuite !== 0;
    const rowOffsets = new Uint32Array(this.count);
    let section = 0;
    let rowBytes = rowFixedBytes + slipBytesOf(this.#suiteOf(0));
    let position = -1;
    let blobEnd = this.headerBytes;
    let offset = 0;
    for (let row = 0; row < this.count; row += 1) {
      demand(offset + rowFixedBytes <= tableBytes, 'pack-damaged', 'length of the table');
      const rowSection = view.getUint16(offset, true);
      if (rowSection !== section) {
        demand(rowSection === section + 1 && position >= 0, 'pack-damaged', 'order of sections');
        section = rowSection;
        rowBytes = rowFixedBytes + slipBytesOf(this.#suiteOf(section));
        position = -1;
      }
      demand(offset + rowBytes <= tableBytes, 'pack-damaged', 'length of the table');
      const rowPosition = view.getUint32(offset + 4, true);
      demand(rowPosition > position && rowPosition < packRowsMax, 'pack-damaged', 'order of positions');
      position = rowPosition;
      if (isFresh) {
        demand(position === row, 'pack-damaged', 'position is not the row number');
        demand(row === 0 || compareIds(this.#tail, offset - rowBytes, offset) < 0, 'pack-damaged', 'order of ids');
      }
      blobEnd = checkPlace(view, offset, blobEnd);
      rowOffsets[row] = offset;
      offset += rowBytes;
    }
    demand(section === this.sections.length - 1, 'pack-damaged', 'section without rows');
    demand(offset === tableBytes, 'pack-damaged', 'length of the table');
    demand(blobEnd === this.headerBytes + this.blobsBytes, 'pack-damaged', 'length of the blobs');
    return rowOffsets;
  }
}

function ownSuite({ tableBytes, rowCount }: Trailer): Suite {
  if (tableBytes === rowCount * (rowFixedBytes + slipBytesOf(1))) return 1;
  demand(tableBytes === rowCount * (rowFixedBytes + slipBytesOf(2)), 'pack-damaged', 'length of the table');
  return 2;
}

/** The end of the blobs after this row. */
function checkPlace(view: DataView, offset: number, blobEnd: number): number {
  const flags = view.getUint16(offset + 2, true);
  const blobOffset = view.getUint32(offset + 40, true);
  const blobBytes = view.getUint32(offset + 44, true);
  demand(flags === 0 || flags === slipOnlyFlag, 'pack-damaged', 'flags');
  demand(blobBytes > 0 && blobBytes <= packBytesMax, 'pack-damaged', 'length of a blob');
  demand(blobOffset === (flags === slipOnlyFlag ? 0 : blobEnd), 'pack-damaged', 'gap between blobs');
  return flags === slipOnlyFlag ? blobEnd : blobEnd + blobBytes;
}

function compareIds(tail: Uint8Array, rowA: number, rowB: number): number {
  for (let index = 8; index < 40; index += 1) {
    const difference = (tail[rowA + index] ?? 0) - (tail[rowB + index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
