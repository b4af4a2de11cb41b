/*
 * The last version of a file as the comparison sees it: pages by number, each with its place in the old file and in the
 * chunk that holds it. Nothing is kept for a page but its hashes; places follow from the extents.
 */
import { assert } from '@twinvault/std';
import { pageBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import type { SignedVersion } from './signature.ts';

/** One stored extent. */
export interface OldExtent {
  readonly id: Uint8Array;
  /** In the chunk. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** In the old file. */
  readonly fileOffsetBytes: number;
  readonly chunkBytes: number;
  readonly firstPage: number;
  /** Bytes of the first page, unless the extent is shorter. */
  readonly leadBytes: number;
}

export class OldVersion {
  readonly words: Uint32Array;
  /** Pages that are signed. */
  readonly pageCount: number;
  readonly extents: readonly OldExtent[];

  constructor({ extents, pieces, words }: SignedVersion) {
    this.words = words;
    this.pageCount = words.length / wordsPerPage;
    const stored: OldExtent[] = [];
    let [fileOffsetBytes, firstPage] = [0, 0];
    for (const { id, offsetBytes, lengthBytes } of extents) {
      if (id !== null) {
        const piece = 2 * stored.length;
        const [chunkBytes = 0, leadBytes = pageBytes] = pieces.subarray(piece, piece + 2);
        stored.push({ id, offsetBytes, lengthBytes, fileOffsetBytes, chunkBytes, firstPage, leadBytes });
        firstPage += pagesOf(lengthBytes, leadBytes);
      }
      fileOffsetBytes += lengthBytes;
    }
    this.extents = stored;
  }

  /** Index of the extent that has the page. */
  extentOf(page: number): number {
    let [low, high] = [0, this.extents.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.extent(middle).firstPage <= page) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  extent(index: number): OldExtent {
    const extent = this.extents[index];
    assert(extent !== undefined, 'the extent is one of the old version');
    return extent;
  }

  /** Signed pages that have all their bytes. */
  wholePages(): Uint32Array {
    const pages = new Uint32Array(this.pageCount);
    let count = 0;
    for (const { firstPage, lengthBytes, leadBytes } of this.extents) {
      const start = leadBytes === pageBytes ? firstPage : firstPage + 1;
      const from = leadBytes === pageBytes ? 0 : leadBytes;
      const end = Math.min(start + Math.floor(Math.max(0, lengthBytes - from) / pageBytes), this.pageCount);
      for (let page = start; page < end; page += 1) pages[count++] = page;
    }
    return pages.subarray(0, count);
  }
}

/** A page of the old version, moved from page to page. */
export class PageCursor {
  page: number;
  private readonly old: OldVersion;
  private extentIndex: number;

  constructor(old: OldVersion, page: number) {
    this.old = old;
    this.page = page;
    this.extentIndex = page < old.pageCount ? old.extentOf(page) : 0;
  }

  get ended(): boolean {
    return this.page >= this.old.pageCount;
  }

  get extent(): OldExtent {
    return this.old.extent(this.extentIndex);
  }

  get extentNumber(): number {
    return this.extentIndex;
  }

  /** In the old file. */
  get fileOffsetBytes(): number {
    return this.extent.fileOffsetBytes + this.inExtentBytes;
  }

  /** From the start of its extent. */
  get inExtentBytes(): number {
    const { firstPage, leadBytes } = this.extent;
    return this.page === firstPage ? 0 : leadBytes + (this.page - firstPage - 1) * pageBytes;
  }

  get lengthBytes(): number {
    const { lengthBytes, firstPage, leadBytes } = this.extent;
    return Math.min(this.page === firstPage ? leadBytes : pageBytes, lengthBytes - this.inExtentBytes);
  }

  next(): void {
    this.page += 1;
    const after = this.old.extents[this.extentIndex + 1];
    if (after !== undefined && after.firstPage <= this.page) this.extentIndex += 1;
  }

  copy(): PageCursor {
    const copy = new PageCursor(this.old, this.old.pageCount);
    copy.page = this.page;
    copy.extentIndex = this.extentIndex;
    return copy;
  }

  previous(): void {
    this.page -= 1;
    if (this.extent.firstPage > this.page) this.extentIndex -= 1;
  }
}
