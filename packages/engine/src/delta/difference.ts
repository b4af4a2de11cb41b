/*
 * The difference between two versions of a large file's content: runs of the old list of extents are named by their pages,
 * what is new is carried, hashes and all (docs/format/delta.md, "State packs"). About 30 bytes for a page that changed. It comes in
 * parts, each of which goes on where the one before ended, so that no version is ever held whole.
 *
 *   varint number of ids | ids | varint number of new pages | their hashes (20 each), in order | varint number of steps | steps
 *   step: varint 0 | varint length                      a hole
 *         varint 1 | varint index in ids | varint offset in the chunk | varint length | varint bytes of the chunk
 *                  | varint bytes of the first page     a new extent
 *         varint n + 1 | svarint page                   n pages of the old version; the page is counted from the one after the last run
 *
 * Invariant: what `DifferenceReader` gives for the old version is the new one, extent by extent and hash by hash.
 */
import { ByteReader, ByteWriter, StdError, toHex } from '@twinvault/std';
import { pageBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import { ExtentList } from '../entries/entry-body.ts';
import { ChunkIndex } from './chunk-index.ts';
import { OldVersion } from './old-version.ts';
import { SegmentReader } from './segment-reader.ts';
import type { Signature } from './signature.ts';
import { VersionWriter } from './version-writer.ts';
import type { SegmentSink, WrittenPiece, WrittenVersion } from './version-writer.ts';

const idBytes = 32;
/** Of one page. */
const hashBytes: number = 4 * wordsPerPage;
/** Extents of the old list that are looked at before the index of all is made. */
const neighboursMax = 8;
/** A part ends when so much of it is there; one extent more has at most 41 KB of hashes. */
const partBytesAim: number = 1024 * 1024;
export const differencePartBytesMax: number = 2 * partBytesAim;

/** Where segments of both versions are read. */
export type LoadSegment = (name: Uint8Array) => Uint8Array | null;

interface NewExtent extends WrittenPiece {
  readonly id: Uint8Array;
}

/** Part by part; `before` null: all of it is new. */
export function encodeDifference(
  before: Signature | null,
  after: Signature,
  load: LoadSegment,
): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
  return new Encoder(before, after, load).parts();
}

class Encoder {
  private readonly after: Signature;
  private readonly words: SegmentReader;
  private readonly old: OldVersion | null;
  private part = new Part();
  private run = { page: 0, pages: 0 };
  /** The page after the last run. */
  private expected = 0;
  private near = 0;
  private index: ChunkIndex | null = null;

  constructor(before: Signature | null, after: Signature, load: LoadSegment) {
    this.old = before === null ? null : new OldVersion(before);
    this.after = after;
    this.words = new SegmentReader(after, load);
  }

  *parts(): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    const { pieces } = this.after;
    const list = new ExtentList(this.after.list);
    let [stored, page] = [0, 0];
    for (let index = 0; index < list.count; index += 1) {
      const lengthBytes = list.lengthBytes(index);
      if (list.isHole(index)) {
        this.endRun();
        this.part.step(0).varint(lengthBytes);
      } else {
        const [chunkBytes = 0, leadBytes = pageBytes] = pieces.subarray(2 * stored, 2 * stored + 2);
        const extent = { id: list.id(index), offsetBytes: list.offsetBytes(index), lengthBytes, chunkBytes, leadBytes };
        const pages = pagesOf(lengthBytes, leadBytes);
        const from = this.oldPageOf(extent);
        if (from === null) this.carry(extent, page);
        else this.take(from, pages);
        stored += 1;
        page += pages;
      }
      if (this.part.bytes >= partBytesAim) yield this.endPart();
    }
    this.endRun();
    this.words.end();
    if (this.part.bytes > 0) yield this.endPart();
  }

  private endPart(): Uint8Array<ArrayBuffer> {
    const bytes = this.part.finish();
    this.part = new Part();
    return bytes;
  }

  private take(page: number, pages: number): void {
    const { run, old } = this;
    // Within one old extent a run goes on as one extent: where the new list has two, it ends.
    const follows = run.pages > 0 && run.page + run.pages === page;
    if (follows && old?.firstPage(old.extentOf(page)) === page) {
      run.pages += pages;
      return;
    }
    this.endRun();
    this.run = { page, pages };
  }

  private endRun(): void {
    const { page, pages } = this.run;
    if (pages === 0) return;
    this.part.step(pages + 1).svarint(page - this.expected);
    this.expected = page + pages;
    this.run = { page: 0, pages: 0 };
  }

  private carry({ id, offsetBytes, lengthBytes, chunkBytes, leadBytes }: NewExtent, page: number): void {
    this.endRun();
    const { part } = this;
    const index = part.indexOf(id);
    part.step(1).varint(index).varint(offsetBytes).varint(lengthBytes).varint(chunkBytes).varint(leadBytes);
    this.words.read(page, pagesOf(lengthBytes, leadBytes), (words, from, count) => part.addHashes(words, from, count));
  }

  /** First page of the old version's that the extent is made of, whole pages all; null when it is not. */
  private oldPageOf(extent: NewExtent): number | null {
    const { old } = this;
    if (old === null) return null;
    for (let index = this.near; index < Math.min(this.near + neighboursMax, old.extentCount); index += 1) {
      const page = pageIn(old, index, extent);
      if (page === null) continue;
      this.near = index;
      return page;
    }
    this.index ??= new ChunkIndex(old);
    for (const index of this.index.extentsIn(extent.id)) {
      const page = pageIn(old, index, extent);
      if (page === null) continue;
      this.near = index;
      return page;
    }
    return null;
  }
}

