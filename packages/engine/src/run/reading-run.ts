/*
 * The middle of a run, from the scan to the finished catalog: the scan is joined with the cache, batches go to the workers,
 * entries come out in key order into the catalog, the new cache and the tally.
 */
import { assert, EventTurns, onAbort, releaseBytes } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { packKinds } from '@twinvault/format';
import type { AgentKeys, Place, WrittenLeaf } from '@twinvault/seal';
import { CatalogEntries } from '../catalog/catalog-entry.ts';
import { CatalogOutput } from '../catalog/catalog-output.ts';
import type { FinishedCatalog } from '../catalog/catalog-output.ts';
import { BundleUse } from '../dedup/bundle-use.ts';
import { BundledFiles } from '../dedup/bundled-files.ts';
import type { ChunkTable } from '../dedup/chunk-table.ts';
import type { LiveList } from '../dedup/live-list.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { CacheCursor } from '../scan/cache-cursor.ts';
import { BundleUpkeep, wornBelow } from '../scan/bundle-upkeep.ts';
import { MergeJoin } from '../scan/merge-join.ts';
import type { UnchangedLeaf } from '../scan/merge-join.ts';
import { KnownFiles } from '../scan/known-files.ts';
import { LastBlocks } from '../scan/last-blocks.ts';
import { LastRun } from '../scan/last-run.ts';
import { PartialDirectories } from '../scan/partial-directories.ts';
import { ProvenEntries } from '../scan/proven-entries.ts';
import type { ProvenBefore } from '../scan/proven-entries.ts';
import { Segments } from '../scan/segments.ts';
import type { Item } from '../scan/segments.ts';
import type { EntryError, FileSource, SameEntries, ScanEvent, ScannedEntries } from '../source-port.ts';
import type { StateChain } from '../state-packs/state-chain.ts';
import { StateOutput } from '../state-packs/state-output.ts';
import type { CacheReader, CacheWriter } from '../state/catalog-cache.ts';
import type { PathsFile } from '../state/paths-file.ts';
import type { SignatureStore } from '../state/signature-store.ts';
import { noWornBundles, wornBundlesMax } from '../state/worn-bundles.ts';
import type { WornBundles } from '../state/worn-bundles.ts';
import type { Uploader } from '../upload/uploader.ts';
import { Counters, totals } from '../workers/counters.ts';
import type { CounterTotals } from '../workers/counters.ts';
import type { WorkerData, WorkResult } from '../workers/messages.ts';
import { WorkerPool } from '../workers/worker-pool.ts';
import type { RunTally } from './run-tally.ts';
import type { RunSealing } from './sealing.ts';

/** More workers than this are not started by default: each may hold some 50 MB. */
export const workersMax = 8;
/** Open segments of the reorder buffer for each worker: enough that a large file does not stall the others at once. */
const openSegmentsPerWorker = 12;

export interface ReadingOptions {
  readonly platform: Pick<Platform, 'clock' | 'random' | 'threads' | 'timers'>;
  readonly agent: AgentKeys;
  readonly source: FileSource;
  readonly sealing: RunSealing;
  readonly level: number;
  readonly table: ChunkTable;
  readonly live: LiveList;
  readonly uploader: Uploader;
  readonly tally: RunTally;
  readonly lastCache: CacheReader | null;
  /** Another reader of it. */
  readonly openLastCache: () => Promise<CacheReader | null>;
  /** Of the last safeset. */
  readonly worn: WornBundles;
  /** The copy of that cache at the vault; null when there is none. */
  readonly lastChain: StateChain | null;
  readonly job: string;
  /** Of the safeset that the run makes. */
  readonly sequence: number;
  /** Trust the cache's status of entries; false: read everything again. */
  readonly skipUnchanged: boolean;
  readonly newCache: CacheWriter;
  readonly signatures: SignatureStore;
  /** Of page signatures; left out but for tests. */
  readonly segmentBits?: number | undefined;
  readonly paths: PathsFile;
  readonly workers: number;
  readonly signal: AbortSignal;
}

export class ReadingRun implements AsyncDisposable {
  private readonly options: ReadingOptions;
  /** Started with the first batch: a run that finds nothing changed needs no threads. */
  private pool: Promise<WorkerPool> | null = null;
  private readonly counters: readonly Counters[];
  private readonly catalog: CatalogOutput;
  private readonly state: StateOutput;
  private readonly segments: Segments;
  private readonly entries: CatalogEntries = new CatalogEntries();
  private readonly bundleUse: BundleUse;
  private readonly upkeep: BundleUpkeep;
  /** Of this run. */
  private readonly partial: PartialDirectories = new PartialDirectories();
  foundAll = false;

