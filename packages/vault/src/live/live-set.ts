/*
 * What is live: the positions that every record and checkpoint that is not retired, and every committing row, refers to. Refs are read
 * once for each record, whatever is retired or committed between two updates.
 *
 * Invariant: a record that cannot be read or is not what its name says stops whoever asks: nothing is deleted on a guess.
 */

import { FormatError, parseRecord, parseRefs } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { releaseBytes, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { digestNames, recordBytesMax } from '../records/record-store.ts';
import { parseStored } from '../store/vault-files.ts';
import { RefsPool } from './refs-pool.ts';
import type { LiveRows, PooledRefs } from './refs-pool.ts';

export class LiveSet {
  readonly #context: SafeContext;
  readonly #pool = new RefsPool();
  /** The record that was read last. */
  #last: Uint8Array | null = null;
  /** By digest, hexadecimal. */
  readonly #known = new Map<string, PooledRefs>();

  constructor(context: SafeContext) {
    this.#context = context;
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
    const known = this.#known.get(hex);
    if (known !== undefined) return [known];
    const { store, layout } = this.#context;
    const name = layout.inFolder(folder, hex);
    const bytes = await store.get(name, recordBytesMax);
    if (bytes === null) return this.#vanished(folder, hex);
    const refs = parseStored(name, () => {
      const record = parseRecord(bytes);
      if (toHex(record.digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another digest' } });
      return this.#pool.pool(parseRefs(record.refs));
    });
    this.#known.set(hex, refs);
    // The pool looks back at the refs that it was given last, and no further.
    if (this.#last !== null) releaseBytes(this.#last);
    this.#last = bytes;
    return [refs];
  }

  /** A row that ended has its record; a record is removed only after its stub is there. */
  async #vanished(folder: 'records' | 'committing', hex: string): Promise<PooledRefs[]> {
    const { store, layout } = this.#context;
    if (folder === 'committing' && (await store.size(layout.record(hex))) !== null) return this.#read('records', hex);
    // A row without a record was dropped: it never was a commit.
    if (folder === 'committing' || (await store.size(layout.inFolder('stubs', hex))) !== null) return [];
    throw new ProtocolError('vault-damaged', { context: { object: layout.record(hex) } });
  }
}
