/*
 * What is live: the positions that every record and checkpoint that is not retired, and every committing row, refers to. Refs are read
 * once for each record, whatever is retired or committed between two updates, and what was read and verified once is kept in the cache.
 *
 * Invariant: a record that cannot be read or is not what its name says stops whoever asks: nothing is deleted on a guess.
 */

import { FormatError, parseRecord, parseRefs, xorRefs } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { releaseBytes, toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { digestNames, recordBytesMax } from '../records/record-store.ts';
import { parseStored } from '../store/vault-files.ts';
import { readCachedRefs, writeCachedRefs } from './refs-cache.ts';
import { RefsPool } from './refs-pool.ts';
import type { LiveRows, PooledRefs } from './refs-pool.ts';

/** Of the refs in full. Differences grow from night to night: with a half, 44 nights of 1 TiB took half as much again of the disk, and more memory. */
const differenceShareMax = 0.2;

export class LiveSet {
  readonly #context: SafeObjects;
  readonly #pool: RefsPool;
  /** The refs that stand in the cache whole and that others differ from. */
  #whole: { readonly hex: string; readonly refs: Refs; readonly pieces: PooledRefs } | null = null;
  /** By digest, hexadecimal. */
  readonly #known = new Map<string, PooledRefs>();

  constructor(context: SafeObjects) {
    this.#context = context;
    this.#pool = new RefsPool(context.turns ?? null);
  }

  /**
   * What is live now. `retiring`: records that are about to be retired and count no more; `order`: digests in the order in which
   * their refs are to be read, where that matters. `vault-damaged`.
   */
  async rows(options: { readonly retiring?: ReadonlySet<string>; readonly order?: readonly string[] } = {}): Promise<LiveRows> {
    const { retiring = new Set<string>(), order = [] } = options;
    // Rows before records: a commit makes its record before its row goes.
    const committing = await digestNames(this.#context, 'committing');
    const stubs = new Set(await digestNames(this.#context, 'stubs'));
    const records = new Set(await digestNames(this.#context, 'records'));
    const live: PooledRefs[] = [];
    for (const hex of new Set([...order.filter((each) => records.has(each)), ...records])) {
      if (!stubs.has(hex) && !retiring.has(hex)) live.push(...(await this.#read('records', hex)));
    }
    for (const hex of committing) {
      if (!stubs.has(hex)) live.push(...(await this.#read('committing', hex)));
    }
    return this.#pool.union(live);
  }

  /** None when it was retired meanwhile. */
  async #read(folder: 'records' | 'committing', hex: string): Promise<PooledRefs[]> {
    const refs = this.#known.get(hex) ?? (await this.#cached(hex)) ?? (await this.#fromRecord(folder, hex));
    if (refs === null) return this.#vanished(folder, hex);
    this.#known.set(hex, refs);
    return [refs];
  }

  /** What was read from the record and verified once. */
  async #cached(hex: string): Promise<PooledRefs | null> {
    const cached = await readCachedRefs(this.#context, hex);
    if (cached === null) return null;
    if (cached.base === null) return this.#takeWhole(hex, cached.refs);
    if (this.#whole?.hex !== cached.base) {
      const base = await readCachedRefs(this.#context, cached.base);
      if (base === null || base.base !== null) return null;
      await this.#takeWhole(cached.base, base.refs);
    }
    return this.#whole === null ? null : this.#pool.patched(this.#whole.pieces, cached.refs);
  }

  async #takeWhole(hex: string, refs: Refs): Promise<PooledRefs> {
    const pieces = await this.#pool.pool(refs);
    this.#whole = { hex, refs, pieces };
    return pieces;
  }

  async #fromRecord(folder: 'records' | 'committing', hex: string): Promise<PooledRefs | null> {
    const { store, layout } = this.#context;
    const name = layout.inFolder(folder, hex);
    const bytes = await store.get(name, recordBytesMax);
    if (bytes === null) return null;
    const refs = parseStored(name, () => {
      const record = parseRecord(bytes);
      if (toHex(record.digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another digest' } });
      return parseRefs(record.refs);
    });
    await this.#context.turns?.take();
    const pieces = await this.#keep(hex, refs);
    releaseBytes(bytes);
    return pieces;
  }

  /** Pools a copy of the refs and puts them into the cache, as a difference where that is small. */
  async #keep(hex: string, refs: Refs): Promise<PooledRefs> {
    const whole = this.#whole;
    const difference = whole === null ? null : xorRefs(whole.refs, refs);
    if (whole !== null && difference !== null && difference.length < refs.bytes.length * differenceShareMax) {
      await writeCachedRefs(this.#context, hex, { base: whole.hex, refs: difference });
      return this.#pool.patched(whole.pieces, parseRefs(difference));
    }
    await writeCachedRefs(this.#context, hex, { base: null, refs: refs.bytes });
    return this.#takeWhole(hex, parseRefs(refs.bytes.slice()));
  }

  /** A row that ended has its record; a record is removed only after its stub is there. */
  async #vanished(folder: 'records' | 'committing', hex: string): Promise<PooledRefs[]> {
    const { store, layout } = this.#context;
    if (folder === 'committing' && (await store.stat(layout.record(hex))) !== null) return this.#read('records', hex);
    // A row without a record was dropped: it never was a commit.
    if (folder === 'committing' || (await store.stat(layout.inFolder('stubs', hex))) !== null) return [];
    throw new ProtocolError('vault-damaged', { context: { object: layout.record(hex) } });
  }
}
