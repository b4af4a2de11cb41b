/*
 * The catalog cache: the entries of a job's newest safeset in walk order, with what a status must equal for an entry to be
 * skipped. Two files: `catalog`, which is small and replaced as a whole, names the one with the blocks, which never changes. So a run in which
 * nothing changed writes the small one alone.
 *
 *   catalog-<record>   blocks, one for each leaf of the catalog (cache-block.ts); <record>: digest, in hexadecimal, of the record of the run that wrote them
 *   catalog            head of 144 bytes, then the note: what else belongs to the record, which chunks at the vault are a copy of this
 *                      (state-packs/state-chain.ts), then the partial directories: u32 each (scan/partial-directories.ts)
 *     offset  0  magic "TVCC" | u32 version
 *             8  digest of the record that the cache belongs to (32)
 *            40  u32 sequence of that safeset | u32 chunks that the run knew
 *            48  f64 start of that run, ms since 1970
 *            56  f64 start of the last run that read everything, ms since 1970
 *            64  f64 number of entries | f64 bytes of all blocks
 *            80  u32 bytes of the note | u32 number of partial directories, 0xFFFFFFFF: not known | first 8 bytes of SHA-256(note | they)
 *            96  <record> of the file with the blocks (32)
 *           128  first 16 bytes of SHA-256(the 128 bytes before)
 *
 * Only a cache: it is dropped when anything about it is doubtful, which costs reading the files again.
 */
import { assert, concatBytes, equalBytes, primitives, toHex } from '@twinvault/std';
import type { Files, OpenFile } from '@twinvault/std';
import type { Place } from '@twinvault/seal';
import { BodyView } from '../entries/entry-body.ts';
import { ItemWriter } from '../entries/packed-items.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { entryTypes } from '../source-port.ts';
import { AppendFile } from './append-file.ts';
import { blockBytes, blockHeadBytes, decodeBlock, encodeBlock } from './cache-block.ts';
import type { BlockCounts, BlockLeaf, CacheBlock } from './cache-block.ts';

const version = 5;
const headBytes = 144;
const checkedBytes = 128;
const noteBytesMax = 64 * 1024 * 1024;
/** With more, none is known. */
export const partialDirectoriesMax: number = 1024 * 1024;
const partialUnknown = 0xffff_ffff;
const catalogBytesMax = headBytes + noteBytesMax + 4 * partialDirectoriesMax;
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
  /** Hashes of the directories of which something was left out, in any order; null: not known of any. */
  readonly partial: Uint32Array | null;
}

export interface CacheInfo extends CacheIdentity {
  readonly entries: number;
}

/** Writes a new cache beside the old one; `finish` puts it into its place. A failure to write is kept, never thrown. */
export class CacheWriter {
  private readonly files: Files;
  private readonly path: string;
  private readonly file: AppendFile;
  /** The last cache while all blocks so far are its own, from the first on: nothing is written yet. */
  private last: CacheReader | null;
  private readonly items: ItemWriter = new ItemWriter(new PackedWriter(128 * 1024));
  private open: Counting = { ...noCounts };
  private readonly view: BodyView = new BodyView();
  private gathered: Uint8Array[] = [];
  private gatheredBytes = 0;
  private blocksBytes = 0;
  private entries = 0;

  /** `last`: the cache that stands there, which blocks may be taken over from; it stays open until `finish` or `abandon`. */
  constructor(files: Files, path: string, last: CacheReader | null = null) {
    this.files = files;
    this.path = path;
    this.last = last;
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
    this.leaveLast();
    this.gather(encodeBlock(this.items.flush(), counts, leaf), counts.entries);
  }

  /** A block of the last cache as it is; nothing may be pending. */
  addBlock({ raw, entries, startBytes }: CacheBlock): void {
    assert(this.pending === 0, 'a block is added between blocks');
    if (this.last !== null && startBytes === this.blocksBytes) {
      this.blocksBytes += raw.length;
      this.entries += entries;
      return;
    }
    this.leaveLast();
    this.gather(raw, entries);
  }

