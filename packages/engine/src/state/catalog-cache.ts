/*
 * The catalog cache: the entries of a job's newest safeset in walk order, with what a status must equal for an entry to be
 * skipped. A flat file that is written and read as a stream:
 *
 *   blocks   one for each leaf of the catalog (cache-block.ts)
 *   note     what else belongs to the record: which chunks at the vault are a copy of this (state-packs/state-chain.ts)
 *   trailer  112 bytes, at the end:
 *     offset  0  magic "TVCC" | u32 version
 *             8  digest of the record that the cache belongs to (32)
 *            40  u32 sequence of that safeset | u32 chunks that the run knew
 *            48  f64 start of that run, ms since 1970
 *            56  f64 start of the last run that read everything, ms since 1970
 *            64  f64 number of entries | f64 bytes of all blocks
 *            80  u32 bytes of the note | zero (4) | first 8 bytes of SHA-256(note)
 *            96  first 16 bytes of SHA-256(the 96 bytes before)
 *
 * Only a cache: it is dropped when anything about it is doubtful, which costs reading the files again.
 */
import { assert, equalBytes, primitives } from '@twinvault/std';
import type { Files, OpenFile } from '@twinvault/std';
import type { Place } from '@twinvault/seal';
import { BodyView } from '../entries/entry-body.ts';
import { ItemWriter } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { entryTypes } from '../source-port.ts';
import { AppendFile } from './append-file.ts';
import { blockBytes, blockHeadBytes, decodeBlock, encodeBlock } from './cache-block.ts';
import type { BlockCounts, BlockLeaf, CacheBlock } from './cache-block.ts';

const version = 3;
const trailerBytes = 112;
const checkedBytes = 96;
const noteBytesMax = 64 * 1024 * 1024;
/** A single entry with a list of a million extents has 44 MB. */
export const cacheBlockBytesMax: number = 512 * 1024 * 1024;
/** Blocks are gathered up to this size before they are appended: each append is made durable. */
const appendBytesAim = 4 * 1024 * 1024;
/** Blocks are read in pieces of this size. */
const readBytesAim = 1024 * 1024;
const magic = [0x54, 0x56, 0x43, 0x43] as const;

export interface CacheIdentity {
  readonly record: Uint8Array;
  readonly sequence: number;
  readonly startMs: number;
  readonly fullReadMs: number;
  /** That the run knew at its end: so many entries the next run's table will have. */
  readonly chunks: number;
  /** Kept as it is. */
  readonly note: Uint8Array;
}

export interface CacheInfo extends CacheIdentity {
  readonly entries: number;
}

/** Writes a new cache beside the old one; `finish` puts it into its place. A failure to write is kept, never thrown. */
export class CacheWriter {
  private readonly path: string;
  private readonly file: AppendFile;
  private readonly items: ItemWriter = new ItemWriter(new PackedWriter(128 * 1024));
  private open: Counting = { ...noCounts };
  private readonly view: BodyView = new BodyView();
  private gathered: Uint8Array[] = [];
  private gatheredBytes = 0;
  private blocksBytes = 0;
  private entries = 0;

  constructor(files: Files, path: string) {
    this.path = path;
    this.file = new AppendFile(files, `${path}.new`);
  }

  /** Why there will be no new cache; null while all is well. */
  get failure(): unknown {
    return this.file.failure;
  }

  /** Entries added since the last block ended. */
  get pending(): number {
    return this.open.entries;
  }

  add({ directory, name }: Place, body: Uint8Array): void {
    this.items.begin(directory, name);
    this.items.writer.bytes(body);
    this.items.end();
    addTo(this.open, this.view.over(body));
  }

  /** The entries added since the last block are those of a leaf; `leaf` is null when it cannot be taken over. */
  endBlock(leaf: BlockLeaf | null): void {
    const counts = this.open;
    if (counts.entries === 0) return;
    this.open = { ...noCounts };
    this.gather(encodeBlock(this.items.flush(), counts, leaf), counts.entries);
  }

  /** A block of the last cache as it is; nothing may be pending. */
  addBlock({ raw, entries }: CacheBlock): void {
    assert(this.pending === 0, 'a block is added between blocks');
    this.gather(raw, entries);
  }

  private gather(block: Uint8Array, entries: number): void {
    this.gathered.push(block);
    this.gatheredBytes += block.length;
    this.blocksBytes += block.length;
    this.entries += entries;
    if (this.gatheredBytes >= appendBytesAim) this.append();
  }

  private append(): void {
    this.file.append(joined(this.gathered, this.gatheredBytes));
    this.gathered = [];
    this.gatheredBytes = 0;
  }

  /** Waits until what was handed over is written, or given up. */
  async drain(): Promise<void> {
    await this.file.drain();
  }

  /** False, and the old cache stays, when the new one could not be written. */
  async finish(identity: CacheIdentity): Promise<boolean> {
    this.endBlock(null);
    this.gathered.push(identity.note, encodeTrailer(identity, this.entries, this.blocksBytes));
    this.gatheredBytes += identity.note.length + trailerBytes;
    this.append();
    return await this.file.publish(this.path);
  }

  async abandon(): Promise<void> {
    await this.file.remove();
  }
}

type Counting = { -readonly [field in keyof BlockCounts]: number };

