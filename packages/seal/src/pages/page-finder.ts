/*
 * Finds known pages at any offset: the weak hash rolls byte by byte over a copy of what changed, a bitmap and a table say
 * where it is known, the strong hash decides. Its memory grows with the pages that it is given: 4 to 8 bytes a page for the bitmap, 16
 * to 32 for the table; nothing before the first search.
 */
import { assert } from '@twinvault/std';
import { dataOffset, openPageFunctions, pageBytes, searchBytesMax, wordsPerPage } from './page-hasher.ts';
import type { PageFunctions } from './page-hasher.ts';

const windowBytes = searchBytesMax + dataOffset;
const resultOffset = 1024;
/** Pages that share a weak hash without being equal are not met by chance: more than this are left out. */
const probesMax = 64;
const strongWords: number = wordsPerPage - 1;
const bitmapWordBitsMin = 9;
const tableFactor = 0x9e3779b1 | 0;

export interface FoundPage {
  /** Offset in the searched bytes. */
  readonly offset: number;
  readonly page: number;
}

/** Some pages of a file, one after another. */
export interface SearchedPages {
  readonly firstPage: number;
  /** `wordsPerPage` words a page. */
  readonly words: Uint32Array;
  /** Which of them, counted from the file's first page, have all their bytes. */
  readonly wholePages: () => Uint32Array;
}

export class PageFinder {
  private readonly memory = new WebAssembly.Memory({ initial: 1 + windowBytes / dataOffset });
  private readonly functions: PageFunctions;
  private parts: readonly SearchedPages[] = [];
  private isFilled = false;
  private tableBits = 1;
  private tableWord = 0;
  private u32 = new Uint32Array(0);

  constructor(key: Uint8Array) {
    this.functions = openPageFunctions(this.memory, key);
  }

  /** The pages to search from now on, in order. The table is made when it is first needed. */
  use(parts: readonly SearchedPages[]): void {
    this.parts = parts;
    this.isFilled = false;
  }

  /** The first whole page that begins at one of the offsets from…to-1 of `bytes`; at most `searchBytesMax` of them. */
  find(bytes: Uint8Array, from: number, to: number): FoundPage | null {
    const starts = Math.min(to, bytes.length - pageBytes + 1) - from;
    if (starts <= 0) return null;
    assert(starts <= searchBytesMax, 'a search has a bounded window');
    if (!this.isFilled) this.fill();
    new Uint8Array(this.memory.buffer, dataOffset).set(bytes.subarray(from, from + starts + pageBytes - 1));
    for (let start = 0; start < starts;) {
      const found = this.functions.search(dataOffset + start, dataOffset + starts) >>> 0;
      if (found === 0) return null;
      const at = found - 1 - dataOffset;
      const page = this.pageAt(at);
      if (page !== null) return { offset: from + at, page };
      start = at + 1;
    }
    return null;
  }

  /** The page whose both hashes the window's bytes have. */
  private pageAt(at: number): number | null {
    const { u32 } = this;
    const hash = this.functions.weak(dataOffset + at, pageBytes) >>> 0;
    this.functions.strong(dataOffset + at, pageBytes, resultOffset);
    const strong = u32.subarray(resultOffset / 4, resultOffset / 4 + strongWords);
    for (let slot = this.slotOf(hash); ; slot = this.next(slot)) {
      const page = (u32[this.tableWord + 2 * slot + 1] ?? 0) - 1;
      if (page < 0) return null;
      if (u32[this.tableWord + 2 * slot] === hash && equalWords(this.strongOf(page), strong)) return page;
    }
  }

  private strongOf(page: number): Uint32Array {
    const part = this.parts.findLast(({ firstPage }) => firstPage <= page);
    assert(part !== undefined, 'what stands in the table is a page of a part');
    const word = (page - part.firstPage) * wordsPerPage;
    return part.words.subarray(word, word + strongWords);
  }

  private slotOf(hash: number): number {
    return (Math.imul(hash, tableFactor) >>> 0) >>> (32 - this.tableBits);
  }

  private next(slot: number): number {
    return (slot + 1) & ((1 << this.tableBits) - 1);
  }

  private fill(): void {
    const parts = this.parts.map(({ firstPage, words, wholePages }) => ({ firstPage, words, pages: wholePages() }));
    const count = parts.reduce((sum, { pages }) => sum + pages.length, 0);
    this.tableBits = Math.max(4, Math.ceil(Math.log2(2 * count + 2)));
    const bitmapWordBits = Math.min(26, Math.max(bitmapWordBitsMin, this.tableBits - 2));
    const bitmapAt = dataOffset + windowBytes;
    const tableAt = bitmapAt + 8 * 2 ** bitmapWordBits;
    const end = tableAt + 8 * 2 ** this.tableBits;
    const missing = Math.ceil((end - this.memory.buffer.byteLength) / dataOffset);
    if (missing > 0) this.memory.grow(missing);
    this.u32 = new Uint32Array(this.memory.buffer);
    this.tableWord = tableAt / 4;
    new Uint8Array(this.memory.buffer, bitmapAt, end - bitmapAt).fill(0);
    this.functions.setTable(bitmapAt, bitmapWordBits, tableAt, this.tableBits);
    for (const { firstPage, words, pages } of parts) {
      for (const page of pages) {
        const hash = words[(page - firstPage) * wordsPerPage + strongWords] ?? 0;
        this.functions.note(hash);
        this.insert(hash, page);
      }
    }
    this.isFilled = true;
  }

  /** Of equal pages the first stands in the table. */
  private insert(hash: number, page: number): void {
    const { u32, tableWord } = this;
    let slot = this.slotOf(hash);
    for (let probe = 0; probe < probesMax; probe += 1) {
      const other = (u32[tableWord + 2 * slot + 1] ?? 0) - 1;
      if (other < 0) {
        u32[tableWord + 2 * slot] = hash;
        u32[tableWord + 2 * slot + 1] = page + 1;
        return;
      }
      if (u32[tableWord + 2 * slot] === hash && equalWords(this.strongOf(page), this.strongOf(other))) return;
      slot = this.next(slot);
    }
  }
}

function equalWords(a: Uint32Array, b: Uint32Array): boolean {
  for (let word = 0; word < strongWords; word += 1) if (a[word] !== b[word]) return false;
  return true;
}
