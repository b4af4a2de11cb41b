/*
 * What a content is made of, as it is read: new chunks, pieces of chunks that are stored already, and holes, in file order;
 * and the signature of all that. Pieces that touch in file and chunk become one, so a file that did not change has the
 * extents that it had.
 *
 * Invariant: a page of the signature belongs to one extent; pieces are joined only where a page ends.
 */
import { assert, equalBytes } from '@twinvault/std';
import { leadBytesAt, pageBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import { bodyExtentBytes, writeExtent } from '../entries/entry-body.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { encodeSignature, signedPagesMax } from './signature.ts';

/** A piece of a chunk; `id` is null while the chunk is being gathered. */
export interface Piece {
  id: Uint8Array | null;
  readonly offsetBytes: number;
  lengthBytes: number;
  /** Bytes of the whole chunk. */
  chunkBytes: number;
  /** Hashes of the piece's pages are `words` from page `firstPage` on; null while the chunk is being gathered. */
  words: Uint32Array | null;
  firstPage: number;
  /** Bytes of the first page, unless the piece is shorter. */
  readonly leadBytes: number;
}

const unsigned = new Uint32Array(0);

interface Hole {
  lengthBytes: number;
}

export class ContentOutput {
  private readonly parts: (Piece | Hole)[] = [];
  private pages = 0;
  /** Bytes of content so far. */
  sizeBytes = 0;

  /** A part of a chunk that has its id and hashes. Joined to the last one where it goes on with it, pages and all. */
  stored(piece: Piece): void {
    this.sizeBytes += piece.lengthBytes;
    this.pages += pagesOf(piece.lengthBytes, piece.leadBytes);
    // Hashes that no signature has room for need not be kept until the end of the file.
    if (this.pages > 2 * signedPagesMax) piece.words = unsigned;
    const last = this.parts.at(-1);
    if (last !== undefined && 'words' in last && goesOn(last, piece)) last.lengthBytes += piece.lengthBytes;
    else this.parts.push(piece);
  }

  /** A part of a chunk that is being gathered, `offsetBytes` from its start; the piece, of which more may follow. */
  gathered(offsetBytes: number, lengthBytes: number): Piece {
    const leadBytes = leadBytesAt(this.sizeBytes);
    this.sizeBytes += lengthBytes;
    const last = this.parts.at(-1);
    if (last !== undefined && 'words' in last && last.words === null && last.offsetBytes + last.lengthBytes === offsetBytes) {
      last.lengthBytes += lengthBytes;
      return last;
    }
    const piece: Piece = { id: null, offsetBytes, lengthBytes, chunkBytes: 0, words: null, firstPage: 0, leadBytes };
    this.parts.push(piece);
    return piece;
  }

  hole(lengthBytes: number): void {
    this.sizeBytes += lengthBytes;
    this.parts.push({ lengthBytes });
  }

  /** Nothing is stored. */
  get isEmpty(): boolean {
    return !this.parts.some((part) => 'words' in part);
  }

  /** When every piece has its id. */
  extents(): PlacedExtent[] {
    return this.parts.map((part) => {
      if (!('words' in part)) return { id: null, offsetBytes: 0, lengthBytes: part.lengthBytes };
      assert(part.id !== null, 'what was gathered is stored before the content is finished');
      return { id: part.id, offsetBytes: part.offsetBytes, lengthBytes: part.lengthBytes };
    });
  }

  signature(key: Uint8Array): Uint8Array<ArrayBuffer> {
    const pieces = this.parts.filter((part): part is Piece => 'words' in part);
    const words: Uint32Array[] = [];
    let left = signedPagesMax;
    for (const { words: from, firstPage, lengthBytes, leadBytes } of pieces) {
      assert(from !== null, 'what was gathered is signed before the content is finished');
      const pages = Math.min(pagesOf(lengthBytes, leadBytes), left);
      words.push(from.subarray(firstPage * wordsPerPage, (firstPage + pages) * wordsPerPage));
      left -= pages;
      if (left === 0) break;
    }
    const list = new PackedWriter(bodyExtentBytes * this.parts.length);
    for (const extent of this.extents()) writeExtent(list, extent);
    return encodeSignature({
      list: list.take(),
      key,
      pieces: Uint32Array.from(pieces.flatMap(({ chunkBytes, leadBytes }) => [chunkBytes, leadBytes])),
      words,
    });
  }
}

/** In chunk and pages; chunks under one id have the same bytes. */
function goesOn(last: Piece, next: Piece): boolean {
  if (last.words !== next.words || last.id === null || next.id === null) return false;
  if (last.offsetBytes + last.lengthBytes !== next.offsetBytes) return false;
  const behindLead = last.lengthBytes - last.leadBytes;
  if (behindLead < 0 || behindLead % pageBytes !== 0) return false;
  return last.firstPage + 1 + behindLead / pageBytes === next.firstPage && equalBytes(last.id, next.id);
}
