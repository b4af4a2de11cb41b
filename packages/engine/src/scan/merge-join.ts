/*
 * Scan and cache, both in key order, joined: an entry whose status is that of the last run, and whose chunks are all at the
 * vault, passes as it is; others are to be read. What only the cache has was removed, unless it lies where the scan could
 * not look: that keeps its last version.
 */
import { assert } from '@twinvault/std';
import type { ChunkId } from '@twinvault/format';
import type { Place } from '@twinvault/seal';
import type { ChunkTable } from '../dedup/chunk-table.ts';
import { BodyView } from '../entries/entry-body.ts';
import { isWithin, pathOf } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { scannedEntry } from '../entries/scanned-entries.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryError, ScanEvent, ScannedEntries, ScannedEntry } from '../source-port.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { BundleUpkeep } from './bundle-upkeep.ts';
import type { KnownFiles } from './known-files.ts';
import type { CacheCursor } from './cache-cursor.ts';
import type { SameRun } from './last-run.ts';
import type { ProvenEntries } from './proven-entries.ts';

/** What comes out, in key order. */
export interface JoinOutput {
  unchanged(directory: Uint8Array, name: Uint8Array, body: Uint8Array): void;
  /** All entries of a block that stands for a leaf of the catalog, none of them changed. */
  unchangedLeaf(leaf: UnchangedLeaf): void;
  /** `last`: body of the last version, when all its chunks are at the vault. */
  read(entry: ScannedEntry, last: Uint8Array | null): void;
  /** As `read`, but the file is to lie in another bundle, whether its content changed or not. */
  rebundle(entry: ScannedEntry, last: Uint8Array): void;
  /** Under a new path, the file that the last run had under another; nothing about it changed. */
  moved(directory: Uint8Array, name: Uint8Array, body: Uint8Array): void;
  /** Under a new path, with the inode, size and mtime of a file that the last run had under another. */
  readMoved(entry: ScannedEntry, last: Uint8Array): void;
  /** The last version stays, since the entry could not be looked at. */
  carried(directory: Uint8Array, name: Uint8Array, last: Uint8Array): void;
  removed(directory: Uint8Array, name: Uint8Array, last: Uint8Array): void;
  error(error: EntryError): void;
}

export interface UnchangedLeaf {
  readonly block: CacheBlock;
  readonly id: ChunkId;
  readonly first: Place;
  readonly last: Place;
}

export interface JoinOptions {
  readonly cache: CacheCursor;
  readonly table: ChunkTable;
  readonly output: JoinOutput;
  readonly knownFiles: KnownFiles | null;
  readonly upkeep: BundleUpkeep;
  readonly proven: ProvenEntries;
}

export class MergeJoin {
  private readonly options: JoinOptions;
  /** Directories at or below which the last versions are carried. */
  private readonly carriedBelow: Uint8Array[] = [];
  /** The cache's block is used up: nothing is known of what follows until the next is loaded. */
  private wantsBlock = false;
  /** Under a new path: `load` looks for it in the last run. */
  private sought: ScannedEntry | null = null;
  /** What was found of it. */
  private found: { readonly body: Uint8Array | null } | null = null;
  /** Of the list that is being taken: its present entry is the next one. */
  private scanned: ItemCursor | null = null;
  private head: BodyView = new BodyView(new Uint8Array(0));
  /** The block's entries so far, all of them unchanged and none of them handed out: it may be taken over whole. */
  private run: { readonly first: Place; readonly leaf: ChunkId; count: number } | null = null;
  /** A whole block whose leaf ends by cost: taken over if the entry after it is unchanged, too. */
  private held: UnchangedLeaf | null = null;

  constructor(options: JoinOptions) {
    this.options = options;
    this.beginBlock();
  }

  private beginBlock(): void {
    const { cache, table } = this.options;
    const leaf = cache.block?.leaf ?? null;
    if (leaf === null || !table.has(leaf)) this.run = null;
    else this.run = { first: { directory: cache.directory, name: cache.name }, leaf, count: 0 };
  }

  /** Takes the event. False: the next block of the cache is needed, or another one: await `load` and give the same event again. */
  take(event: ScanEvent): boolean {
    if (this.wantsBlock) return false;
    switch (event.type) {
      case 'entries':
        return this.entries(event);
      case 'same':
        // Made by LastRun of this very cache.
        return this.same(event as SameRun);
      case 'partial':
        return true;
      case 'unlisted':
        this.options.output.error(event.error);
        // A directory that went away between its parent's listing and its own took everything below along.
        if (event.error.code !== 'entry-vanished') this.carriedBelow.push(event.directory);
        return true;
      case 'unstated':
        return this.unstated(event);
    }
  }

  private entries({ items }: ScannedEntries): boolean {
    if (this.scanned === null) {
      this.scanned = new ItemCursor(items);
      this.head = new BodyView(items);
      if (!this.scanned.next()) this.scanned = null;
    }
    while (this.scanned !== null) {
      if (this.wantsBlock || !this.entry(this.scanned, this.head.at(this.scanned.bodyStart))) return false;
      if (!this.scanned.next()) this.scanned = null;
    }
    return true;
  }

  async load(): Promise<void> {
    if (this.sought !== null) {
      this.found = { body: (await this.options.knownFiles?.find(this.sought)) ?? null };
      this.sought = null;
      return;
    }
    await this.options.cache.load();
    this.wantsBlock = false;
    this.beginBlock();
  }