  /** From here on it is another cache than the last: what they have in common is copied. */
  private leaveLast(): void {
    this.last?.copyTo(this.file, this.blocksBytes);
    this.last = null;
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
    if (this.blocksBytes !== this.last?.blocksBytes) this.leaveLast();
    const { last, path, files, entries, blocksBytes } = this;
    const blocks = last?.blocks ?? identity.record;
    if (last === null) {
      if (this.gatheredBytes > 0 || blocksBytes === 0) this.append();
      if (!(await this.file.publish(blocksPath(path, blocks)))) return false;
    }
    const head = encodeHead(identity, { entries, blocksBytes, blocks });
    if (!(await this.file.attempt(async () => await files.replace(path, [head, ...notesOf(identity)])))) return false;
    if (last === null) await this.file.attempt(async () => await removeBlocks(files, path, blocks));
    return true;
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

function blocksPath(path: string, record: Uint8Array): string {
  return `${path}-${toHex(record)}`;
}

/** Of earlier caches, and of one whose run was killed between its last two steps. */
async function removeBlocks(files: Files, path: string, kept: Uint8Array): Promise<void> {
  const slash = path.lastIndexOf('/');
  const folder = path.slice(0, slash);
  for (const { name } of await files.list(folder)) {
    const other = `${folder}/${name}`;
    if (other.startsWith(`${path}-`) && other !== blocksPath(path, kept)) await files.remove(other);
  }
}

interface BlocksFile {
  readonly entries: number;
  readonly blocksBytes: number;
  /** Whose run wrote it. */
  readonly blocks: Uint8Array;
}

/** What stands behind the head. */
function notesOf({ note, partial }: CacheIdentity): [note: Uint8Array, partial: Uint8Array] {
  if (partial === null) return [note, new Uint8Array(0)];
  assert(partial.length <= partialDirectoriesMax, 'partial directories are few, or not known');
  const bytes = new Uint8Array(4 * partial.length);
  const view = new DataView(bytes.buffer);
  for (const [index, hash] of partial.entries()) view.setUint32(4 * index, hash, true);
  return [note, bytes];
}

function encodeHead(identity: CacheIdentity, { entries, blocksBytes, blocks }: BlocksFile): Uint8Array {
  assert(identity.record.length === 32, 'a record digest has 32 bytes');
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  head.set(magic);
  view.setUint32(4, version, true);
  head.set(identity.record, 8);
  view.setUint32(40, identity.sequence, true);
  view.setUint32(44, identity.chunks, true);
  view.setFloat64(48, identity.startMs, true);
  view.setFloat64(56, identity.fullReadMs, true);
  view.setFloat64(64, entries, true);
  view.setFloat64(72, blocksBytes, true);
  view.setUint32(80, identity.note.length, true);
  view.setUint32(84, identity.partial?.length ?? partialUnknown, true);
  head.set(primitives.sha256(concatBytes(...notesOf(identity))).subarray(0, 8), 88);
  head.set(blocks, 96);
  head.set(primitives.sha256(head.subarray(0, checkedBytes)).subarray(0, 16), checkedBytes);
  return head;
}

interface ParsedHead extends BlocksFile {
  readonly info: CacheInfo;
}

/** Null: of another version, or damaged. */
function parseHead(bytes: Uint8Array): ParsedHead | null {
  if (bytes.length < headBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  if (!magic.every((byte, index) => bytes[index] === byte) || view.getUint32(4, true) !== version) return null;
  const check = primitives.sha256(bytes.subarray(0, checkedBytes)).subarray(0, 16);
  if (!equalBytes(check, bytes.subarray(checkedBytes, headBytes))) return null;
  const notes = bytes.subarray(headBytes);
  const noteLength = view.getUint32(80, true);
  const partialCount = view.getUint32(84, true);
  const partialBytes = partialCount === partialUnknown ? 0 : 4 * partialCount;
  if (notes.length !== noteLength + partialBytes) return null;
  if (!equalBytes(primitives.sha256(notes).subarray(0, 8), bytes.subarray(88, 96))) return null;
  const entries = view.getFloat64(64, true);
  const info: CacheInfo = {
    record: bytes.slice(8, 40),
    sequence: view.getUint32(40, true),
    chunks: view.getUint32(44, true),
    startMs: view.getFloat64(48, true),
    fullReadMs: view.getFloat64(56, true),
    entries,
    note: notes.slice(0, noteLength),
    partial: partialCount === partialUnknown ? null : partialOf(notes.subarray(noteLength)),
  };
  return { info, entries, blocksBytes: view.getFloat64(72, true), blocks: bytes.slice(96, checkedBytes) };
}

function partialOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}

/** A whole cache's blocks in order, one at a time. */
export class CacheReader implements AsyncDisposable {
  readonly info: CacheInfo;
  /** Digest of the record of the run that wrote the blocks. */
  readonly blocks: Uint8Array;
  readonly blocksBytes: number;
  private readonly file: OpenFile;
  private offset = 0;
  private window: Uint8Array = new Uint8Array(0);
  private windowOffset = 0;

  private constructor(file: OpenFile, { info, blocks, blocksBytes }: ParsedHead) {
    this.file = file;
    this.info = info;
    this.blocks = blocks;
    this.blocksBytes = blocksBytes;
  }

  /** Null when there is none, or it is of another version or damaged. */
  static async open(files: Files, path: string): Promise<CacheReader | null> {
    const size = (await files.stat(path))?.sizeBytes ?? 0;
    const bytes = size > catalogBytesMax ? null : await files.read(path, catalogBytesMax);
    const head = bytes === null ? null : parseHead(bytes);
    if (head === null) return null;
    const file = await files.open(blocksPath(path, head.blocks));
    if (file === null) return null;
    if (file.sizeBytes === head.blocksBytes) return new CacheReader(file, head);
    await file[Symbol.asyncDispose]();
    return null;
  }

  /** The first blocks as they are; the reader must not be closed before the file was drained. */
  copyTo(file: AppendFile, count: number): void {
    file.copy(this.file, count);
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
    const block = raw === null ? null : decodeBlock(raw, this.offset);
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
