/*
 * What the scan is told of the last run (LastEntries of the source port): its entries in key order, whether the names in a directory may be taken
 * from here, and which entries pass as they are. Goes ahead of the join over the same blocks.
 *
 * Invariant: `same` entries are told in order and leave nothing out between the first and the last of a run, which lies in one block.
 */
import { compareBytes, equalBytes } from '@twinvault/std';
import { BodyView } from '../entries/entry-body.ts';
import { compareDirectories } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { entryTypes } from '../source-port.ts';
import type { LastEntries, NamePart, SameEntries } from '../source-port.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { BundleUpkeep } from './bundle-upkeep.ts';
import type { LastBlocks, LinkedBlock } from './last-blocks.ts';
import type { PartialDirectories } from './partial-directories.ts';
import type { ProvenEntries } from './proven-entries.ts';

/** So many entries are loaded ahead at least. */
const aheadEntries = 4096;

/** Entries of one block, one after another, that are as they were. */
export interface SameRun extends SameEntries {
  readonly block: CacheBlock;
  /** Where the first one's item begins. */
  readonly firstStart: number;
  readonly lastStart: number;
  readonly lastDirectory: Uint8Array;
}

type OpenRun = { -readonly [field in keyof SameRun]: SameRun[field] };

export interface LastRunOptions {
  readonly blocks: LastBlocks;
  /** Where the join stands: before the first entry of all. */
  readonly place: LinkedBlock | null;
  /** Of that run. */
  readonly partial: PartialDirectories;
  readonly proven: ProvenEntries;
  readonly upkeep: Pick<BundleUpkeep, 'mayEmpty'>;
}

const noItems = new Uint8Array(0);

export class LastRun implements LastEntries {
  private readonly options: LastRunOptions;
  private place: LinkedBlock | null;
  private newest: LinkedBlock | null;
  private item: ItemCursor;
  private body: BodyView;
  isReady = true;
  private isEnded: boolean;
  /** Loaded, in blocks behind this one. */
  private entriesAhead = 0;
  private runs: SameRun[] = [];
  private open: OpenRun | null = null;
  /** Neighbours have the same two directories, whose order is known then. */
  private compared: Uint8Array | null = null;
  private comparedWith: Uint8Array | null = null;
  private order = 0;

  constructor(options: LastRunOptions) {
    this.options = options;
    this.place = options.place;
    this.newest = options.place;
    this.item = new ItemCursor(this.place?.block.items ?? noItems);
    this.body = new BodyView(this.item.bytes);
    this.isEnded = !this.item.next();
  }

  get bytes(): Uint8Array {
    return this.item.bytes;
  }

  get view(): DataView {
    return this.item.view;
  }

  get nameStart(): number {
    return this.item.nameStart;
  }

  get bodyStart(): number {
    return this.item.bodyStart;
  }

  async load(): Promise<void> {
    if (this.isEnded) return;
    while (this.entriesAhead < aheadEntries) {
      const next = await this.options.blocks.after(this.newest);
      if (next === null) break;
      this.newest = next;
      this.entriesAhead += next.block.entries;
    }
    if (!this.isReady) this.nextBlock();
  }

  seek(directory: Uint8Array, name: NamePart | null): boolean {
    while (this.isReady && !this.isEnded && this.isBefore(directory, name)) this.step();
    return this.isReady;
  }

  private isBefore(directory: Uint8Array, name: NamePart | null): boolean {
    const order = this.directoryOrder(directory);
    if (order !== 0 || name === null) return order < 0;
    return compareBytes(this.name(), name.bytes.subarray(name.start, name.end)) < 0;
  }

  private directoryOrder(directory: Uint8Array): number {
    const { item } = this;
    if (item.directory !== this.compared || directory !== this.comparedWith) {
      this.compared = item.directory;
      this.comparedWith = directory;
      this.order = compareDirectories(item.directory, directory);
    }
    return this.order;
  }

  private name(): Uint8Array {
    return this.item.bytes.subarray(this.item.nameStart, this.item.bodyStart);
  }

  isIn(directory: Uint8Array): boolean {
    return !this.isEnded && this.directoryOrder(directory) === 0;
  }

  isAt(directory: Uint8Array, { bytes, start, end }: NamePart): boolean {
    return this.isIn(directory) && equalBytes(this.name(), bytes.subarray(start, end));
  }

  get isTrusted(): boolean {
    const { proven, upkeep } = this.options;
    const body = this.body.at(this.item.bodyStart);
    return proven.isProven(body) && proven.isLive(body) && !upkeep.mayEmpty(body);
  }

  isWhole(directory: Uint8Array): boolean {
    return !this.options.partial.has(directory);
  }

  same(): void {
    const { item, open } = this;
    const { type, sizeBytes } = this.body.at(item.bodyStart);
    const fileBytes = type === entryTypes.file ? sizeBytes : 0;
    if (open === null) this.begin(fileBytes);
    else {
      open.count += 1;
      open.fileBytes += fileBytes;
      open.lastStart = item.itemStart;
      open.lastDirectory = item.directory;
    }
    this.move();
  }

  private begin(fileBytes: number): void {
    const { itemStart, directory } = this.item;
    const { place } = this;
    if (place === null) return;
    const starts = { firstStart: itemStart, lastStart: itemStart, lastDirectory: directory };
    this.open = { type: 'same', count: 1, fileBytes, block: place.block, ...starts };
  }

  step(): void {
    this.endRun();
    this.move();
  }

  private move(): void {
    if (!this.item.next()) this.nextBlock();
  }

  private endRun(): void {
    if (this.open !== null) this.runs.push(this.open);
    this.open = null;
  }

  private nextBlock(): void {
    this.endRun();
    for (;;) {
      const next = this.place?.next ?? null;
      this.isReady = next !== null || this.options.blocks.isEnded;
      if (next === null) {
        this.isEnded = this.isReady;
        return;
      }
      this.place = next;
      this.entriesAhead -= next.block.entries;
      this.item = new ItemCursor(next.block.items);
      this.body = new BodyView(next.block.items);
      if (this.item.next()) return;
    }
  }

  takeSame(): readonly SameEntries[] {
    this.endRun();
    const { runs } = this;
    if (runs.length > 0) this.runs = [];
    return runs;
  }

  end(): void {
    this.isEnded = true;
    this.isReady = true;
    this.place = null;
    this.newest = null;
  }
}
