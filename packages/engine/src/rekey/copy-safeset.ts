/*
 * Copies one safeset into another safe: every chunk is opened, verified and sealed again under the keys of that safe, the catalog is written
 * anew, and the record says of the run what the old one said: job, computer, type, times, result and counts.
 *
 * Invariant: nothing of the old safe's ciphertexts, ids or keys goes into the new one.
 */
import { assert, equalBytes } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { packKinds } from '@twinvault/format';
import type { ChunkId, Ledger, RecordPublic } from '@twinvault/format';
import type { VaultSafe } from '@twinvault/protocol';
import type { AgentKeys, CatalogEntry, Content, Extent, NamedStream, SafesetReader } from '@twinvault/seal';
import { levelDefault } from '../backup.ts';
import { CatalogOutput } from '../catalog/catalog-output.ts';
import { ChunkTable } from '../dedup/chunk-table.ts';
import { LiveList } from '../dedup/live-list.ts';
import { commitRecord } from '../run/commit.ts';
import type { CommittedRecord } from '../run/commit.ts';
import type { OpenedRun } from '../run/opening.ts';
import { RunSealing } from '../run/sealing.ts';
import { PackSink } from '../upload/pack-sink.ts';
import type { ClosedPack } from '../upload/pack-sink.ts';
import { Uploader } from '../upload/uploader.ts';
import type { CopiedChunks } from './copied-chunks.ts';

export interface SafesetCopyOptions {
  readonly from: SafesetReader;
  /** The new safe. */
  readonly vault: VaultSafe;
  readonly ledger: Ledger;
  /** Of a computer that the job was handed over to. */
  readonly agent: AgentKeys;
  readonly copied: CopiedChunks;
  /** Sequences of the job's safesets that were copied before, the old ones, in order. */
  readonly sequences: readonly number[];
  readonly platform: Pick<Platform, 'random' | 'clock' | 'timers'>;
  readonly siteKey: Uint8Array | null;
  readonly signal: AbortSignal;
  /** Told of bytes that were read and sealed again. */
  readonly onBytes: (bytes: number) => void;
}

/** Entries of which the content is copied together: neighbours in packs are read by one read. */
const entriesTogether = 2000;
const sendingMax = 3;

/**
 * Null, and nothing was done, when the job has other heads than the copies that are known: a copy that was committed in the moment in which
 * its run broke off shows only now.
 */
export async function copySafeset(options: SafesetCopyOptions): Promise<CommittedRecord | null> {
  const { vault, agent, from, ledger } = options;
  const { computer, job } = from.record.public;
  const session = await vault.openSession({ certificate: agent.certificate, computer, job, ledger: ledger.head });
  await using _session = session;
  const sequence = 1 + Math.max(0, ...session.heads.map((head) => head.public.sequence));
  if (sequence !== options.sequences.length + 1) return null;
  const run: OpenedRun = { ledger, suite: ledger.minimumSuite, kem: ledger.epoch(), session, heads: session.heads, sequence };
  return await new SafesetCopy(options, run).perform();
}

class SafesetCopy {
  readonly #options: SafesetCopyOptions;
  readonly #run: OpenedRun;
  readonly #table = ChunkTable.create();
  readonly #uploader: Uploader;
  readonly #sealing: RunSealing;
  readonly #data: PackSink;
  readonly #catalog: CatalogOutput;
  readonly #sending = new Set<Promise<void>>();
  #failure: unknown = null;