const noCounts: BlockCounts = { entries: 0, files: 0, directories: 0, others: 0, bytes: 0 };

function addTo(counts: Counting, { type, sizeBytes }: BodyView): void {
  counts.entries += 1;
  if (type === entryTypes.file) {
    counts.files += 1;
    counts.bytes += sizeBytes;
  } else if (type === entryTypes.directory) counts.directories += 1;
  else counts.others += 1;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function encodeTrailer(identity: CacheIdentity, entries: number, blocksBytes: number): Uint8Array {
  assert(identity.record.length === 32, 'a record digest has 32 bytes');
  const trailer = new Uint8Array(trailerBytes);
  const view = new DataView(trailer.buffer);
  trailer.set(magic);
  view.setUint32(4, version, true);
  trailer.set(identity.record, 8);
  view.setUint32(40, identity.sequence, true);
  view.setUint32(44, identity.chunks, true);
  view.setFloat64(48, identity.startMs, true);
  view.setFloat64(56, identity.fullReadMs, true);
  view.setFloat64(64, entries, true);
  view.setFloat64(72, blocksBytes, true);
  view.setUint32(80, identity.note.length, true);
  trailer.set(primitives.sha256(identity.note).subarray(0, 8), 88);
  trailer.set(primitives.sha256(trailer.subarray(0, checkedBytes)).subarray(0, 16), checkedBytes);
  return trailer;
}

/** A whole cache's blocks in order, one at a time. */
export class CacheReader implements AsyncDisposable {
  readonly info: CacheInfo;
  private readonly file: OpenFile;
  private readonly blocksBytes: number;
  private offset = 0;
  private window: Uint8Array = new Uint8Array(0);
  private windowOffset = 0;

  private constructor(file: OpenFile, info: CacheInfo, blocksBytes: number) {
    this.file = file;
    this.info = info;
    this.blocksBytes = blocksBytes;
  }

  /** Null when there is none, or it is of another version or damaged. */
  static async open(files: Files, path: string): Promise<CacheReader | null> {
    const file = await files.open(path);
    if (file === null) return null;
    const reader = await CacheReader.fromFile(file);
    if (reader === null) await file[Symbol.asyncDispose]();
    return reader;
  }

  private static async fromFile(file: OpenFile): Promise<CacheReader | null> {
    if (file.sizeBytes < trailerBytes) return null;
    const trailer = await file.read(file.sizeBytes - trailerBytes, trailerBytes);
    const view = new DataView(trailer.buffer, trailer.byteOffset, trailerBytes);
    if (!magic.every((byte, index) => trailer[index] === byte) || view.getUint32(4, true) !== version) return null;
    const check = primitives.sha256(trailer.subarray(0, checkedBytes)).subarray(0, 16);
    if (!equalBytes(check, trailer.subarray(checkedBytes, trailerBytes))) return null;
    const [blocksBytes, noteBytes] = [view.getFloat64(72, true), view.getUint32(80, true)];
    if (noteBytes > noteBytesMax || blocksBytes + noteBytes !== file.sizeBytes - trailerBytes) return null;
    const note = await file.read(blocksBytes, noteBytes);
    if (!equalBytes(primitives.sha256(note).subarray(0, 8), trailer.subarray(88, 96))) return null;
    const info: CacheInfo = {
      record: trailer.slice(8, 40),
      sequence: view.getUint32(40, true),
      chunks: view.getUint32(44, true),
      startMs: view.getFloat64(48, true),
      fullReadMs: view.getFloat64(56, true),
      entries: view.getFloat64(64, true),
      note,
    };
    return new CacheReader(file, info, blocksBytes);
  }

  /** Where the next block begins. */
  get offsetBytes(): number {
    return this.offset;
  }

  /** The block that began there when it was read in order; the order of reading goes on behind it. */
  async blockAt(offsetBytes: number): Promise<CacheBlock | null> {
    this.offset = offsetBytes;
    if (offsetBytes < this.windowOffset) {
      this.window = new Uint8Array(0);
      this.windowOffset = offsetBytes;
    }
    return await this.nextBlock();
  }

  /** The next block; null at the end, and at one that is damaged: what follows counts as not known. */
  async nextBlock(): Promise<CacheBlock | null> {
    const head = await this.ahead(blockHeadBytes);
    if (head === null) return null;
    const length = blockBytes(head);
    const raw = length > cacheBlockBytesMax ? null : await this.ahead(length);
    const block = raw === null ? null : decodeBlock(raw);
    if (block === null) return this.stop();
    this.offset += length;
    return block;
  }

  /** The next bytes, without going on; null when there are not as many. A view of a window that is never changed. */
  private async ahead(count: number): Promise<Uint8Array | null> {
    if (this.offset + count > this.blocksBytes) return null;
    const start = this.offset - this.windowOffset;
    if (start + count > this.window.length) {
      const wanted = Math.min(Math.max(count, readBytesAim), this.blocksBytes - this.offset);
      this.window = await this.file.read(this.offset, wanted);
      this.windowOffset = this.offset;
      return this.window.subarray(0, count);
    }
    return this.window.subarray(start, start + count);
  }

  private stop(): null {
    this.offset = this.blocksBytes;
    return null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file[Symbol.asyncDispose]();
  }
}