/** What of a difference is held while it is made. */
class Part {
  private readonly ids = new Map<string, number>();
  private readonly idList: Uint8Array[] = [];
  private readonly steps = new ByteWriter();
  private readonly hashes = new ByteWriter();
  private stepCount = 0;

  get bytes(): number {
    return this.steps.length + this.hashes.length + idBytes * this.idList.length;
  }

  step(code: number): ByteWriter {
    this.stepCount += 1;
    return this.steps.varint(code);
  }

  indexOf(id: Uint8Array): number {
    const name = toHex(id);
    const index = this.ids.get(name) ?? this.idList.length;
    if (index === this.idList.length) this.idList.push(id);
    this.ids.set(name, index);
    return index;
  }

  addHashes(words: Uint32Array, page: number, count: number): void {
    this.hashes.bytes(new Uint8Array(words.buffer, words.byteOffset + hashBytes * page, hashBytes * count));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(this.bytes + 16);
    out.varint(this.idList.length);
    for (const id of this.idList) out.bytes(id);
    const hashes = this.hashes.finish();
    out.varint(hashes.length / hashBytes).bytes(hashes);
    return out.varint(this.stepCount).bytes(this.steps.finish()).finish();
  }
}

/** The old extent's page at which the new extent begins, if its pages are that extent's; else null. */
function pageIn(old: OldVersion, index: number, next: NewExtent): number | null {
  const [lengthBytes, leadBytes] = [old.lengthBytes(index), old.leadBytes(index)];
  const from = next.offsetBytes - old.offsetBytes(index);
  const to = from + next.lengthBytes;
  if (from < 0 || to > lengthBytes || !sameId(old.id(index), next.id) || old.chunkBytes(index) !== next.chunkBytes) return null;
  const isBorder = (at: number): boolean =>
    at === 0 || at === lengthBytes || (at >= leadBytes && (at - leadBytes) % pageBytes === 0);
  if (!isBorder(from) || !isBorder(to)) return null;
  if (next.leadBytes !== (from === 0 ? leadBytes : pageBytes)) return null;
  return old.firstPage(index) + (from === 0 ? 0 : 1 + (from - leadBytes) / pageBytes);
}

function sameId(a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 0; index < idBytes; index += 1) if (a[index] !== b[index]) return false;
  return true;
}

export interface DifferenceReaderOptions {
  /** Null: of the difference to nothing. */
  readonly before: Signature | null;
  readonly load: LoadSegment;
  /** Takes the segments of the new version. */
  readonly sink: SegmentSink;
  /** Of the new version's content: a difference that gives more is none. */
  readonly sizeBytes: number;
  readonly segmentBits?: number;
}

/** Puts the new version together from the old one and the parts of their difference. */
export class DifferenceReader {
  private readonly old: OldVersion | null;
  private readonly words: SegmentReader | null;
  private readonly writer: VersionWriter;
  private readonly sizeBytes: number;
  private expected = 0;

