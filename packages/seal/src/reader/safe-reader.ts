/*
 * Reads safesets: record, verified against the ledger, its sealed part, then the catalog and the chunks that its refs name.
 * This is the whole way from a vault's bytes to plaintext, for the engine, the command line and the browser alike.
 *
 * Invariant: a record is used only after its digest, its signature, its certificate and its place in the ledger were
 * verified; what lies below is held by the ids that the record's catalog root leads to.
 */

import { equalBytes, toHex } from '@twinvault/std';
import { FormatError, packKinds, parseRecord, parseRefs, verifyRecord } from '@twinvault/format';
import type { CertificateId, ChunkId, ParsedRecord, RecordDigest, RecordPublic, Refs } from '@twinvault/format';
import { CatalogReader } from '../catalog/catalog-reader.ts';
import { SealError } from '../errors.ts';
import type { OpenedSafe } from '../open-safe.ts';
import { openRecordPart } from '../sealed-record.ts';
import type { RecordSealedPart } from '../sealed-record.ts';
import { ChunkReader } from './chunk-reader.ts';
import { NodeCache } from './node-cache.ts';
import type { ReaderFilter, ReaderReading, ReaderSummary, ReaderVault } from './reader-vault.ts';
import { checkRefs } from './refs-check.ts';
import type { RefsReport } from './refs-check.ts';

/** Records that are followed back from the last one that a revocation lets stand. */
const ancestorsMax = 10_000;

/** No call is made before it is used: the safe was opened already. */
export function openSafeReader(input: { readonly vaultSafe: ReaderVault; readonly opened: OpenedSafe }): SafeReader {
  return new SafeReader(input.vaultSafe, input.opened);
}

export class SafeReader {
  readonly #vault: ReaderVault;
  readonly #nodes = new NodeCache();
  #opened: OpenedSafe;

  constructor(vault: ReaderVault, opened: OpenedSafe) {
    this.#vault = vault;
    this.#opened = opened;
  }

  /** With the newest ledger that this reader has seen. */
  get opened(): OpenedSafe {
    return this.#opened;
  }

  /**
   * Safesets that can be opened, oldest receipt first. What a vault says of them without keys is verified when one is
   * opened, not here.
   */
  async safesets(filter: Omit<ReaderFilter, 'kind'> = {}): Promise<readonly ReaderSummary[]> {
    const records = await this.#vault.records({ ...filter, kind: 'safeset' });
    return records.filter((record) => !record.retired && record.public.kind === 'safeset');
  }

  /**
   * The verified record of a safeset or checkpoint. SealError `record-mismatch`; FormatError for a record that is damaged,
   * forged, of another safe, of a revoked certificate, or that names a ledger that this one does not extend.
   */
  async record(digest: RecordDigest): Promise<ParsedRecord> {
    const record = parseRecord(await this.#vault.record(digest));
    if (!equalBytes(record.digest, digest)) throw new SealError('record-mismatch');
    if (record.public.ledger.number > this.#opened.ledger.head.number) await this.#readLedger();
    const lasting = await this.#lastingRecords(record.public);
    verifyRecord(record, this.#opened.ledger, { isAncestorOrSame: (each) => lasting.has(toHex(each)) });
    return record;
  }

  /** As `record`, and the sealed part: `record-sealed-damaged`, `record-part-invalid`. Dispose of it: it holds a lease. */
  async open(digest: RecordDigest): Promise<SafesetReader> {
    const record = await this.record(digest);
    const part = openRecordPart({ record, keyring: this.#opened.keyring });
    const reading = await this.#vault.openReading();
    return new SafesetReader({ record, part, reading, opened: this.#opened, nodes: this.#nodes });
  }

  /** Another computer may have enrolled since the safe was opened. */
  async #readLedger(): Promise<void> {
    for (const entry of await this.#vault.ledger(this.#opened.ledger.head.number + 1)) {
      this.#opened = this.#opened.withEntry(entry);
    }
  }

  /**
   * For records of a revoked certificate: the last record of the job that stands and all before it, followed by their
   * digests so that the vault cannot put another in. The chain ends at a record that was retired.
   */
  async #lastingRecords({ certificate, computer, job }: RecordPublic): Promise<ReadonlySet<string>> {
    const lasting = new Set<string>();
    const revocation = this.#opened.ledger.revocationOf(certificate);
    const last = revocation?.last.find((named) => named.job === job && equalBytes(named.computer, computer));
    const waiting = last === undefined ? [] : [last.record];
    for (let next = waiting.pop(); next !== undefined && lasting.size < ancestorsMax; next = waiting.pop()) {
      if (lasting.has(toHex(next))) continue;
      lasting.add(toHex(next));
      waiting.push(...(await this.#previousOf(next)));
    }
    return lasting;
  }

  async #previousOf(digest: RecordDigest): Promise<readonly RecordDigest[]> {
    try {
      const record = parseRecord(await this.#vault.record(digest));
      return equalBytes(record.digest, digest) ? record.public.previous : [];
    } catch (error) {
      // Retired, so there is nothing before it to open either; or damaged, which opening it will say.
      if (error instanceof FormatError || (error instanceof Error && 'code' in error && error.code === 'record-unknown')) {
        return [];
      }
      throw error;
    }
  }
}

export class SafesetReader implements AsyncDisposable {
  readonly record: ParsedRecord;
  readonly part: RecordSealedPart;
  readonly refs: Refs;
  /** Finds and opens chunks: `locate`, `openingOf`, `read`, `readMany`. */
  readonly chunks: ChunkReader;
  readonly catalog: CatalogReader;
  readonly #reading: ReaderReading;

  constructor(input: {
    readonly record: ParsedRecord;
    readonly part: RecordSealedPart;
    readonly reading: ReaderReading;
    readonly opened: OpenedSafe;
    readonly nodes: NodeCache;
  }) {
    const { record, part, reading, opened, nodes } = input;
    this.record = record;
    this.part = part;
    this.refs = parseRefs(record.refs);
    this.chunks = new ChunkReader({ opened, reading, refs: this.refs, own: ownCertificates(record.public, opened) });
    this.#reading = reading;
    const read = async (id: ChunkId): Promise<Uint8Array> => await this.chunks.read(id, packKinds.catalog);
    this.catalog = new CatalogReader({ node: async (id) => await nodes.node(id, read) }, part.catalog);
  }

  /** For readers that plan their own ranges. */
  get reading(): ReaderReading {
    return this.#reading;
  }

  /** Reads every tail and every node. `ids`: those of `catalog.chunkIds()`, for whoever does more with them on the same way. */
  async recomputeRefs(ids: AsyncGenerator<readonly ChunkId[], void, undefined> = this.catalog.chunkIds()): Promise<RefsReport> {
    return await checkRefs({ refs: this.refs, chunks: this.chunks, batches: ids });
  }

  /** Ends the read lease. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reading[Symbol.asyncDispose]();
  }
}

/** The record's certificate, and all that its computer ever had. */
function ownCertificates({ certificate, computer }: RecordPublic, { ledger }: OpenedSafe): (id: CertificateId) => boolean {
  return (id) => {
    const known = ledger.certificate(id);
    return equalBytes(id, certificate) || (known !== null && equalBytes(known.computer, computer));
  };
}
