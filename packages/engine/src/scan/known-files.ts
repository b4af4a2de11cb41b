/*
 * Files of the last run, to know one again that the scan meets under another path. By device and inode: moved along with its folder it is the same in
 * everything and is not read; renamed by itself it is read, but compared with what it had. A small file by its folder's name, its own and its size, or by
 * the latter two alone: copied along with its folder it is read and compared, and where the tag of its content is the same, nothing is stored.
 *
 * Nothing is made before files ask for it that are worth it; then the cache is read through once.
 */
import { bundledBytesMax } from '@twinvault/seal';
import { BodyView, inodeHash } from '../entries/entry-body.ts';
import { nameHash } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import { entryTypes } from '../source-port.ts';
import type { EntryStat, ScannedEntry } from '../source-port.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { CacheReader } from '../state/catalog-cache.ts';
import { BlockTable } from './block-table.ts';

/** With more entries nothing is looked for: the table of inodes would take 90 MB. */
export const knownEntriesMax = 8_000_000;
/** With more entries no copies are looked for: the table of names would take 45 MB. */
export const copiedEntriesMax = 2_000_000;
/** Of the last run's entries, the share that has to be new before copies are looked for: reading the cache costs as much as storing these. */
const newShareMin: number = 1 / 256;

export class KnownFiles implements AsyncDisposable {
  private readonly open: () => Promise<CacheReader | null>;
  private readonly startSeconds: number;
  private readonly entries: number;
  private reader: CacheReader | null = null;
  private state: 'unmade' | 'made' | 'none' = 'unmade';
  private byInode = new BlockTable(0);
  /** Small files; of those that are equal in what is hashed the first. */
  private byName = new BlockTable(0);
  private offsets: number[] = [];
  private near: { readonly number: number; readonly block: CacheBlock } | null = null;
  private newFiles = 0;

  /** `open`: a reader of its own on the last cache; `startMs`: when that run began. */
  constructor(
    open: () => Promise<CacheReader | null>,
    { startMs, entries }: { readonly startMs: number; readonly entries: number },
  ) {
    this.open = open;
    this.startSeconds = startMs / 1000;
    this.entries = entries;
    if (entries > knownEntriesMax) this.state = 'none';
  }

  /** Whether a file under a new path, asked about once, may be one of the last run's, or a copy of one. */
  mayBe(entry: ScannedEntry): boolean {
    const { stat } = entry;
    if (this.state === 'none' || stat.type !== entryTypes.file || stat.sizeBytes === 0) return false;
    this.newFiles += 1;
    if (this.state === 'unmade') return this.mayBeMoved(stat) || this.mayBeCopy(stat);
    if (this.mayBeMoved(stat) && this.byInode.has(inodeHash(stat))) return true;
    return this.mayBeCopy(stat) && placeHashes(entry).some((hash) => this.byName.has(hash));
  }

  /**
   * One that was moved along with its folder keeps both times; one that was renamed gets a new ctime: only of a large one there is
   * more to win than reading it costs.
   */
  private mayBeMoved({ sizeBytes, mtimeSeconds, ctimeSeconds }: EntryStat): boolean {
    return mtimeSeconds < this.startSeconds && (ctimeSeconds < this.startSeconds || sizeBytes >= bundledBytesMax);
  }

  /** Chunks of large files are found by their ids. */
  private mayBeCopy({ sizeBytes }: EntryStat): boolean {
    if (sizeBytes >= bundledBytesMax || this.entries > copiedEntriesMax) return false;
    return this.state === 'made' || this.newFiles > this.entries * newShareMin;
  }

  /** Body of the entry of this inode with this size and mtime, or of a small one with this name and size; null when there is none. */
  async find(entry: ScannedEntry): Promise<Uint8Array | null> {
    const { name, stat } = entry;
    if (this.state === 'unmade') this.state = (await this.make()) ? 'made' : 'none';
    if (this.state === 'none') return null;
    const moved = this.mayBeMoved(stat) ? await this.first(this.byInode, inodeHash(stat), (block) => movedIn(block, stat)) : null;
    if (moved !== null || !this.mayBeCopy(stat)) return moved;
    for (const hash of placeHashes(entry)) {
      const body = await this.first(this.byName, hash, (block) => copiedIn(block, { name, sizeBytes: stat.sizeBytes, hash }));
      if (body !== null) return body;
    }
    return null;
  }