  constructor({ before, load, sink, sizeBytes, segmentBits }: DifferenceReaderOptions) {
    this.old = before === null ? null : new OldVersion(before);
    this.words = before === null ? null : new SegmentReader(before, load);
    this.writer = new VersionWriter(sink, segmentBits);
    this.sizeBytes = sizeBytes;
  }

  /** False: these bytes are no part of a difference to the old version. */
  take(part: Uint8Array): boolean {
    try {
      return this.read(new ByteReader(part));
    } catch (error) {
      if (error instanceof StdError || error instanceof RangeError) return false;
      throw error;
    }
  }

  /** Null when it is not as long as the content. */
  finish(key: Uint8Array): WrittenVersion | null {
    this.words?.end();
    return this.writer.sizeBytes === this.sizeBytes ? this.writer.finish(key) : null;
  }

  private read(reader: ByteReader): boolean {
    const idCount = reader.varint();
    if (idCount * idBytes > reader.remaining) return false;
    const ids = Array.from({ length: idCount }, () => reader.bytes(idBytes));
    const newPages = reader.varint();
    if (newPages * hashBytes > reader.remaining) return false;
    const hashes = new Uint32Array(reader.bytes(newPages * hashBytes).slice().buffer);
    const stepCount = reader.varint();
    if (stepCount > reader.remaining) return false;
    const carried = { ids, hashes, page: 0 };
    for (let step = 0; step < stepCount; step += 1) {
      if (!this.step(reader, carried) || this.writer.sizeBytes > this.sizeBytes) return false;
    }
    return reader.remaining === 0 && carried.page === newPages;
  }

  private step(reader: ByteReader, carried: Carried): boolean {
    const code = reader.varint();
    if (code > 1) return this.taken(code - 1, reader.svarint());
    if (code === 1) return this.carried(reader, carried);
    const lengthBytes = reader.varint();
    if (lengthBytes > 0) this.writer.hole(lengthBytes);
    return lengthBytes > 0;
  }

  private carried(reader: ByteReader, carried: Carried): boolean {
    const id = carried.ids[reader.varint()];
    const [offsetBytes, lengthBytes] = [reader.varint(), reader.varint()];
    const [chunkBytes, leadBytes] = [reader.varint(), reader.varint()];
    if (id === undefined || lengthBytes === 0 || offsetBytes + lengthBytes > chunkBytes || chunkBytes >= 2 ** 32) return false;
    if (leadBytes === 0 || leadBytes > pageBytes) return false;
    const pages = pagesOf(lengthBytes, leadBytes);
    if ((carried.page + pages) * wordsPerPage > carried.hashes.length) return false;
    this.writer.piece({ id, offsetBytes, lengthBytes, chunkBytes, leadBytes });
    this.writer.hashes(carried.hashes, carried.page, pages);
    carried.page += pages;
    return true;
  }

  private taken(pages: number, ahead: number): boolean {
    const { old, words, writer } = this;
    if (old === null || words === null || old.extentCount === 0) return false;
    const start = this.expected + ahead;
    const end = start + pages;
    if (start < 0 || end > old.endPage(old.extentCount - 1)) return false;
    for (let extent = old.extentOf(start), page = start; page < end; extent += 1) {
      const next = Math.min(end, old.endPage(extent));
      const at = old.inExtentBytes(extent, page);
      const lengthBytes = old.inExtentBytes(extent, next) - at;
      if (writer.sizeBytes + lengthBytes > this.sizeBytes) return false;
      const leadBytes = page === old.firstPage(extent) ? old.leadBytes(extent) : pageBytes;
      const place = { id: old.id(extent), offsetBytes: old.offsetBytes(extent) + at, chunkBytes: old.chunkBytes(extent) };
      writer.piece({ ...place, lengthBytes, leadBytes });
      words.read(page, next - page, (hashes, from, count) => writer.hashes(hashes, from, count));
      page = next;
    }
    this.expected = end;
    return true;
  }
}

interface Carried {
  readonly ids: readonly Uint8Array[];
  readonly hashes: Uint32Array;
  /** Of the hashes, those before it are used. */
  page: number;
}
