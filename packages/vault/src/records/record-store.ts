/*
 * Records, receipts and stubs of a safe as stored, and the chains that they make. Only the public part of a record is kept in
 * memory; its refs and its sealed part are read when they are needed.
 *
 * One damaged object does not keep anybody from the others: a record or stub that cannot be read is left out, a receipt counts as
 * missing. `check` reports them, and clean-up, which reads every record itself, stops. What was not damaged for certain, but cannot be
 * read now or by this version, is left out for readers alone: writers call `demandAll`.
 *
 * A record is committed when its object is there. A stub wins over a record of the same digest: the tombstone in it is durable
 * before the record goes.
 */

import {
  parseReceipt,
  parseStub,
  recordDigest,
  recordPublicBytesMax,
  recordRefsBytesMax,
  recordSealedBytesMax,
  signedBytesMax,
  stubBytesMax,
} from '@twinvault/format';
import type { Receipt, RecordDigest, RecordPublic } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { RecordFilter, RecordSummary } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { SafeObjects } from '../safe-objects.ts';
import { erasedOf } from '../erases/erased.ts';
import { bytesOfName } from '../store/layout.ts';
import { parseStored } from '../store/vault-files.ts';
import { readRecordPublic } from './record-public.ts';

export const recordBytesMax: number = recordPublicBytesMax + recordRefsBytesMax + recordSealedBytesMax + 4096;

export class RecordStore {
  readonly #context: SafeContext;
  /** What cannot change: by digest. A record that became a stub is read anew. */
  readonly #known = new Map<string, RecordSummary>();
  /** Why the last `all` left something out that may be good. */
  #unread: ProtocolError | null = null;

  constructor(context: SafeContext) {
    this.#context = context;
  }

  /** All that is committed, retired ones too, but for what an erase order took in; oldest receipt first, then by sequence. */
  async all(): Promise<RecordSummary[]> {
    const all = await this.everything();
    const erased = await erasedOf(this.#context);
    return all.filter(({ public: facts }) => erased.orderOf(facts) === null);
  }

  /** The same with what an erase order took in and did not remove yet. */
  async everything(): Promise<RecordSummary[]> {
    const { store, layout } = this.#context;
    const records = await digestNames(this.#context, 'records');
    const stubs = new Set(await digestNames(this.#context, 'stubs'));
    const receipts = new Set(await store.list(layout.inFolder('receipts')));
    const summaries: RecordSummary[] = [];
    this.#unread = null;
    for (const hex of new Set([...records, ...stubs])) {
      const known = this.#known.get(hex);
      const retired = stubs.has(hex);
      const summary = known?.retired === retired ? known : await this.#read(hex, { retired, hasReceipt: receipts.has(hex) });
      if (summary !== null) summaries.push(summary);
    }
    return summaries.sort(
      (a, b) =>
        a.receivedMs - b.receivedMs || a.public.sequence - b.public.sequence || (toHex(a.digest) < toHex(b.digest) ? -1 : 1),
    );
  }

  /** Throws what kept the last `all` from reading something: `vault-newer`, `vault-failed`, `vault-denied`. */
  demandAll(): void {
    if (this.#unread !== null) throw this.#unread;
  }

  async list(filter: RecordFilter = {}): Promise<RecordSummary[]> {
    const { job, computer, kind } = filter;
    return (await this.all()).filter(
      ({ public: facts }) =>
        (job === undefined || facts.job === job) &&
        (computer === undefined || equalBytes(facts.computer, computer)) &&
        (kind === undefined || facts.kind === kind),
    );
  }

  /** Stored bytes; null for a stub or nothing. */
  async bytes(digest: RecordDigest): Promise<Uint8Array | null> {
    const { store, layout } = this.#context;
    if ((await store.stat(layout.inFolder('stubs', toHex(digest)))) !== null) return null;
    return store.get(layout.record(digest), recordBytesMax);
  }

  async receiptBytes(digest: RecordDigest): Promise<Uint8Array | null> {
    const { store, layout } = this.#context;
    return store.get(layout.receipt(digest), signedBytesMax);
  }

  /** Null when there is none that can be read: it can be signed again. */
  async receipt(digest: RecordDigest): Promise<Receipt | null> {
    try {
      const bytes = await this.receiptBytes(digest);
      return bytes === null ? null : parseStored(this.#context.layout.receipt(digest), () => parseReceipt(bytes));
    } catch (error) {
      if (error instanceof ProtocolError) return null;
      throw error;
    }
  }

  /** Null when it vanished between listing and reading, or is damaged. */
  async #read(hex: string, { retired, hasReceipt }: { retired: boolean; hasReceipt: boolean }): Promise<RecordSummary | null> {
    const { store, layout } = this.#context;
    const digest = recordDigest(bytesOfName(hex, 32) ?? new Uint8Array(0));
    const name = retired ? layout.inFolder('stubs', hex) : layout.record(hex);
    const facts = await this.#unlessUnreadable(() => (retired ? this.#stubPublic(name) : readRecordPublic(store, name)));
    if (facts === null) return null;
    const receipt = hasReceipt ? await this.receipt(digest) : null;
    const stat = await store.stat(name);
    const receivedMs = receipt?.receivedMs ?? Math.floor(stat?.modifiedMs ?? 0);
    const measure = receipt?.measure === undefined ? {} : { measure: receipt.measure };
    const summary = { digest, public: facts, receivedMs, storedBytes: stat?.sizeBytes ?? 0, retired, ...measure };
    if (receipt !== null) this.#known.set(hex, summary);
    return summary;
  }

  async #unlessUnreadable(read: () => Promise<RecordPublic | null>): Promise<RecordPublic | null> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.code !== 'vault-damaged') this.#unread ??= error;
      return null;
    }
  }

  async #stubPublic(name: string): Promise<RecordPublic | null> {
    const bytes = await this.#context.store.get(name, stubBytesMax);
    return bytes === null ? null : parseStored(name, () => parseStub(bytes)).public;
  }
}

/** Names in a folder that are digests, sorted. */
export async function digestNames(
  { store, layout }: SafeObjects,
  folder: 'records' | 'stubs' | 'committing' | 'receipts',
): Promise<string[]> {
  const names = await store.list(layout.inFolder(folder));
  return names.filter((name) => bytesOfName(name, 32) !== null).sort();
}

export function sameJob(
  a: { readonly computer: Uint8Array; readonly job: string },
  b: { readonly computer: Uint8Array; readonly job: string },
): boolean {
  return a.job === b.job && equalBytes(a.computer, b.computer);
}

/** Safesets of the job that no other safeset of it follows: normally one, none for a new job. Sorted by digest. */
export function headsOf(
  records: readonly RecordSummary[],
  job: { readonly computer: Uint8Array; readonly job: string },
): RecordSummary[] {
  const safesets = records.filter(({ public: facts }) => facts.kind === 'safeset' && sameJob(facts, job));
  const followed = new Set(safesets.flatMap(({ public: facts }) => facts.previous.map((digest) => toHex(digest))));
  return safesets
    .filter(({ digest }) => !followed.has(toHex(digest)))
    .sort((a, b) => (toHex(a.digest) < toHex(b.digest) ? -1 : 1));
}