  private async first(
    table: BlockTable,
    hash: number,
    bodyIn: (block: CacheBlock) => Uint8Array | null,
  ): Promise<Uint8Array | null> {
    for (const number of table.blocksOf(hash)) {
      const block = await this.blockAt(number);
      const body = block === null ? null : bodyIn(block);
      if (body !== null) return body;
    }
    return null;
  }

  private async make(): Promise<boolean> {
    const reader = await this.open();
    this.reader = reader;
    if (reader === null || reader.info.entries > knownEntriesMax) return false;
    this.byInode = new BlockTable(reader.info.entries);
    this.byName = new BlockTable(reader.info.entries > copiedEntriesMax ? 0 : 2 * reader.info.entries);
    for (let at = reader.offsetBytes, block = await reader.nextBlock(); block !== null; block = await reader.nextBlock()) {
      const number = this.offsets.push(at) - 1;
      at = reader.offsetBytes;
      const items = new ItemCursor(block.items);
      const view = new BodyView(block.items);
      while (items.next()) {
        view.at(items.bodyStart);
        if (view.type !== entryTypes.file || view.extentCount === 0) continue;
        this.byInode.add(view.inodeHash, number);
        if (this.byName.isFull || !isOnePiece(view)) continue;
        for (const hash of hashesOf(items, view.sizeBytes)) if (!this.byName.has(hash)) this.byName.add(hash, number);
      }
    }
    return true;
  }

  /** Files that were moved or copied together mostly lie together in the cache. */
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

/** A small file whose content can be told by its tag and taken over as it is. */
function isOnePiece(view: BodyView): boolean {
  return view.extentCount === 1 && view.extentLength(0) === view.sizeBytes && view.hasTag;
}

/** Of folder, name and size, and of name and size. */
function placeHashes({ directory, name, stat }: ScannedEntry): readonly [number, number] {
  const own = nameHash(name);
  return [placeHash(own ^ folderHash(directory), stat.sizeBytes), placeHash(own, stat.sizeBytes)];
}

/** The same of an entry of the cache. */
function hashesOf({ directory, nameHash: own }: ItemCursor, sizeBytes: number): readonly [number, number] {
  return [placeHash(own ^ folderHash(directory), sizeBytes), placeHash(own, sizeBytes)];
}

/** Of the last component of a path. */
function folderHash(directory: Uint8Array): number {
  return nameHash(directory, directory.lastIndexOf(0) + 1) >>> 1;
}

/** MurmurHash3's last step over both; never 0. */
function placeHash(name: number, sizeBytes: number): number {
  let hash = Math.imul(name ^ sizeBytes, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0 || 1;
}

function movedIn({ items }: CacheBlock, stat: EntryStat): Uint8Array | null {
  const cursor = new ItemCursor(items);
  const view = new BodyView(items);
  while (cursor.next()) {
    view.at(cursor.bodyStart);
    if (view.type !== entryTypes.file || !view.sameInode(stat) || view.sizeBytes !== stat.sizeBytes) continue;
    if (view.mtimeSeconds === stat.mtimeSeconds && view.mtimeNanos === stat.mtimeNanos) return cursor.body;
  }
  return null;
}

interface Copied {
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  /** One of its two. */
  readonly hash: number;
}

function copiedIn({ items }: CacheBlock, { name, sizeBytes, hash }: Copied): Uint8Array | null {
  const cursor = new ItemCursor(items);
  const view = new BodyView(items);
  while (cursor.next()) {
    view.at(cursor.bodyStart);
    if (view.type !== entryTypes.file || view.sizeBytes !== sizeBytes || !isOnePiece(view)) continue;
    if (cursor.compareName(name) === 0 && hashesOf(cursor, sizeBytes).includes(hash)) return cursor.body;
  }
  return null;
}
