/*
 * Hashes of pages, in WebAssembly over the memory that holds the data (wasm/pages.ts): SipHash-128 (2-4) under a local
 * key, which decides, and a polynomial hash that can roll, which only proposes (docs/format/delta.md).
 *
 * Invariant: the first 64 KiB page of the memory has room for results from `scratchOffset` on, before the cutter's marks.
 */
import { assert } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import type { Cutter } from '../cutting/cutter.ts';
import { decodeBase64, marksOffset } from '../cutting/cutting-module.ts';
import { pagesWasmBase64 } from './pages-wasm.ts';

/** Bytes of one page of a signature. */
export const pageBytes = 4096;
/** Starts that one search for pages looks at; the pages at them reach `pageBytes` - 1 further. */
export const searchBytesMax: number = 64 * 1024;
/** A page's hashes: four words of SipHash-128, one of the polynomial. */
export const wordsPerPage = 5;
/** Multiplier (4, odd) and SipHash key (16). */
export const pageKeyBytes = 20;

/** Where the data may begin in a memory; the first page belongs to the functions. */
export const dataOffset = 65_536;
const scratchOffset = 1024;
const signPagesMax = 3000;
/** Whole pages that one call compares. */
export const samePagesMax: number = signPagesMax - 4;
assert(scratchOffset + signPagesMax * 4 * wordsPerPage <= marksOffset, 'results do not fit before the marks of cutting');

export interface PageFunctions {
  setKeys(a: number, b: number, c: number, d: number, odd: number): void;
  strong(at: number, length: number, out: number): void;
  /** Signed: `>>> 0`. */
  weak(at: number, length: number): number;
  sign(at: number, length: number, out: number): void;
  same(at: number, pages: number, expected: number, out: number): number;
  setTable(bitmap: number, bitmapWordBits: number, table: number, tableBits: number): void;
  /** Sets a hash's bits in the bitmap. */
  note(hash: number): void;
  /** First start plus one, 0 for none. */
  search(from: number, to: number): number;
}

let compiled: WebAssembly.Module | null = null;

/** The functions over a memory, under a key of `pageKeyBytes`. */
export function openPageFunctions(memory: WebAssembly.Memory, key: Uint8Array): PageFunctions {
  assert(key.length === pageKeyBytes, 'a page key has 20 bytes');
  compiled ??= new WebAssembly.Module(decodeBase64(pagesWasmBase64));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const functions = exports as unknown as PageFunctions;
  const view = new DataView(key.buffer, key.byteOffset, pageKeyBytes);
  const word = (at: number): number => view.getUint32(at, true);
  functions.setKeys(word(4), word(8), word(12), word(16), word(0));
  return functions;
}

export function newPageKey(random: Random): Uint8Array {
  const key = random.bytes(pageKeyBytes);
  key[0] = (key[0] ?? 0) | 1;
  return key;
}

/** Hashes pages that lie in a memory of fixed size. */
export class PageHasher {
  /** The memory behind its first page. */
  readonly buffer: Uint8Array;
  private readonly functions: PageFunctions;
  private readonly scratch: Uint32Array;

  private constructor(memory: WebAssembly.Memory, key: Uint8Array) {
    this.functions = openPageFunctions(memory, key);
    this.buffer = new Uint8Array(memory.buffer, dataOffset);
    this.scratch = new Uint32Array(memory.buffer, scratchOffset, signPagesMax * wordsPerPage);
  }

  /** Over a cutter's buffer: what is compared is cut out of the same bytes. */
  static over(cutter: Cutter, key: Uint8Array): PageHasher {
    return new PageHasher(cutter.memory, key);
  }

  /** With a memory of its own for at least so many bytes. */
  static withBuffer(bytes: number, key: Uint8Array): PageHasher {
    const pages = 1 + Math.ceil(bytes / dataOffset);
    return new PageHasher(new WebAssembly.Memory({ initial: pages, maximum: pages }), key);
  }

  /** Whether the bytes at `offset` of `buffer` have the strong hash that stands at page `page` of `words`. */
  matches(offset: number, lengthBytes: number, words: Uint32Array, page: number): boolean {
    this.functions.strong(dataOffset + offset, lengthBytes, scratchOffset);
    const { scratch } = this;
    const at = page * wordsPerPage;
    return (
      scratch[0] === words[at] && scratch[1] === words[at + 1] && scratch[2] === words[at + 2] && scratch[3] === words[at + 3]
    );
  }

  /** How many whole pages from `offset` on have the strong hashes that stand from page `page` of `words` on; at most `pages`, at most `samePagesMax`. */
  same(offset: number, pages: number, words: Uint32Array, page: number): number {
    assert(pages <= samePagesMax, 'what is expected has room');
    const expected = 4 * wordsPerPage;
    this.scratch.set(words.subarray(page * wordsPerPage, (page + pages) * wordsPerPage), expected);
    return this.functions.same(dataOffset + offset, pages, scratchOffset + 4 * expected, scratchOffset);
  }

  /** Hashes of all pages of a piece: the first one has `leadBytes` at most, the last one what is left. */
  sign(offset: number, lengthBytes: number, leadBytes: number = pageBytes): Uint32Array {
    const words = new Uint32Array(pagesOf(lengthBytes, leadBytes) * wordsPerPage);
    let at = Math.min(leadBytes, lengthBytes);
    this.signInto(words, 0, { offset, lengthBytes: at });
    for (let word = wordsPerPage; at < lengthBytes; word += signPagesMax * wordsPerPage) {
      const taken = Math.min(signPagesMax * pageBytes, lengthBytes - at);
      this.signInto(words, word, { offset: offset + at, lengthBytes: taken });
      at += taken;
    }
    return words;
  }

  private signInto(words: Uint32Array, word: number, { offset, lengthBytes }: { offset: number; lengthBytes: number }): void {
    this.functions.sign(dataOffset + offset, lengthBytes, scratchOffset);
    words.set(this.scratch.subarray(0, Math.ceil(lengthBytes / pageBytes) * wordsPerPage), word);
  }
}

/** Pages of a stored piece of so many bytes, above 0, of which the first has `leadBytes` at most. */
export function pagesOf(lengthBytes: number, leadBytes: number = pageBytes): number {
  return 1 + Math.ceil(Math.max(0, lengthBytes - leadBytes) / pageBytes);
}

/** Bytes of the first page of what begins at this offset of a file, so that the next pages lie as the file's do. */
export function leadBytesAt(fileOffsetBytes: number): number {
  return pageBytes - (fileOffsetBytes % pageBytes);
}
