/*
 * One run of data of a file whose last version is known: read into the cutter's memory, compared there, and what changed is
 * gathered, or cut by content where much changed in one piece, out of the same memory (docs/format/delta.md).
 */
import { PageFinder, PageHasher, pageBytes } from '@twinvault/seal';
import type { ChunkSecret, Cutter } from '@twinvault/seal';
import type { DataRange, OpenedEntry } from '../source-port.ts';
import { ContentOutput } from './content-output.ts';
import { Differ } from './differ.ts';
import type { DifferOutput, KnownPages } from './differ.ts';
import { Gatherer, gatheredBytesMin } from './gatherer.ts';
import { OldPages } from './old-pages.ts';
import type { SegmentSource } from './old-pages.ts';
import { OldVersion } from './old-version.ts';
import type { Signature } from './signature.ts';
import { Upkeep } from './upkeep.ts';
import type { SegmentSink } from './version-writer.ts';

/** What changed in one piece of so many bytes is cut by content: copies of it may be known, and chunks stay few. */
export const cutBytesMin: number = 1024 * 1024;

/** Between chunks: null, or a promise to wait for; throws when the run is being stopped. */
export interface DeltaStore {
  /** What chunks are named by, for `put`: several at once cost half. */
  secretsOf(plaintexts: readonly Uint8Array[]): readonly ChunkSecret[];
  put(plaintext: Uint8Array, secret?: ChunkSecret): Uint8Array;
  breathe(): Promise<void> | null;
}

/** What a worker compares with. */
export interface DeltaToolsOptions {
  /** What pages are hashed under. */
  readonly key: Uint8Array;
  readonly cutter: Cutter;
  readonly store: DeltaStore;
  readonly segments: SegmentSource & SegmentSink;
  /** Of signatures that are made; left out but for tests. */
  readonly segmentBits?: number | undefined;
}

/** One for each worker. */
export class DeltaTools {
  readonly key: Uint8Array;
  readonly cutter: Cutter;
  readonly store: DeltaStore;
  readonly segments: SegmentSource & SegmentSink;
  private readonly segmentBits: number | undefined;
  /** Over the cutter's buffer. */
  readonly hasher: PageHasher;
  private ownFinder: PageFinder | null = null;
  private ownGatherer: Gatherer | null = null;

  constructor({ key, cutter, store, segments, segmentBits }: DeltaToolsOptions) {
    this.key = key;
    this.cutter = cutter;
    this.store = store;
    this.segments = segments;
    this.segmentBits = segmentBits;
    this.hasher = PageHasher.over(cutter, key);
  }

  get finder(): PageFinder {
    return (this.ownFinder ??= new PageFinder(this.key));
  }

  get gatherer(): Gatherer {
    return (this.ownGatherer ??= new Gatherer(this.key, (plaintext) => this.store.put(plaintext)));
  }

  newOutput(): ContentOutput {
    return new ContentOutput(this.segments, this.segmentBits);
  }

  /** Stores a chunk out of the cutter's buffer as a part of the content. */
  storeChunk(start: number, end: number, output: ContentOutput, secret?: ChunkSecret): void {
    const lengthBytes = end - start;
    const id = this.store.put(this.cutter.buffer.subarray(start, end), secret);
    const { leadBytes } = output;
    const words = this.hasher.sign(start, lengthBytes, leadBytes);
    output.stored({ id, offsetBytes: 0, lengthBytes, chunkBytes: lengthBytes, words, firstPage: 0, leadBytes });
  }

  /** Of chunks of these lengths that lie one after another in the cutter's buffer. */
  secretsAt(start: number, lengths: readonly number[]): readonly ChunkSecret[] {
    let end = start;
    const chunks = lengths.map((length) => {
      end += length;
      return this.cutter.buffer.subarray(end - length, end);
    });
    return this.store.secretsOf(chunks);
  }
}

export interface DeltaReaderOptions {
  readonly last: Signature;
  readonly tools: DeltaTools;
  readonly output: ContentOutput;
}

/** Reads run after run of one file; `end` after the last. */
export class DeltaReader {
  private readonly tools: DeltaTools;
  private readonly opened: OpenedEntry;
  private readonly differ: Differ;
  private readonly changes: Changes;

