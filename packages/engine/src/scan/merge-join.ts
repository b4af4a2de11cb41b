/*
 * Scan and cache, both in key order, joined: an entry whose status is that of the last run, and whose chunks are all at the
 * vault, passes as it is; others are to be read. What only the cache has was removed, unless it lies where the scan could
 * not look: that keeps its last version.
 */
import type { ChunkTable } from '../dedup/chunk-table.ts';
import { marks } from '../entries/entry-body.ts';
import type { BodyView } from '../entries/entry-body.ts';
import { isWithin, pathOf } from '../entries/entry-keys.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryError, ScanEvent, ScannedEntry } from '../source-port.ts';
import type { CacheCursor } from './cache-cursor.ts';

/** What comes out, in key order. */
export interface JoinOutput {
  unchanged(directory: Uint8Array, name: Uint8Array, body: Uint8Array): void;
  /** `last`: body of the last version, when all its chunks are at the vault. */
  read(entry: ScannedEntry, last: Uint8Array | null): void;
  /** The last version stays, since the entry could not be looked at. */
  carried(directory: Uint8Array, name: Uint8Array, last: Uint8Array): void;
  removed(directory: Uint8Array, name: Uint8Array, last: Uint8Array): void;
  error(error: EntryError): void;
}

export interface JoinOptions {
  readonly cache: CacheCursor;
  readonly table: ChunkTable;
  readonly output: JoinOutput;
  /** Entries whose times are not older than this prove nothing; null: read everything. */
  readonly provenBefore: { readonly seconds: number; readonly nanos: number } | null;
}

export class MergeJoin {
  private readonly options: JoinOptions;
  /** Directories at or below which the last versions are carried. */
  private readonly carriedBelow: Uint8Array[] = [];
  private lastLiveId: Uint8Array | null = null;
  /** The cache's block is used up: nothing is known of what follows until the next is loaded. */
  private wantsBlock = false;

  constructor(options: JoinOptions) {
    this.options = options;
  }

  /** Takes events until one needs the next block of the cache; the number taken. Then await `load` and go on. */
  take(events: readonly ScanEvent[], from: number): number {
    let taken = from;
    while (taken < events.length && !this.wantsBlock) {
      const event = events[taken];
      if (event === undefined || !this.event(event)) break;
      taken += 1;
    }
    return taken - from;
  }

  async load(): Promise<void> {
    await this.options.cache.load();
    this.wantsBlock = false;
  }

  /** The rest of the cache, after the scan's last event. */
  async finish(): Promise<void> {
    for (;;) {
      if (this.wantsBlock) await this.load();
      if (this.options.cache.ended) return;
      this.withoutScan();
    }
  }

  /** False: a block is wanted first, then the same event again. */
  private event(event: ScanEvent): boolean {
    switch (event.type) {
      case 'entry':
        return this.entry(event.entry);
      case 'unlisted':
        this.options.output.error(event.error);
        // A directory that went away between its parent's listing and its own took everything below along.
        if (event.error.code !== 'entry-vanished') this.carriedBelow.push(event.directory);
        return true;
      case 'unstated':
        return this.unstated(event);
    }
  }

  /** Passes what the cache has before the key. False: a block is wanted first. */
  private passBefore(directory: Uint8Array, name: Uint8Array): boolean {
    while (!this.wantsBlock && this.options.cache.compare(directory, name) < 0) this.withoutScan();
    return !this.wantsBlock;
  }

  private entry(entry: ScannedEntry): boolean {
    const { directory, name, stat } = entry;
    const { cache, output } = this.options;
    if (!this.passBefore(directory, name)) return false;
    if (cache.compare(directory, name) !== 0) {
      output.read(entry, null);
      return true;
    }
    const { fields, body } = cache;
    const live = this.live(fields);
    if (live && this.proven(fields) && fields.sameStat(stat)) output.unchanged(directory, name, body);
    else output.read(entry, live ? body : null);
    this.step();
    return true;
  }

  private step(): void {
    this.wantsBlock = !this.options.cache.step();
  }

  private proven(fields: BodyView): boolean {
    const { provenBefore } = this.options;
    if (provenBefore === null) return false;
    if ((fields.marks & (marks.torn | marks.unread | marks.carried)) !== 0) return false;
    return fields.olderThan(provenBefore.seconds, provenBefore.nanos);
  }

  private live(fields: BodyView): boolean {
    const { table } = this.options;
    for (let index = 0; index < fields.extentCount; index += 1) {
      const id = fields.extentId(index);
      if (id === null || this.sameAsLast(id)) continue;
      if (!table.has(id)) return false;
      this.lastLiveId = id;
    }
    return true;
  }

  /** Neighbours share their bundle, which saves most look-ups. */
  private sameAsLast(id: Uint8Array): boolean {
    const last = this.lastLiveId;
    if (last === null) return false;
    for (let index = 0; index < id.length; index += 1) if (id[index] !== last[index]) return false;
    return true;
  }

  private unstated({ directory, name, error }: Extract<ScanEvent, { type: 'unstated' }>): boolean {
    const { cache, output } = this.options;
    if (!this.passBefore(directory, name)) return false;
    output.error(error);
    if (cache.compare(directory, name) !== 0 || error.code === 'entry-vanished') return true;
    if (cache.fields.type === entryTypes.directory) this.carriedBelow.push(pathOf(directory, name));
    this.keepLast();
    this.step();
    return true;
  }

  /** The cache's present entry has no counterpart in the scan. */
  private withoutScan(): void {
    const { cache, output } = this.options;
    const { directory } = cache;
    if (this.carriedBelow.some((carried) => isWithin(directory, carried))) this.keepLast();
    else output.removed(directory, cache.name, cache.body);
    this.step();
  }

  private keepLast(): void {
    const { cache, output } = this.options;
    const { directory, name, body, fields } = cache;
    if (this.live(fields)) output.carried(directory, name, body);
    else output.removed(directory, name, body);
  }
}