  constructor(options: ReadingOptions) {
    this.options = options;
    this.counters = Array.from({ length: options.workers }, () => new Counters());
    const { table, uploader, sealing, agent, level, platform, skipUnchanged } = options;
    const { writeSecret } = agent;
    this.bundleUse = new BundleUse(table);
    // Where everything is read, what changed is not known before it was.
    this.upkeep = new BundleUpkeep(skipUnchanged ? options.worn : noWornBundles);
    this.catalog = new CatalogOutput({
      sink: { session: sealing.session, writeSecret, kind: packKinds.catalog, random: platform.random, level },
      table,
      uploader,
      flushData: async () => {
        await (await this.pool)?.flush();
        await uploader.idle();
      },
    });
    this.state = new StateOutput({
      sink: {
        session: sealing.session,
        writeSecret,
        kind: packKinds.state,
        stateKey: agent.stateKey,
        random: platform.random,
        level,
      },
      table,
      uploader,
      signatures: options.signatures,
      random: platform.random,
      last: options.lastChain,
      sequence: options.sequence,
      job: options.job,
    });
    this.segments = new Segments({
      run: async (work, urgent, lasts) => await this.run(work, urgent, lasts),
      signatures: options.signatures,
      segmentBits: options.segmentBits,
      workers: options.workers,
      write: (item) => this.write(item),
      writeLeaf: (leaf) => this.writeLeaf(leaf),
      leftOut: (directory) => this.partial.add(directory),
      written: async () => await this.breathe(),
      error: (error) => this.error(error),
      passed: (entries, bytes) => options.tally.passed(entries, bytes),
      openMax: openSegmentsPerWorker * options.workers,
      lastSequence: options.lastCache?.info.sequence ?? 0,
    });
  }

  private async startPool(): Promise<WorkerPool> {
    const { platform, agent, source, sealing, level, table, uploader, signatures, live } = this.options;
    const others = await live.others();
    this.catalog.reuseFrom(others);
    const { shared: bundled } = new BundledFiles();
    const data = this.counters.map(({ shared }): WorkerData => ({
      writeSecret: agent.writeSecret,
      session: sealing.session,
      level,
      pageKey: signatures.key,
      segmentBits: this.options.segmentBits,
      table: table.shared,
      bundled,
      others: others?.shared ?? null,
      reader: source.reader,
      randomSeed: platform.random.bytes(32),
      counters: shared,
    }));
    return await WorkerPool.start({
      threads: platform.threads,
      data,
      onPack: async (pack) => {
        await this.makeRoom();
        await uploader.put(pack);
      },
      segment: (name) => signatures.segment(name),
      onSegment: (segment) => {
        signatures.addSegment(segment);
        releaseBytes(segment.bytes);
      },
    });
  }

  get counted(): CounterTotals {
    return totals(this.counters);
  }

  /** Scans and reads everything. False: the run was stopped within; what was written until then stands. */
  async read(): Promise<boolean> {
    const { signal, table, lastCache, openLastCache, skipUnchanged, source } = this.options;
    const stopListening = onAbort(signal, () => table.abort());
    try {
      const blocks = new LastBlocks(lastCache);
      const cache = await CacheCursor.open(blocks);
      const provenBefore = skipUnchanged && lastCache !== null ? provenMoment(lastCache.info.startMs, source) : null;
      const proven = new ProvenEntries(table, provenBefore);
      await using knownFiles = lastCache === null ? null : new KnownFiles(openLastCache, lastCache.info);
      const { upkeep, segments } = this;
      const join = new MergeJoin({ cache, table, output: segments, knownFiles, proven, upkeep });
      const partial = provenBefore === null ? null : (lastCache?.info.partial ?? null);
      const { place } = cache;
      const last =
        partial === null ? null : new LastRun({ blocks, place, proven, upkeep, partial: new PartialDirectories(partial) });
      const scanned = await this.scan(join, last);
      if (scanned) await join.finish();
      const finished = await this.segments.finish();
      return scanned && finished;
    } finally {
      stopListening();
    }
  }