  constructor(opened: OpenedEntry, { last, tools, output }: DeltaReaderOptions) {
    this.tools = tools;
    this.opened = opened;
    const old = new OldVersion(last);
    this.changes = new Changes(old, tools, output);
    const { cutter, hasher, finder } = tools;
    const pages = new OldPages(old, tools.segments);
    this.differ = new Differ({ buffer: cutter.buffer, hasher, finder, old, pages, output: this.changes });
    tools.gatherer.clear();
  }

  /** Bytes read: fewer than the range when the file ended. */
  async read(range: DataRange): Promise<number> {
    const { differ, changes, tools } = this;
    const { buffer } = tools.cutter;
    let [end, readBytes] = [0, 0];
    let ended = false;
    differ.begin(range.offsetBytes);
    changes.begin();
    for (;;) {
      while (!ended && end < buffer.length) {
        const wanted = Math.min(range.lengthBytes - readBytes, buffer.length - end);
        const got = wanted === 0 ? 0 : this.opened.read(buffer, end, wanted, range.offsetBytes + readBytes);
        ended = got === 0;
        end += got;
        readBytes += got;
      }
      while (differ.step(end, ended)) {
        if (differ.awaited !== null) await differ.load();
        const breath = tools.store.breathe();
        if (breath !== null) await breath;
      }
      if (ended) {
        changes.ending();
        differ.finish();
        return readBytes;
      }
      buffer.copyWithin(0, differ.wantedFrom, end);
      end -= differ.wantedFrom;
      differ.moved();
    }
  }

  /** Stores what is still gathered, and lets go of what was compared with. */
  end(): void {
    this.tools.gatherer.end();
    this.tools.finder.use([]);
  }
}

/** Where the parts of a compared file go. */
class Changes implements DifferOutput {
  private readonly old: OldVersion;
  private readonly tools: DeltaTools;
  private readonly output: ContentOutput;
  private readonly upkeep: Upkeep;
  private changedBytes = 0;
  /** What changes at present is being cut. */
  private cutting = false;
  private keptInRun = false;
  private runEnds = false;

  constructor(old: OldVersion, tools: DeltaTools, output: ContentOutput) {
    this.old = old;
    this.tools = tools;
    this.output = output;
    this.upkeep = new Upkeep(old);
  }

  begin(): void {
    this.keptInRun = false;
    this.runEnds = false;
  }

  ending(): void {
    this.runEnds = true;
  }

  keeps(extent: number, offsetBytes: number): boolean {
    return !this.upkeep.empties(extent, { changedBytes: this.changedBytes, readBytes: offsetBytes });
  }

  kept({ extent, page, lengthBytes, words, firstWords }: KnownPages): void {
    this.keptInRun = true;
    const { old } = this;
    this.output.stored({
      id: old.id(extent),
      offsetBytes: old.offsetBytes(extent) + old.inExtentBytes(extent, page),
      lengthBytes,
      chunkBytes: old.chunkBytes(extent),
      words,
      firstPage: firstWords,
      leadBytes: page === old.firstPage(extent) ? old.leadBytes(extent) : pageBytes,
    });
  }

  changing(start: number, end: number): number {
    if (!this.cutting && end - start < cutBytesMin) return start;
    this.startCutting();
    return this.cut(start, end, false);
  }

  changed(start: number, end: number): void {
    this.changedBytes += end - start;
    const { cutter, gatherer } = this.tools;
    // A run without a known page is cut as it would be without a last version: a copy of it may be known.
    if (this.runEnds && !this.keptInRun && end - start >= gatheredBytesMin) this.startCutting();
    let from = start;
    if (this.cutting) from = this.cut(start, end, true);
    this.cutting = false;
    if (from < end) gatherer.add(cutter.buffer.subarray(from, end), this.output);
  }

  private startCutting(): void {
    if (!this.cutting) this.tools.cutter.start();
    this.cutting = true;
  }

  /** Where the first byte is that was not stored. A short rest before a known page is left to be gathered. */
  private cut(start: number, end: number, final: boolean): number {
    const { tools, output } = this;
    let from = start;
    while (from < end) {
      const cut = tools.cutter.findCut(from, end, final);
      if (cut < 0) break;
      if (cut === end && cut - from < gatheredBytesMin && this.keptInRun && !this.runEnds) break;
      tools.storeChunk(from, cut, output);
      if (!final) this.changedBytes += cut - from;
      from = cut;
    }
    return from;
  }
}
