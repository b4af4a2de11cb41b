/*
 * Finds and opens the chunks that a record's refs name: the way from a chunk id to its plaintext.
 *
 * Invariants: only rows that the refs name are used; a copy or slip that fails is passed over as long as another is left,
 * so that one damaged or poisoned row costs nothing while a good one exists.
 */

import { CodedError, assert, compareBytes, equalBytes, toHex } from '@twinvault/std';
import { bitmapCount, bitmapHas, FormatError } from '@twinvault/format';
import type {
  CertificateId,
  ChunkId,
  PackHeader,
  PackKind,
  PackName,
  PackRow,
  PackTable,
  Refs,
  SafeId,
  Suite,
} from '@twinvault/format';
import { openChunkWithKeys } from '../blobs.ts';
import { SealError } from '../errors.ts';
import type { OpenedSafe } from '../open-safe.ts';
import { openSlipOf } from '../pack-opener.ts';
import { ChunkIndex } from './chunk-index.ts';
import type { RowPlace } from './chunk-index.ts';
import { PackEnds } from './pack-ends.ts';
import type { ReaderReading } from './reader-vault.ts';

/** Where a blob lies: `row.offsetBytes` and `row.lengthBytes` in the pack. */
export interface ChunkPlace {
  readonly pack: PackName;
  readonly row: PackRow;
  /** Of the pack where the blob was first stored. */
  readonly header: PackHeader;
}

/** All that opening a blob takes, as plain data that can be posted to a worker thread; see openChunkWithKeys. */
export interface BlobOpening {
  readonly suite: Suite;
  readonly safe: SafeId;
  readonly kind: PackKind;
  readonly id: ChunkId;
  /** K, from the blob's own slip and from others for the same blob; nearly always one. */
  readonly keys: readonly Uint8Array[];
}

export interface ReadChunk {
  readonly id: ChunkId;
  readonly plaintext: Uint8Array;
}

/** Tails that are fetched at once. */
const tailReads = 16;
/** Ranges of one pack are joined across gaps of up to this, into reads of up to that. */
const joinGapBytes = 65_536;
const joinedBytesMax = 8_388_608;

/** What of an opened safe is needed; to find places alone, a keyring without any key will do. */
export type ChunkReaderKeys = Pick<OpenedSafe, 'safe' | 'keyring' | 'kindKeys'>;

export class ChunkReader {
  readonly #opened: ChunkReaderKeys;
  readonly #reading: ReaderReading;
  readonly #refs: Refs;
  readonly #own: (certificate: CertificateId) => boolean;
  readonly #ends: PackEnds;
  readonly #index = new ChunkIndex();
  /** Origins whose rows were not read yet, next one last. */
  readonly #waiting: PackName[];
  /** Packs that hold rows of the refs, in the order in which they were met: the numbers of the index. */
  readonly #packs: PackName[] = [];
  readonly #numbers = new Map<string, number>();
  #loading: Promise<void> | null = null;
  readonly #missingPacks: PackName[] = [];

  constructor(input: {
    readonly opened: ChunkReaderKeys;
    readonly reading: ReaderReading;
    readonly refs: Refs;
    /** Whether a certificate is of the record's computer: blobs of others are opened by its slips. */
    readonly own: (certificate: CertificateId) => boolean;
  }) {
    this.#opened = input.opened;
    this.#reading = input.reading;
    this.#refs = input.refs;
    this.#own = input.own;
    this.#ends = new PackEnds(input.reading, input.opened.safe);
    this.#waiting = loadingOrder(input.refs);
  }

  /** Every place of the chunk that holds its blob. Empty when none does; damaged packs are left out. */
  async places(id: ChunkId): Promise<ChunkPlace[]> {
    const places: ChunkPlace[] = [];
    for (const place of await this.#rowsOf(id)) {
      const found = await this.#placeOf(place);
      if (found !== null && !found.row.slipOnly) places.push(found);
    }
    return places;
  }

