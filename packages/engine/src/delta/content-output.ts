/*
 * What a content is made of, as it is read: new chunks, pieces of chunks that are stored already, and holes, in file order;
 * and the signature of all that. Pieces that touch in file and chunk become one, so a file that did not change has the
 * extents that it had.
 *
 * Invariant: a page of the signature belongs to one extent; pieces are joined only where a page ends.
 */
import { equalBytes } from '@twinvault/std';
import { leadBytesAt, pageBytes, pagesOf } from '@twinvault/seal';
import { VersionWriter } from './version-writer.ts';
import type { PieceNumber, SegmentSink, WrittenVersion } from './version-writer.ts';

/** A piece of a stored chunk; hashes of its pages are `words` from page `firstPage` on. */
export interface Piece {
  readonly id: Uint8Array;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Bytes of the whole chunk. */
  readonly chunkBytes: number;
  readonly words: Uint32Array;
  readonly firstPage: number;
  /** Bytes of the first page, unless the piece is shorter. */
  readonly leadBytes: number;
}

interface LastPiece extends Pick<Piece, 'id' | 'offsetBytes' | 'leadBytes'> {
  readonly number: PieceNumber;
  lengthBytes: number;
}

export class ContentOutput {
  private readonly writer: VersionWriter;
  /** What the next piece may go on with. */
  private last: LastPiece | null = null;

  constructor(sink: SegmentSink, segmentBits?: number) {
    this.writer = new VersionWriter(sink, segmentBits);
  }

  /** Bytes of content so far. */
  get sizeBytes(): number {
    return this.writer.sizeBytes;
  }

  /** Joined to the last piece where it goes on with it, pages and all. */
  stored(piece: Piece): void {
    const { id, offsetBytes, lengthBytes, leadBytes, words, firstPage } = piece;
    const { last, writer } = this;
    if (last !== null && goesOn(last, piece)) {
      writer.lengthen(last.number, lengthBytes);
      last.lengthBytes += lengthBytes;
    } else this.last = { id, offsetBytes, lengthBytes, leadBytes, number: writer.piece(piece) };
    writer.hashes(words, firstPage, pagesOf(lengthBytes, leadBytes));
  }

  /** What the pages of so many bytes that come next are to be hashed with: the first one's bytes. */
  get leadBytes(): number {
    return leadBytesAt(this.sizeBytes);
  }

  /** A part of a chunk that is being gathered, `offsetBytes` from its start, with the hashes of its pages; to be placed. */
  gathered(offsetBytes: number, lengthBytes: number, words: Uint32Array): PieceNumber {
    const { leadBytes, writer } = this;
    this.last = null;
    const number = writer.piece({ id: null, offsetBytes, lengthBytes, chunkBytes: 0, leadBytes });
    writer.hashes(words, 0, pagesOf(lengthBytes, leadBytes));
    return number;
  }

  /** The chunk that a gathered piece lies in. */
  place(number: PieceNumber, id: Uint8Array, chunkBytes: number): void {
    this.writer.place(number, id, chunkBytes);
  }

  hole(lengthBytes: number): void {
    this.last = null;
    this.writer.hole(lengthBytes);
  }

  /** When every piece has its chunk. */
  finish(key: Uint8Array): WrittenVersion {
    return this.writer.finish(key);
  }
}

/** In chunk and pages; chunks under one id have the same bytes. */
function goesOn(last: LastPiece, { id, offsetBytes, leadBytes }: Piece): boolean {
  if (last.offsetBytes + last.lengthBytes !== offsetBytes || leadBytes !== pageBytes) return false;
  const behindLead = last.lengthBytes - last.leadBytes;
  return behindLead >= 0 && behindLead % pageBytes === 0 && equalBytes(last.id, id);
}