  /** The rest of the cache, after the scan's last event. */
  async finish(): Promise<void> {
    for (;;) {
      if (this.wantsBlock) await this.load();
      if (this.options.cache.ended) break;
      this.withoutScan();
    }
    // The cache ended behind a leaf that another entry followed: part of it was lost.
    this.settleRun();
  }

  /** Passes what the cache has before the key. False: a block is wanted first. */
  private passBefore(directory: Uint8Array, name: Uint8Array): boolean {
    while (!this.wantsBlock && this.options.cache.compare(directory, name) < 0) this.withoutScan();
    return !this.wantsBlock;
  }

  /** The present entry of a list; `head`: its status. */
  private entry(item: ItemCursor, head: BodyView): boolean {
    const { cache, output, upkeep, proven } = this.options;
    let order = cache.compareItem(item);
    while (order < 0 && !this.wantsBlock) {
      this.withoutScan();
      if (!this.wantsBlock) order = cache.compareItem(item);
    }
    if (this.wantsBlock) return false;
    if (order !== 0) {
      this.settleRun();
      return this.newEntry(scannedEntry(item, head));
    }
    const { fields } = cache;
    const live = proven.isLive(fields);
    const same = live && proven.isProven(fields) && fields.sameStatAs(head);
    if (same && !upkeep.empties(fields)) {
      this.releaseHeld();
      if (this.run === null) output.unchanged(item.directory, item.name, cache.body);
      else this.run.count += 1;
    } else {
      this.settleRun();
      const entry = scannedEntry(item, head);
      if (!same) upkeep.changes(entry.stat);
      if (live && upkeep.empties(fields)) output.rebundle(entry, cache.body);
      else output.read(entry, live ? cache.body : null);
    }
    this.step();
    return true;
  }

  /** Entries that the scan, which has the same blocks, found as they were. False: a block is wanted first. */
  private same({ block, count, firstStart, lastStart, lastDirectory }: SameRun): boolean {
    const { cache, output } = this.options;
    while (!this.wantsBlock && cache.isBefore(block, firstStart)) this.withoutScan();
    if (this.wantsBlock) return false;
    assert(cache.isOn(block, firstStart), 'what the scan found to be the same is met in order');
    this.releaseHeld();
    if (this.run === null) {
      for (let left = count; left > 0; left -= 1) {
        output.unchanged(cache.directory, cache.name, cache.body);
        if (left > 1) cache.step();
      }
    } else {
      this.run.count += count;
      cache.skipTo(lastStart, lastDirectory);
    }
    this.step();
    return true;
  }

  /** False: it has to be looked for in the last run first. */
  private newEntry(entry: ScannedEntry): boolean {
    const { output, knownFiles, upkeep, proven } = this.options;
    if (this.found === null && knownFiles?.mayBe(entry) === true) {
      this.sought = entry;
      return false;
    }
    const body = this.found?.body ?? null;
    this.found = null;
    const fields = body === null ? null : new BodyView(body);
    if (body === null || fields === null || !proven.isLive(fields)) {
      upkeep.changes(entry.stat);
      output.read(entry, null);
    } else if (proven.isProven(fields) && fields.sameStat(entry.stat)) output.moved(entry.directory, entry.name, body);
    else output.readMoved(entry, body);
    return true;
  }

  private step(): void {
    const { cache } = this.options;
    const { run } = this;
    if (cache.step()) return;
    this.wantsBlock = true;
    if (run === null || cache.block === null) return;
    this.run = null;
    const last = { directory: cache.directory, name: cache.name };
    this.held = { block: cache.block, id: run.leaf, first: run.first, last };
    if (!cache.block.endsByCost) this.releaseHeld();
  }

  private releaseHeld(): void {
    const { held } = this;
    if (held === null) return;
    this.held = null;
    this.options.output.unchangedLeaf(held);
  }

  /** The block cannot be taken over: what passed so far, and the block before, is handed out entry by entry. */
  private settleRun(): void {
    const { run, held } = this;
    const { block } = this.options.cache;
    this.run = null;
    this.held = null;
    if (held !== null) this.handOut(held.block, held.block.entries);
    if (run !== null && block !== null) this.handOut(block, run.count);
  }

  private handOut(block: CacheBlock, count: number): void {
    const items = new ItemCursor(block.items);
    for (let index = 0; index < count && items.next(); index += 1) {
      this.options.output.unchanged(items.directory, items.name, items.body);
    }
  }

  private unstated({ directory, name, error }: Extract<ScanEvent, { type: 'unstated' }>): boolean {
    const { cache, output } = this.options;
    if (!this.passBefore(directory, name)) return false;
    output.error(error);
    if (cache.compare(directory, name) !== 0 || error.code === 'entry-vanished') return true;
    this.settleRun();
    if (cache.fields.type === entryTypes.directory) this.carriedBelow.push(pathOf(directory, name));
    this.keepLast();
    this.step();
    return true;
  }

  /** The cache's present entry has no counterpart in the scan. */
  private withoutScan(): void {
    this.settleRun();
    const { cache, output } = this.options;
    const { directory } = cache;
    if (this.carriedBelow.some((carried) => isWithin(directory, carried))) this.keepLast();
    else output.removed(directory, cache.name, cache.body);
    this.step();
  }

  private keepLast(): void {
    const { cache, output } = this.options;
    const { directory, name, body, fields } = cache;
    if (this.options.proven.isLive(fields)) output.carried(directory, name, body);
    else output.removed(directory, name, body);
  }
}
