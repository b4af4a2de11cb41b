/*
 * Which packs hold a live position: what every record and checkpoint that is not retired, and every committing row, refers to. Grows as
 * records are added; refs are read once for each record.
 *
 * Invariant: a record that cannot be read or is not what its name says stops whoever asks: nothing is deleted on a guess.
 */

import { FormatError, parseRecord, parseRefs } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { digestNames, recordBytesMax } from '../records/record-store.ts';
import { parseStored } from '../store/vault-files.ts';

export class LiveSet {
  /** Names of origin packs, hexadecimal. */
  readonly packs: Set<string> = new Set();
  readonly #context: SafeContext;
  /** Records that are about to be retired: they count no more. */
  readonly #retiring: ReadonlySet<string>;
  readonly #seen = new Set<string>();

  constructor(context: SafeContext, retiring: ReadonlySet<string> = new Set()) {
    this.#context = context;
    this.#retiring = retiring;
  }

  /** Takes in what was committed, or is being committed, since the last call. `vault-damaged`. */
  async update(): Promise<void> {
    // Rows before records: a commit makes its record before its row goes.
    const committing = await digestNames(this.#context, 'committing');
    const stubs = new Set(await digestNames(this.#context, 'stubs'));
    const records = await digestNames(this.#context, 'records');
    for (const hex of records) {
      if (!stubs.has(hex) && !this.#retiring.has(hex)) await this.#add('records', hex);
    }
    for (const hex of committing) {
      if (!stubs.has(hex)) await this.#add('committing', hex);
    }
  }

  async #add(folder: 'records' | 'committing', hex: string): Promise<void> {
    if (this.#seen.has(hex)) return;
    const { store, layout } = this.#context;
    const name = layout.inFolder(folder, hex);
    const bytes = await store.get(name, recordBytesMax);
    if (bytes === null) return this.#vanished(folder, hex);
    parseStored(name, () => {
      const record = parseRecord(bytes);
      if (toHex(record.digest) !== hex) throw new FormatError('record-invalid', { context: { defect: 'another digest' } });
      for (const { pack } of parseRefs(record.refs).packs()) this.packs.add(toHex(pack));
    });
    this.#seen.add(hex);
  }

  /** A row that ended has its record; a record is removed only after its stub is there. */
  async #vanished(folder: 'records' | 'committing', hex: string): Promise<void> {
    const { store, layout } = this.#context;
    if (folder === 'committing') {
      if ((await store.size(layout.record(hex))) !== null && !this.#retiring.has(hex)) await this.#add('records', hex);
      return;
    }
    if ((await store.size(layout.inFolder('stubs', hex))) === null) {
      throw new ProtocolError('vault-damaged', { context: { object: layout.record(hex) } });
    }
  }
}
