/*
 * Files of the last run by device and inode, to know one again that the scan meets under another path: moved along with its
 * folder it is the same in everything and is not read; renamed by itself it is read, but compared with what it had.
 *
 * Nothing is made before the first file asks for it; then the cache is read through once. Eight bytes for each slot: 32 bits of
 * a hash of device and inode, and the number of the block of the cache that has the entry.
 */
import { bundledBytesMax } from '@twinvault/seal';
import { BodyView, inodeHash } from '../entries/entry-body.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryStat } from '../source-port.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { CacheReader } from '../state/catalog-cache.ts';

/** With more entries nothing is looked for: the table would take 90 MB. */
export const movedEntriesMax = 8_000_000;
const fullShare = 3 / 4;

export class MovedFiles implements AsyncDisposable {
  private readonly open: () => Promise<CacheReader | null>;
  private reader: CacheReader | null = null;
  private state: 'unmade' | 'made' | 'none' = 'unmade';
  private hashes = new Uint32Array(0);
  private blocks = new Uint32Array(0);
  private offsets: number[] = [];
  private near: { readonly number: number; readonly block: CacheBlock } | null = null;
  private readonly startSeconds: number;

  /** `open`: a reader of its own on the last cache; `startMs`: when that run began. */
  constructor(open: () => Promise<CacheReader | null>, startMs: number) {
    this.open = open;
    this.startSeconds = startMs / 1000;
  }

  /**
   * Whether a file under a new path may be one of the last run's. One that was moved along with its folder keeps both times; one
   * that was renamed gets a new ctime: only of a large one there is more to win than reading it costs.
   */
  mayBe({ type, sizeBytes, mtimeSeconds, ctimeSeconds }: EntryStat): boolean {
    if (this.state === 'none' || type !== entryTypes.file || sizeBytes === 0 || mtimeSeconds >= this.startSeconds) return false;
    return ctimeSeconds < this.startSeconds || sizeBytes >= bundledBytesMax;
  }

  /** Body of the entry of this inode with this size and mtime; null when there is none. */
  async find(stat: EntryStat): Promise<Uint8Array | null> {
    if (this.state === 'unmade') this.state = (await this.make()) ? 'made' : 'none';
    if (this.state === 'none') return null;
    const hash = inodeHash(stat);
    for (let slot = this.slotOf(hash); this.hashes[slot] !== 0; slot = this.next(slot)) {
      if (this.hashes[slot] !== hash) continue;
      const block = await this.blockAt(this.blocks[slot] ?? 0);
      const body = block === null ? null : bodyIn(block, stat);
      if (body !== null) return body;
    }
    return null;
  }

  private async make(): Promise<boolean> {
    const reader = await this.open();
    this.reader = reader;
    if (reader === null || reader.info.entries > movedEntriesMax) return false;
    const slots = Math.ceil(reader.info.entries / fullShare) + 1;
    this.hashes = new Uint32Array(slots);
    this.blocks = new Uint32Array(slots);
    let left = Math.floor(slots * fullShare);
    for (let at = reader.offsetBytes, block = await reader.nextBlock(); block !== null; block = await reader.nextBlock()) {
      const number = this.offsets.push(at) - 1;
      at = reader.offsetBytes;
      const items = new ItemCursor(block.items);
      const view = new BodyView(block.items);
      while (items.next()) {
        view.at(items.bodyStart);
        if (view.type === entryTypes.file && view.extentCount > 0 && left-- > 0) this.insert(view.inodeHash, number);
      }
    }
    return true;
  }

  private insert(hash: number, block: number): void {
    let slot = this.slotOf(hash);
    while (this.hashes[slot] !== 0) slot = this.next(slot);
    this.hashes[slot] = hash;
    this.blocks[slot] = block;
  }

  private slotOf(hash: number): number {
    return Math.floor((hash / 0x1_0000_0000) * this.hashes.length);
  }

  private next(slot: number): number {
    return slot + 1 === this.hashes.length ? 0 : slot + 1;
  }

  /** Files that were moved together mostly lie together in the cache. */
  private async blockAt(number: number): Promise<CacheBlock | null> {
    if (this.near?.number === number) return this.near.block;
    const offset = this.offsets[number];
    if (this.reader === null || offset === undefined) return null;
    const block = await this.reader.blockAt(offset);
    if (block !== null) this.near = { number, block };
    return block;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader?.[Symbol.asyncDispose]();
  }
}

function bodyIn({ items }: CacheBlock, stat: EntryStat): Uint8Array | null {
  const cursor = new ItemCursor(items);
  const view = new BodyView(items);
  while (cursor.next()) {
    view.at(cursor.bodyStart);
    if (view.type !== entryTypes.file || !view.sameInode(stat) || view.sizeBytes !== stat.sizeBytes) continue;
    if (view.mtimeSeconds === stat.mtimeSeconds && view.mtimeNanos === stat.mtimeNanos) return cursor.body;
  }
  return null;
}
