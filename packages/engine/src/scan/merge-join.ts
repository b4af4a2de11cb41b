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
  removed(directory: Uint8Array, name: Uint8Array): void;
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

  constructor(options: JoinOptions) {
    this.options = options;
  }

  async event(event: ScanEvent): Promise<void> {
    switch (event.type) {
      case 'entry':
        await this.entry(event.entry);
        return;
      case 'unlisted':
        this.options.output.error(event.error);
        // A directory that went away between its parent's listing and its own took everything below along.
        if (event.error.code !== 'entry-vanished') this.carriedBelow.push(event.directory);
        return;
      case 'unstated':
        await this.unstated(event);
    }
  }

  /** The rest of the cache, after the scan's last event. */
  async finish(): Promise<void> {
    const { cache } = this.options;
    while (!cache.ended) await this.withoutScan();
  }

  private async entry(entry: ScannedEntry): Promise<void> {
    const { directory, name, stat } = entry;
    const { cache, output } = this.options;
    let order = cache.compare(directory, name);
    while (order < 0) {
      await this.withoutScan();
      order = cache.compare(directory, name);
    }
    if (order > 0) return output.read(entry, null);
    const { fields, body } = cache;
    const live = this.live(fields);
    if (live && this.proven(fields) && fields.sameStat(stat)) output.unchanged(directory, name, body);
    else output.read(entry, live ? body : null);
    if (!cache.step()) await cache.load();
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

  private async unstated({ directory, name, error }: Extract<ScanEvent, { type: 'unstated' }>): Promise<void> {
    const { cache, output } = this.options;
    output.error(error);
    while (cache.compare(directory, name) < 0) await this.withoutScan();
    if (cache.compare(directory, name) !== 0 || error.code === 'entry-vanished') return;
    if (cache.fields.type === entryTypes.directory) this.carriedBelow.push(pathOf(directory, name));
    this.keepLast();
    if (!cache.step()) await cache.load();
  }

  /** The cache's present entry has no counterpart in the scan. */
  private async withoutScan(): Promise<void> {
    const { cache, output } = this.options;
    const { directory } = cache;
    if (this.carriedBelow.some((carried) => isWithin(directory, carried))) this.keepLast();
    else output.removed(directory, cache.name);
    if (!cache.step()) await cache.load();
  }

  private keepLast(): void {
    const { cache, output } = this.options;
    const { directory, name, body, fields } = cache;
    if (this.live(fields)) output.carried(directory, name, body);
    else output.removed(directory, name);
  }
}
