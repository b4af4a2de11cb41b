/*
 * The last version of a file as the comparison sees it: pages by number, each with its place in the old file and in the
 * chunk that holds it. Nothing is kept for a page; places follow from the extents, of which each costs 20 bytes beside the list.
 */
import { pageBytes, pagesOf } from '@twinvault/seal';
import { ExtentList } from '../entries/entry-body.ts';
import { signedPages } from './signature.ts';
import type { Signature } from './signature.ts';

/** Its extents are the stored ones, counted without the holes. */
export class OldVersion {
  readonly signature: Signature;
  /** Pages that are signed. */
  readonly pageCount: number;
  /** Of one segment. */
  readonly segmentPages: number;
  readonly extentCount: number;
  private readonly list: ExtentList;
  private readonly pieces: Uint32Array;
  /** For each extent: its place in the list, its first page, its offset in the old file. */
  private readonly places: Uint32Array;
  private readonly firstPages: Float64Array;
  private readonly fileOffsets: Float64Array;

  constructor(signature: Signature) {
    this.signature = signature;
    this.list = new ExtentList(signature.list);
    this.pieces = signature.pieces;
    this.pageCount = signedPages(signature);
    this.segmentPages = 2 ** signature.segmentBits;
    this.extentCount = signature.pieces.length / 2;
    this.places = new Uint32Array(this.extentCount);
    this.firstPages = new Float64Array(this.extentCount);
    this.fileOffsets = new Float64Array(this.extentCount);
    let [fileOffset, page, extent] = [0, 0, 0];
    for (let index = 0; index < this.list.count; index += 1) {
      const lengthBytes = this.list.lengthBytes(index);
      if (!this.list.isHole(index)) {
        this.places[extent] = index;
        this.firstPages[extent] = page;
        this.fileOffsets[extent] = fileOffset;
        page += pagesOf(lengthBytes, this.leadBytes(extent));
        extent += 1;
      }
      fileOffset += lengthBytes;
    }
  }

  /** Not copied. */
  id(extent: number): Uint8Array {
    return this.list.id(this.places[extent] ?? 0);
  }

  /** In the chunk. */
  offsetBytes(extent: number): number {
    return this.list.offsetBytes(this.places[extent] ?? 0);
  }

  lengthBytes(extent: number): number {
    return this.list.lengthBytes(this.places[extent] ?? 0);
  }

  /** In the old file. */
  fileOffsetBytes(extent: number): number {
    return this.fileOffsets[extent] ?? 0;
  }

  /** Of the whole chunk. */
  chunkBytes(extent: number): number {
    return this.pieces[2 * extent] ?? 0;
  }

  /** Bytes of the first page, unless the extent is shorter. */
  leadBytes(extent: number): number {
    return this.pieces[2 * extent + 1] ?? pageBytes;
  }

  firstPage(extent: number): number {
    return this.firstPages[extent] ?? 0;
  }

  /** The page after the last one of the extent. */
  endPage(extent: number): number {
    return this.firstPage(extent) + pagesOf(this.lengthBytes(extent), this.leadBytes(extent));
  }

  /** From the start of the extent to that of one of its pages, or to its end. */
  inExtentBytes(extent: number, page: number): number {
    const behind = page - this.firstPage(extent);
    if (behind === 0) return 0;
    return Math.min(this.lengthBytes(extent), this.leadBytes(extent) + (behind - 1) * pageBytes);
  }

  /** Index of the extent that has the page. */
  extentOf(page: number): number {
    let [low, high] = [0, Math.max(0, this.extentCount - 1)];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.firstPage(middle) <= page) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Of the signed pages from…to-1, those that have all their bytes. */
  wholePages(from: number, to: number): Uint32Array {
    const end = Math.min(to, this.pageCount);
    const pages = new Uint32Array(Math.max(0, end - from));
    let count = 0;
    for (let extent = this.extentOf(from); extent < this.extentCount && this.firstPage(extent) < end; extent += 1) {
      const { first, last } = this.wholePagesOf(extent);
      for (let page = Math.max(from, first); page < Math.min(last, end); page += 1) pages[count++] = page;
    }
    return pages.subarray(0, count);
  }

  /** Its whole pages are first…last-1. */
  private wholePagesOf(extent: number): { first: number; last: number } {
    const lead = this.leadBytes(extent);
    const first = this.firstPage(extent) + (lead === pageBytes ? 0 : 1);
    const rest = this.lengthBytes(extent) - (lead === pageBytes ? 0 : lead);
    return { first, last: first + Math.floor(Math.max(0, rest) / pageBytes) };
  }

  /** How many whole pages follow one another in the old file from a page of the extent on, over extents that touch; at most `max`. */
  wholeRun(extent: number, page: number, max: number): number {
    let count = 0;
    for (let at = extent; at < this.extentCount; at += 1) {
      const { first, last } = this.wholePagesOf(at);
      const start = at === extent ? page : this.firstPage(at);
      if (start < first) break;
      count += Math.max(0, last - start);
      if (count >= max || last !== this.endPage(at) || at + 1 === this.extentCount) break;
      if (this.fileOffsetBytes(at) + this.lengthBytes(at) !== this.fileOffsetBytes(at + 1)) break;
    }
    return Math.min(count, max);
  }
}

/** A page of the old version, moved from page to page. */
export class PageCursor {
  page: number;
  /** Of the old version. */
  extent: number;
  private readonly old: OldVersion;

  constructor(old: OldVersion, page: number) {
    this.old = old;
    this.page = page;
    this.extent = page < old.pageCount ? old.extentOf(page) : 0;
  }

  get ended(): boolean {
    return this.page >= this.old.pageCount;
  }

  /** In the old file. */
  get fileOffsetBytes(): number {
    return this.old.fileOffsetBytes(this.extent) + this.inExtentBytes;
  }

  /** From the start of its extent. */
  get inExtentBytes(): number {
    return this.old.inExtentBytes(this.extent, this.page);
  }

  get lengthBytes(): number {
    return this.old.inExtentBytes(this.extent, this.page + 1) - this.inExtentBytes;
  }

  next(): void {
    this.page += 1;
    const after = this.extent + 1;
    if (after < this.old.extentCount && this.old.firstPage(after) <= this.page) this.extent = after;
  }

  /** By so many pages, none of which is beyond the first one of the next extent. */
  skip(pages: number): void {
    this.page += pages - 1;
    this.next();
  }

  copy(): PageCursor {
    const copy = new PageCursor(this.old, this.old.pageCount);
    copy.page = this.page;
    copy.extent = this.extent;
    return copy;
  }

  previous(): void {
    this.page -= 1;
    if (this.old.firstPage(this.extent) > this.page) this.extent -= 1;
  }
}
