/*
 * A row without its place, docs/format/packs.md, Superseding: what must be equal in every pack that has the row, and the digest by
 * which a site proves that it is.
 *
 *     u16 flags | u32 position | id | u32 length | salt | SHA-256(blob) | slip
 */

import type { PackTable } from '@twinvault/format';
import { ByteWriter, equalBytes, primitives } from '@twinvault/std';

export interface RowPlace {
  readonly table: PackTable;
  readonly row: number;
}

export function rowBytes({ table, row }: RowPlace): Uint8Array {
  const writer = new ByteWriter(192);
  writer.u16(table.slipOnlyAt(row) ? 1 : 0).u32(table.positionAt(row));
  writer.bytes(table.idAt(row)).u32(table.lengthAt(row)).bytes(table.saltAt(row));
  return writer.bytes(table.blobHashAt(row)).bytes(table.slipAt(row)).finish();
}

/** Whether both are the same row of the same position. */
export function sameRow(a: RowPlace, b: RowPlace): boolean {
  return (
    a.table.positionAt(a.row) === b.table.positionAt(b.row) &&
    a.table.slipOnlyAt(a.row) === b.table.slipOnlyAt(b.row) &&
    a.table.lengthAt(a.row) === b.table.lengthAt(b.row) &&
    equalBytes(a.table.idAt(a.row), b.table.idAt(b.row)) &&
    equalBytes(a.table.blobHashAt(a.row), b.table.blobHashAt(b.row)) &&
    equalBytes(a.table.saltAt(a.row), b.table.saltAt(b.row)) &&
    equalBytes(a.table.slipAt(a.row), b.table.slipAt(b.row))
  );
}

export interface RowsProof {
  readonly count: number;
  readonly digest: Uint8Array;
}

/** Over rows in order of origin and position. */
export class RowsDigest {
  readonly #hash = primitives.sha256Stream();
  #count = 0;

  add(origin: Uint8Array, place: RowPlace): void {
    this.#hash.update(origin).update(rowBytes(place));
    this.#count += 1;
  }

  finish(): RowsProof {
    return { count: this.#count, digest: this.#hash.digest() };
  }
}
