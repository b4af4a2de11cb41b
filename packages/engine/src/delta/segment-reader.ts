/*
 * Hashes of a signature's pages on the main thread, which has the database: one segment at a time, so that reading them in order
 * takes the memory of one, whatever the file's size.
 *
 * Invariant: pages of a segment that is lost or damaged have zeros, which are the hashes of no page (docs/format/delta.md).
 */
import { releaseBytes } from '@twinvault/std';
import { wordsPerPage } from '@twinvault/seal';
import { segmentWords } from './signature.ts';
import type { Signature } from './signature.ts';

const zeroPages = 1024;
const zeros = new Uint32Array(zeroPages * wordsPerPage);

/** Hashes of `count` pages are `words` from page `from` on; valid until the call returns. */
export type TakeHashes = (words: Uint32Array, from: number, count: number) => void;

export class SegmentReader {
  private readonly signature: Signature;
  private readonly load: (name: Uint8Array) => Uint8Array | null;
  private segment = -1;
  private words: Uint32Array | null = null;
  private bytes: Uint8Array | null = null;

  /** `load`: memory that nobody else has; null for a segment that is not there. */
  constructor(signature: Signature, load: (name: Uint8Array) => Uint8Array | null) {
    this.signature = signature;
    this.load = load;
  }

  /** Gives the hashes of the pages, piece by piece, in order. */
  read(page: number, count: number, take: TakeHashes): void {
    const segmentPages = 2 ** this.signature.segmentBits;
    for (let at = page; at < page + count;) {
      const segment = Math.floor(at / segmentPages);
      const words = this.wordsOf(segment);
      const from = at - segment * segmentPages;
      const known = words === null ? 0 : words.length / wordsPerPage - from;
      const left = Math.min(page + count - at, segmentPages - from);
      const pages = Math.min(left, known > 0 ? known : zeroPages);
      if (words !== null && known > 0) take(words, from, pages);
      else take(zeros, 0, pages);
      at += pages;
    }
  }

  /** Gives back the memory of the segment that was read last. */
  end(): void {
    if (this.bytes !== null) releaseBytes(this.bytes);
    this.bytes = null;
    this.words = null;
    this.segment = -1;
  }

  private wordsOf(segment: number): Uint32Array | null {
    const { names, lastWords } = this.signature;
    if (segment === names.length) return lastWords;
    if (this.segment === segment) return this.words;
    const name = names[segment];
    this.end();
    this.bytes = name === undefined ? null : this.load(name);
    this.segment = segment;
    this.words = name === undefined || this.bytes === null ? null : segmentWords(name, this.bytes);
    return this.words;
  }
}