  /** False when the signal ended it. */
  private async scan(join: MergeJoin, last: LastRun | null): Promise<boolean> {
    const { source, signal, tally, platform } = this.options;
    const turns = new EventTurns(platform);
    try {
      for await (const events of source.scan(signal, last)) {
        if (signal.aborted) return false;
        for (const event of events) {
          this.count(event, tally);
          while (!join.take(event)) await join.load();
          await this.segments.room();
          await turns.take();
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    this.foundAll = !signal.aborted;
    return this.foundAll;
  }

  private count(event: ScanEvent, tally: RunTally): void {
    if (event.type === 'partial' || event.type === 'unlisted' || event.type === 'unstated') this.partial.add(event.directory);
    else this.countEntries(event, tally);
  }

  private countEntries(event: ScannedEntries | SameEntries, tally: RunTally): void {
    tally.entriesFound += event.count;
    tally.bytesFound += event.fileBytes;
  }

  private async run(...[work, urgent, lasts]: Parameters<WorkerPool['run']>): Promise<WorkResult> {
    this.pool ??= this.startPool();
    const pool = await this.pool;
    await this.makeRoom();
    return await pool.run(work, urgent, lasts);
  }

  /** In the table, before and while threads add to it: a single file may have more chunks than there is room for. */
  private async makeRoom(): Promise<void> {
    const grown = this.options.table.growIfNeeded();
    if (grown !== null) (await this.pool)?.grow(grown);
  }

  private write(item: Item): Promise<void> | null {
    const { tally, paths } = this.options;
    tally.written(item);
    paths.add(item);
    const writing = this.state.write(item);
    if (item.body !== null) this.writeEntry(item, item.body);
    return writing;
  }

  /** The cache's blocks end where the catalog's leaves do: before the entry, after it, or both. */
  private writeEntry(place: Place, body: Uint8Array): void {
    const { newCache } = this.options;
    this.bundleUse.entry(body);
    this.catalog.add(this.entries.entry(place, body));
    let added = false;
    for (const leaf of this.catalog.takeLeaves()) {
      if (leaf.entries > newCache.pending) {
        newCache.add(place, body);
        added = true;
      }
      this.endBlock(leaf);
    }
    if (!added) newCache.add(place, body);
  }

  private endBlock(leaf: WrittenLeaf): void {
    const { newCache } = this.options;
    assert(newCache.pending === leaf.entries, 'a block of the cache holds the entries of its leaf');
    newCache.endBlock(leaf.reusable ? leaf : null);
  }

  private writeLeaf({ block, id, first, last }: UnchangedLeaf): Promise<void> | null {
    const { newCache, tally } = this.options;
    const { entries, bytes, endsByCost } = block;
    if (!this.catalog.addLeaf({ id, first, last, entries, bytes, endsByCost }))
      return this.writeItems(new ItemCursor(block.items));
    this.bundleUse.block(block);
    newCache.addBlock(block);
    const writing = this.state.writeBlock(block);
    tally.writtenBlock(block);
    return writing;
  }

  private writeItems(items: ItemCursor): Promise<void> | null {
    while (items.next()) {
      const { directory, name, body } = items;
      const writing = this.write({ directory, name, body, change: 'unchanged', last: body });
      if (writing !== null) return writing.then(() => this.writeItems(items) ?? undefined);
    }
    return null;
  }

  private async breathe(): Promise<void> {
    const session = this.options.sealing.renewed();
    if (session !== null) {
      this.catalog.renew(session);
      this.state.renew(session);
      (await this.pool)?.renew(session);
    }
    await this.makeRoom();
    await this.catalog.breathe();
    await this.state.breathe();
    await this.options.newCache.drain();
  }

  private error(error: EntryError): void {
    const { tally, paths } = this.options;
    tally.error(error);
    paths.addError(error.path, error.code, error.detail);
  }

  /** Blobs that did not open to their chunk when they were looked at again. */
  get memoryFaults(): number {
    return this.counted.memoryFaults + this.catalog.memoryFaults + this.state.memoryFaults;
  }

  /** After everything was read: what of the state is at the vault, to be pinned by the refs of the catalog finished after it. */
  async finishState(): Promise<StateChain> {
    return await this.state.finish();
  }

  /** Everything that the catalog names is at the vault when it resolves. */
  async finish(): Promise<FinishedCatalog> {
    this.bundleUse.end();
    const finished = await this.catalog.finish();
    for (const leaf of this.catalog.takeLeaves()) if (leaf.entries > 0) this.endBlock(leaf);
    return finished;
  }

  /** Directories of which something was left out, for the catalog cache. */
  partialDirectories(): Uint32Array | null {
    return this.partial.kept();
  }

  /** After `finish`: of the safeset that this run makes; null: as before, since nothing changed. */
  wornBundles(): WornBundles | null {
    const { table, tally, skipUnchanged } = this.options;
    if (this.counted.files === 0 && tally.removed === 0) return null;
    const { isStrained, shareMin } = wornBelow(this.bundleUse);
    const leftBytes = skipUnchanged ? this.upkeep.leftBytes : 0;
    return { bundles: [...table.worn(shareMin, wornBundlesMax)], leftBytes, isStrained };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whatever kept the threads from starting was thrown where they were wanted.
    const pool = await this.pool?.catch(() => null);
    await pool?.[Symbol.asyncDispose]();
  }
}

/** Times before this prove that nothing changed since they were read (docs/format/delta.md). */
function provenMoment(startMs: number, { granularityNanos }: FileSource): ProvenBefore {
  const whole = Math.floor(startMs / 1000);
  const nanos = Math.floor((startMs - whole * 1000) * 1e6) - granularityNanos;
  const borrowed = Math.ceil(Math.max(0, -nanos) / 1e9);
  return { seconds: whole - borrowed, nanos: nanos + borrowed * 1e9 };
}
