/*
 * A version of a file's content as it is written down: its list of extents and the hashes of their pages, in file order. Hashes
 * leave in segments as these are full (docs/format/delta.md, "Page signature"), so what is held does not grow with the file
 * but for its extents, 52 bytes each.
 */
import { assert } from '@twinvault/std';
import { wordsPerPage } from '@twinvault/seal';
import { bodyExtentBytes, writeExtent } from '../entries/entry-body.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { encodeSignature, segmentBitsMax, segmentName, signedPagesMax } from './signature.ts';

/** Hashes that a small file has room for at once. */
const wordsMin: number = 512 * wordsPerPage;

/** Where full segments go. */
export interface SegmentSink {
  /** True: the memory of `words` is no longer the caller's. */
  keepSegment(name: Uint8Array, words: Uint32Array<ArrayBuffer>): boolean;
}

/** A stored extent; `id` null: it follows by `place`. */
export interface WrittenPiece {
  readonly id: Uint8Array | null;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Of the whole chunk. */
  readonly chunkBytes: number;
  /** Bytes of the first page, unless the piece is shorter. */
  readonly leadBytes: number;
}

/** Which one it is, of the extents and of those that are no holes. */
export interface PieceNumber {
  readonly extent: number;
  readonly stored: number;
}

export interface WrittenVersion {
  /** List of extents as it stands in a body. */
  readonly list: Uint8Array;
  /** Null when nothing is stored. */
  readonly signature: Uint8Array<ArrayBuffer> | null;
}

const unplaced = new Uint8Array(32);

export class VersionWriter {
  private readonly sink: SegmentSink;
  private readonly segmentBits: number;
  private readonly list = new PackedWriter();
  private readonly pieces = new PackedWriter();
  private readonly names: Uint8Array[] = [];
  private words: Uint32Array<ArrayBuffer>;
  private used = 0;
  private pending = 0;
  /** Bytes of content so far. */
  sizeBytes = 0;

  /** `segmentBits`: smaller ones than `segmentBitsMax` are for tests. */
  constructor(sink: SegmentSink, segmentBits: number = segmentBitsMax) {
    this.sink = sink;
    this.segmentBits = segmentBits;
    this.words = new Uint32Array(Math.min(wordsMin, this.segmentWords));
  }

  private get segmentWords(): number {
    return 2 ** this.segmentBits * wordsPerPage;
  }

  hole(lengthBytes: number): void {
    writeExtent(this.list, { id: null, offsetBytes: 0, lengthBytes });
    this.sizeBytes += lengthBytes;
  }

  /** Its hashes follow before those of the next one. */
  piece({ id, offsetBytes, lengthBytes, chunkBytes, leadBytes }: WrittenPiece): PieceNumber {
    const number = { extent: this.list.length / bodyExtentBytes, stored: this.pieces.length / 8 };
    writeExtent(this.list, { id: id ?? unplaced, offsetBytes, lengthBytes });
    this.pieces.u32(chunkBytes);
    this.pieces.u32(leadBytes);
    this.pending += id === null ? 1 : 0;
    this.sizeBytes += lengthBytes;
    return number;
  }

  /** The last extent goes on. */
  lengthen({ extent }: PieceNumber, lengthBytes: number): void {
    const at = (extent + 1) * bodyExtentBytes - 8;
    assert(this.list.length === at + 8, 'only the last extent goes on');
    this.list.view.setFloat64(at, this.list.view.getFloat64(at, true) + lengthBytes, true);
    this.sizeBytes += lengthBytes;
  }

  /** The chunk of a piece that had none. */
  place({ extent, stored }: PieceNumber, id: Uint8Array, chunkBytes: number): void {
    this.list.setBytes(extent * bodyExtentBytes, id);
    this.pieces.setU32(stored * 8, chunkBytes);
    this.pending -= 1;
  }

  /** Hashes of the next pages: `count` of those in `words` from `page` on. */
  hashes(words: Uint32Array, page: number, count: number): void {
    let [from, left] = [page * wordsPerPage, Math.min(count, this.pagesLeft) * wordsPerPage];
    while (left > 0) {
      if (this.used === this.segmentWords) this.endSegment();
      this.makeRoom(Math.min(left, this.segmentWords - this.used));
      const taken = Math.min(left, this.words.length - this.used);
      this.words.set(words.subarray(from, from + taken), this.used);
      this.used += taken;
      from += taken;
      left -= taken;
    }
  }

  private get pagesLeft(): number {
    return signedPagesMax - this.names.length * 2 ** this.segmentBits - this.used / wordsPerPage;
  }

  /** For some more words of this segment. */
  private makeRoom(words: number): void {
    if (this.used + words <= this.words.length) return;
    const larger = new Uint32Array(Math.min(this.segmentWords, Math.max(2 * this.words.length, this.used + words)));
    larger.set(this.words.subarray(0, this.used));
    this.words = larger;
  }

  private endSegment(): void {
    const name = segmentName(this.words);
    this.names.push(name);
    if (this.sink.keepSegment(name, this.words)) this.words = new Uint32Array(this.segmentWords);
    this.used = 0;
  }

  /** When every piece has its chunk. Nothing may be written afterwards. */
  finish(key: Uint8Array): WrittenVersion {
    assert(this.pending === 0, 'what was gathered is stored before the content is finished');
    const { segmentBits, names } = this;
    const list = this.list.take();
    const pieces = this.pieces.take();
    if (pieces.length === 0) return { list, signature: null };
    const lastWords = this.words.subarray(0, this.used);
    const pieceWords = new Uint32Array(pieces.buffer, pieces.byteOffset, pieces.length / 4);
    return { list, signature: encodeSignature({ list, pieces: pieceWords, segmentBits, names, lastWords }, key) };
  }
}