  constructor(options: SafesetCopyOptions, run: OpenedRun) {
    const { agent, platform } = options;
    this.#options = options;
    this.#run = run;
    this.#uploader = new Uploader(run.session, platform.timers);
    const { certificate, safe, writeSecret } = agent;
    this.#sealing = new RunSealing({ kem: run.kem, suite: run.suite, safe, certificate }, platform);
    const sink = { session: this.#sealing.session, writeSecret, random: platform.random, level: levelDefault };
    const table = this.#table;
    this.#data = new PackSink({ ...sink, table, kind: packKinds.data, deliver: async (pack) => await this.#send(pack) });
    this.#catalog = new CatalogOutput({
      sink: { ...sink, kind: packKinds.catalog },
      table,
      uploader: this.#uploader,
      flushData: async () => await this.#flush(),
    });
  }

  async perform(): Promise<CommittedRecord> {
    const { agent, from } = this.#options;
    const live = await LiveList.load({
      session: this.#run.session,
      own: (certificate) => equalBytes(certificate, agent.certificate),
      seen: () => {},
      reuse: 'safe',
      table: this.#table,
      slips: this.#uploader.slips,
      names: this.#uploader.names,
    });
    const others = await live.others();
    this.#data.reuseFrom(others);
    this.#catalog.reuseFrom(others);
    let waiting: CatalogEntry[] = [];
    for await (const batch of from.catalog.batches()) {
      waiting.push(...batch);
      if (waiting.length < entriesTogether) continue;
      await this.#take(waiting);
      waiting = [];
    }
    await this.#take(waiting);
    await this.#flush();
    const { root, level, refs } = await this.#catalog.finish();
    assert(this.#data.memoryFaults === 0, 'what was sealed opens');
    const { record, part } = from;
    return await commitRecord(
      { ...saidBy(record.public), kind: 'safeset', refs, part: { ...part, catalog: { root, level } } },
      this.#commitContext(record.public),
    );
  }

  #commitContext({ computer, computerName, job }: RecordPublic): Parameters<typeof commitRecord>[1] {
    const { agent, platform, siteKey } = this.#options;
    const signer = { ...agent, computer, computerName };
    return { agent: signer, job, run: this.#run, sealing: this.#sealing.session, random: platform.random, siteKey, base: null };
  }

  async #take(entries: readonly CatalogEntry[]): Promise<void> {
    const { signal, from } = this.#options;
    const mapped: { entry: CatalogEntry; streams: readonly NamedStream[] }[] = [];
    const short: ChunkId[] = [];
    for (const entry of entries) {
      const { streams } = await from.catalog.attributesOf(entry);
      mapped.push({ entry, streams });
      for (const { chunk } of entry.extents) if (chunk !== null) short.push(chunk);
    }
    await this.#copy(short);
    for (const { entry, streams } of mapped) {
      signal.throwIfAborted();
      this.#catalog.add(await this.#copyOf(entry, streams));
      await this.#catalog.breathe();
    }
  }

  async #copyOf(entry: CatalogEntry, streams: readonly NamedStream[]): Promise<CatalogEntry> {
    const { from, sequences } = this.#options;
    const { acls, xattrs } = await from.catalog.attributesOf(entry);
    const copies: NamedStream[] = [];
    for (const stream of streams) copies.push({ ...stream, extents: await this.#extentsOf(stream), rope: null });
    return {
      ...entry,
      extents: await this.#extentsOf(entry),
      rope: null,
      acls,
      xattrs,
      streams: copies,
      attributes: [],
      carried: typeof entry.carried === 'number' ? newSequence(entry.carried, sequences) : null,
    };
  }

  /** In the new safe's chunks, each of them stored and marked. */
  async #extentsOf(content: Content): Promise<readonly Extent[]> {
    const extents: Extent[] = [];
    for await (const batch of this.#options.from.catalog.extentBatches(content)) {
      await this.#copy(batch.flatMap(({ chunk }) => (chunk === null ? [] : [chunk])));
      for (const extent of batch) {
        const chunk = extent.chunk === null ? null : this.#options.copied.get(extent.chunk);
        assert((chunk === null) === (extent.chunk === null), 'a chunk is copied before it is named');
        if (chunk !== null) assert(this.#table.mark(chunk), 'a copied chunk is at the vault');
        extents.push({ ...extent, chunk });
      }
    }
    return extents;
  }

  /** Those that are not there yet, in the order in which they lie. */
  async #copy(ids: readonly ChunkId[]): Promise<void> {
    const { from, copied, signal, onBytes } = this.#options;
    const wanted = new Map<string, ChunkId>();
    for (const id of ids) {
      const copy = copied.get(id);
      // A copy of a run that was broken off may have been cleaned up since.
      if (copy === null || !this.#table.has(copy)) wanted.set(String(id), id);
    }
    for await (const { id, plaintext } of from.chunks.readMany(wanted.values())) {
      signal.throwIfAborted();
      copied.set(id, this.#data.put(plaintext).id);
      onBytes(plaintext.length);
      if (this.#data.full) await this.#data.close();
      this.#table.growIfNeeded();
      const renewed = this.#sealing.renewed();
      if (renewed === null) continue;
      this.#data.renew(renewed);
      this.#catalog.renew(renewed);
    }
  }

  async #send(pack: ClosedPack): Promise<void> {
    while (this.#sending.size >= sendingMax) await Promise.race(this.#sending);
    const sending = this.#uploader
      .put(pack)
      .then(() => this.#data.reuse(pack.bytes))
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    this.#throwFailure();
  }

  /** All data is at the vault when it resolves. */
  async #flush(): Promise<void> {
    await this.#data.close();
    await Promise.all(this.#sending);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }
}

type Said = Pick<RecordPublic, 'retention' | 'result' | 'startMs' | 'endMs' | 'counts'>;

function saidBy({ retention, result, startMs, endMs, counts }: RecordPublic): Said {
  return { retention, result, startMs, endMs, counts };
}

/** Safesets are counted anew. What was carried from one that is not copied counts as carried from the first that has it. */
function newSequence(carried: number, sequences: readonly number[]): number {
  return Math.max(1, sequences.filter((sequence) => sequence <= carried).length);
}
