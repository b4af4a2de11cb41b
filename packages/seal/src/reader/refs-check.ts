/*
 * Computes the refs of a safeset again from its catalog and compares (docs/format/records.md, "Refs"): a vault keeps what
 * the refs name and nothing else, so refs that name too little lose data at the next clean-up.
 *
 * The refs hold if every chunk of the catalog has a blob among their positions, and every position is one of such a chunk or
 * lies in a state pack, which the newest record of a computer pins.
 */

import { bitmapHas, packKinds, parseRefs, RefsBuilder, subtractRefs } from '@twinvault/format';
import type { ChunkId, PackKind, PackName, PackTable, Refs } from '@twinvault/format';
import type { ChunkReader } from './chunk-reader.ts';

export interface RefsReport {
  /** Nothing missing and nothing surplus. */
  readonly ok: boolean;
  /** Different chunks that the catalog needs. */
  readonly chunks: number;
  /** Those without a blob at any position of the refs. */
  readonly missing: readonly ChunkId[];
  /** Positions of the refs that nothing needs. */
  readonly surplus: number;
  /** The refs computed again, canonical: equal to the record's when `ok`. */
  readonly refs: Uint8Array;
}

/** Ids that are listed in a report; more are counted as well. */
const missingListMax = 1_000;

/** Reads every tail and every node of the catalog. `batches`: ids of all chunks that the catalog needs; one may come again. */
export async function checkRefs(input: {
  readonly refs: Refs;
  readonly chunks: ChunkReader;
  readonly batches: AsyncIterable<readonly ChunkId[]>;
}): Promise<RefsReport> {
  const { refs, chunks } = input;
  await chunks.loadAll();
  const marks = new Marks(chunks);
  const builder = new RefsBuilder();
  for await (const batch of input.batches) for (const id of batch) marks.mark(id);
  marks.addTo(builder);
  const surplus = await addStatePacks({ refs, chunks, builder });
  const missing = marks.missing;
  return { ok: missing.length === 0 && surplus === 0, chunks: marks.count, missing, surplus, refs: builder.finish() };
}

/** Rows that a chunk of the catalog needs, a bit each. */
class Marks {
  readonly missing: ChunkId[] = [];
  readonly #chunks: ChunkReader;
  readonly #marked = new Map<number, Uint8Array>();
  readonly #missed = new Set<string>();
  #count = 0;

  constructor(chunks: ChunkReader) {
    this.#chunks = chunks;
  }

  get count(): number {
    return this.#count;
  }

  has(packIndex: number, row: number): boolean {
    const bits = this.#marked.get(packIndex);
    return bits !== undefined && (((bits[row >>> 3] ?? 0) >>> (row & 7)) & 1) === 1;
  }

  mark(id: ChunkId): void {
    const { index } = this.#chunks;
    const places = index.find(id);
    const [first] = places;
    if (first !== undefined && index.tableOf(first.packIndex)?.slipOnlyAt(first.row) === false) {
      if (this.has(first.packIndex, first.row)) return;
      for (const { packIndex, row } of places) this.#set(packIndex, row);
    } else {
      const name = String(id);
      if (this.#missed.has(name)) return;
      this.#missed.add(name);
      if (this.missing.length < missingListMax) this.missing.push(id);
    }
    this.#count += 1;
  }

  addTo(builder: RefsBuilder): void {
    for (const packIndex of this.#marked.keys()) {
      const table = this.#chunks.index.tableOf(packIndex);
      if (table === null) continue;
      const pack = this.#chunks.packAt(packIndex);
      for (let row = 0; row < table.count; row += 1) {
        if (this.has(packIndex, row)) builder.add(table.originAt(row) ?? pack, table.positionAt(row));
      }
    }
  }

  #set(packIndex: number, row: number): void {
    const known = this.#marked.get(packIndex);
    const bits = known ?? new Uint8Array(((this.#chunks.index.tableOf(packIndex)?.count ?? 0) + 7) >>> 3);
    if (known === undefined) this.#marked.set(packIndex, bits);
    bits[row >>> 3] = (bits[row >>> 3] ?? 0) | (1 << (row & 7));
  }
}

/** Adds the positions of state packs, which no catalog names. The number of all other positions that nothing marked. */
async function addStatePacks(input: {
  readonly refs: Refs;
  readonly chunks: ChunkReader;
  readonly builder: RefsBuilder;
}): Promise<number> {
  const { refs, chunks, builder } = input;
  const surplus = new RefsBuilder();
  const unmarked = parseRefs(subtractRefs(refs, parseRefs(builder.finish())));
  for (let packIndex = 0; packIndex < chunks.packCount && unmarked.count > 0; packIndex += 1) {
    // What a pack held that is not there shows as missing chunks.
    const table = chunks.index.tableOf(packIndex);
    if (table === null) continue;
    for (const { origin, kind, bitmap } of await unmarkedIn({ chunks, packIndex, table, unmarked })) {
      (kind === packKinds.state ? builder : surplus).addBitmap(origin, bitmap);
    }
  }
  return parseRefs(surplus.finish()).count;
}

interface UnmarkedInPack {
  readonly chunks: ChunkReader;
  readonly packIndex: number;
  readonly table: PackTable;
  readonly unmarked: Refs;
}

interface UnmarkedRows {
  readonly origin: PackName;
  /** Null when the pack is damaged. */
  readonly kind: PackKind | null;
  readonly bitmap: Uint8Array;
}

async function unmarkedIn({ chunks, packIndex, table, unmarked }: UnmarkedInPack): Promise<UnmarkedRows[]> {
  const pack = chunks.packAt(packIndex);
  const found: UnmarkedRows[] = [];
  for (const [section, { origin, header }] of table.sections.entries()) {
    const bitmap = unmarked.bitmapOf(origin ?? pack);
    if (bitmap === null) continue;
    const kind = (header ?? (await chunks.headerOf(packIndex)))?.kind ?? null;
    if (origin === null) found.push({ origin: pack, kind, bitmap });
    else {
      const here = bitmap.map(() => 0);
      for (let row = 0; row < table.count; row += 1) {
        const position = table.positionAt(row);
        if (table.sectionAt(row) === section && bitmapHas(bitmap, position)) {
          here[position >>> 3] = (here[position >>> 3] ?? 0) | (1 << (position & 7));
        }
      }
      found.push({ origin, kind, bitmap: here });
    }
  }
  return found;
}