  /** The first place of the chunk. `chunk-missing`. */
  async locate(id: ChunkId): Promise<ChunkPlace> {
    const [first] = await this.places(id);
    if (first === undefined) throw new SealError('chunk-missing', { context: { missingPacks: this.#missingPacks.length } });
    return first;
  }

  /** `slip-damaged`, `epoch-unknown` when no slip leads to a key. */
  async openingOf(place: ChunkPlace): Promise<BlobOpening> {
    const { row, header } = place;
    const keys: Uint8Array[] = [];
    let failure: unknown = null;
    for (const slip of await this.#slipsOf(place)) {
      try {
        keys.push(openSlipOf(this.#opened.keyring, slip));
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        failure ??= error;
      }
    }
    if (keys.length === 0) throw failure;
    return { suite: header.suite, safe: header.safe, kind: header.kind, id: row.id, keys };
  }

  /** From a blob to its plaintext: `slip-damaged`, `blob-damaged`, `payload-invalid`, `id-mismatch`. */
  async open(place: ChunkPlace, blob: Uint8Array): Promise<Uint8Array> {
    const opening = await this.openingOf(place);
    return openChunkWithKeys({ ...opening, blob }, this.#opened.kindKeys(opening.kind));
  }

  /** The plaintext from whichever place of that kind, and whichever site, gives it. `chunk-missing`, or the first place's error when all fail. */
  async read(id: ChunkId, kind: PackKind): Promise<Uint8Array> {
    let failure: unknown = null;
    for (const place of await this.places(id)) {
      if (place.header.kind !== kind) continue;
      for (const source of [this.#reading, ...(this.#reading.copies ?? [])]) {
        try {
          const blob = await source.readPack(place.pack, place.row.offsetBytes, place.row.lengthBytes);
          return await this.open(place, blob);
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          failure ??= error;
        }
      }
    }
    throw failure ?? new SealError('chunk-missing', { context: { missingPacks: this.#missingPacks.length } });
  }

  /** Reads many chunks in the order in which they lie, neighbours by one read; each id once. Errors as `read`. */
  async *readMany(ids: Iterable<ChunkId>): AsyncGenerator<ReadChunk, void, undefined> {
    const places: ChunkPlace[] = [];
    for (const id of ids) places.push(await this.locate(id));
    places.sort((a, b) => compareBytes(a.pack, b.pack) || a.row.offsetBytes - b.row.offsetBytes);
    for (const group of joined(places)) yield* this.#readJoined(group);
  }

  /** Reads every tail. Packs that the vault lacks are counted, not refused. */
  async loadAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#loadMore();
  }

  /** All rows of the refs, for computing them again: loadAll comes first. */
  get index(): ChunkIndex {
    assert(this.#waiting.length === 0 && this.#loading === null, 'all tails are read first');
    return this.#index;
  }

  /** The pack with this number in the index; what it holds may have been stored first in others. */
  packAt(packIndex: number): PackName {
    const pack = this.#packs[packIndex];
    if (pack === undefined) throw new RangeError('no such pack');
    return pack;
  }

  /** Packs in the index so far. */
  get packCount(): number {
    return this.#packs.length;
  }

  /** The pack's own header, by its number in the index; null when the pack is missing or damaged. */
  async headerOf(packIndex: number): Promise<PackHeader | null> {
    try {
      return await this.#ends.header(packIndex, this.packAt(packIndex));
    } catch (error) {
      if (isPackLost(error)) return null;
      throw error;
    }
  }

  /** Origins of the refs that the vault lacks, and packs that are damaged, as far as their tails were asked for. */
  get missingPacks(): readonly PackName[] {
    return this.#missingPacks;
  }

  async #rowsOf(id: ChunkId): Promise<RowPlace[]> {
    for (;;) {
      const found = this.#index.find(id);
      if (found.some(({ packIndex, row }) => this.#index.tableOf(packIndex)?.slipOnlyAt(row) === false)) return found;
      if (this.#waiting.length === 0 && this.#loading === null) return found;
      await this.#loadMore();
    }
  }

  async #placeOf({ packIndex, row }: RowPlace): Promise<ChunkPlace | null> {
    const table = this.#index.tableOf(packIndex);
    const own = await this.headerOf(packIndex);
    if (table === null || own === null) return null;
    return placeIn({ pack: this.packAt(packIndex), table, row, own });
  }

  /**
   * The place and every slip for its blob, best first. Whoever stored the blob may have given it a wrong slip: where that was
   * another computer than the record's, tails are read until a slip of the record's own is found.
   */
  async #slipsOf(place: ChunkPlace): Promise<ChunkPlace[]> {
    if (this.#own(place.header.certificate)) return [place, ...(await this.#slipsFor(place.row))];
    for (;;) {
      const slips = await this.#slipsFor(place.row);
      const own = slips.filter(({ header }) => this.#own(header.certificate));
      const isAll = this.#waiting.length === 0 && this.#loading === null;
      if (own.length > 0 || isAll) return [...own, place, ...slips.filter((slip) => !own.includes(slip))];
      await this.#loadMore();
    }
  }

  /** Slips without a blob that other packs of the refs hold for this very blob. */
  async #slipsFor(row: PackRow): Promise<ChunkPlace[]> {
    const slips: ChunkPlace[] = [];
    for (const found of this.#index.find(row.id)) {
      const place = await this.#placeOf(found);
      if (place?.row.slipOnly === true && equalBytes(place.row.blobHash, row.blobHash)) slips.push(place);
    }
    return slips;
  }

  async *#readJoined(group: readonly ChunkPlace[]): AsyncGenerator<ReadChunk, void, undefined> {
    const [first] = group;
    const last = group.at(-1);
    if (first === undefined || last === undefined) return;
    const start = first.row.offsetBytes;
    const bytes = await this.#reading.readPack(first.pack, start, last.row.offsetBytes + last.row.lengthBytes - start);
    for (const place of group) {
      const { id, offsetBytes, lengthBytes } = place.row;
      const blob = bytes.subarray(offsetBytes - start, offsetBytes - start + lengthBytes);
      yield { id, plaintext: await this.#openOrElse(place, blob) };
    }
  }

  /** Another copy may be good. */
  async #openOrElse(place: ChunkPlace, blob: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.open(place, blob);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return await this.read(place.row.id, place.header.kind);
    }
  }

  async #loadMore(): Promise<void> {
    this.#loading ??= this.#loadBatch().finally(() => {
      this.#loading = null;
    });
    await this.#loading;
  }

  async #loadBatch(): Promise<void> {
    const batch = this.#waiting.splice(Math.max(0, this.#waiting.length - tailReads));
    const loaded = new Map<number, Promise<void>>();
    let results: PromiseSettledResult<unknown>[] = [];
    try {
      const holders = await this.#reading.holdersOf(batch);
      const loads = batch.map(async (origin, index) => await this.#loadHolders(origin, holders[index] ?? [], loaded));
      results = await Promise.allSettled(loads);
    } finally {
      // What could not be asked for is asked for again by the next call.
      this.#waiting.push(...batch.filter((_, index) => results[index]?.status !== 'fulfilled'));
    }
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #loadHolders(origin: PackName, holders: readonly PackName[], loaded: Map<number, Promise<void>>): Promise<void> {
    if (holders.length === 0) this.#missingPacks.push(origin);
    await Promise.all(
      holders.map(async (pack) => {
        const packIndex = this.#numberOf(pack);
        if (this.#index.tableOf(packIndex) !== null) return;
        const load = loaded.get(packIndex) ?? this.#loadPack(packIndex, pack);
        loaded.set(packIndex, load);
        await load;
      }),
    );
  }

  #numberOf(pack: PackName): number {
    const hex = toHex(pack);
    const number = this.#numbers.get(hex) ?? this.#packs.length;
    if (number === this.#packs.length) this.#packs.push(pack);
    this.#numbers.set(hex, number);
    return number;
  }

  /** All rows that the refs name, of whatever origin. */
  async #loadPack(packIndex: number, pack: PackName): Promise<void> {
    const table = await this.#tableOrNull(packIndex, pack);
    if (table === null) {
      this.#missingPacks.push(pack);
      return;
    }
    const bitmaps = table.sections.map(({ origin }) => this.#refs.bitmapOf(origin ?? pack));
    this.#index.add(packIndex, table, (row) => {
      const bitmap = bitmaps[table.sectionAt(row)] ?? null;
      return bitmap !== null && bitmapHas(bitmap, table.positionAt(row));
    });
  }

  async #tableOrNull(packIndex: number, pack: PackName): Promise<PackTable | null> {
    try {
      return await this.#ends.table(packIndex, pack);
    } catch (error) {
      if (isPackLost(error)) return null;
      throw error;
    }
  }
}

/**
 * The pack is damaged or not there, as against a vault that did not answer: what it held may be found elsewhere, and counts
 * as missing otherwise. The two codes of the vault port come from a pack that went while it was read.
 */
function isPackLost(error: unknown): boolean {
  if (error instanceof FormatError || error instanceof SealError) return true;
  return error instanceof CodedError && (error.code === 'pack-unknown' || error.code === 'pack-short');
}

/**
 * Packs with many positions come first: those of catalogs, whose nodes are what is asked for first and are far smaller
 * than the chunks of data.
 */
function loadingOrder(refs: Refs): PackName[] {
  const packs = Array.from(refs.packs(), ({ pack, bitmap }) => ({ pack, count: bitmapCount(bitmap) }));
  return packs.sort((a, b) => a.count - b.count).map(({ pack }) => pack);
}

function placeIn(input: { pack: PackName; table: PackTable; row: number; own: PackHeader }): ChunkPlace {
  const row = input.table.row(input.row);
  return { pack: input.pack, row, header: input.table.sections[row.section]?.header ?? input.own };
}

function* joined(places: readonly ChunkPlace[]): Generator<ChunkPlace[], void, undefined> {
  let group: ChunkPlace[] = [];
  for (const place of places) {
    const [first] = group;
    const last = group.at(-1);
    if (first !== undefined && last !== undefined && !joins(first, last, place)) {
      yield group;
      group = [];
    }
    group.push(place);
  }
  if (group.length > 0) yield group;
}

function joins(first: ChunkPlace, last: ChunkPlace, next: ChunkPlace): boolean {
  if (first.pack !== next.pack && !equalBytes(first.pack, next.pack)) return false;
  const gapBytes = next.row.offsetBytes - (last.row.offsetBytes + last.row.lengthBytes);
  const bytes = next.row.offsetBytes + next.row.lengthBytes - first.row.offsetBytes;
  return gapBytes <= joinGapBytes && bytes <= joinedBytesMax;
}
