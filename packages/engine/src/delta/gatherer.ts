/*
 * Changed ranges of one file, laid end to end into chunks of at most `gatheredBytesMax` (docs/format/delta.md). A range that
 * does not fit goes on in the next chunk, at the end of a page, so that its pages stay whole.
 */
import { PageHasher, pageBytes } from '@twinvault/seal';
import type { ContentOutput, Piece } from './content-output.ts';

export const gatheredBytesMin: number = 64 * 1024;
export const gatheredBytesMax: number = 256 * 1024;

export class Gatherer {
  private readonly hasher: PageHasher;
  private readonly put: (plaintext: Uint8Array) => Uint8Array;
  private readonly pieces = new Set<Piece>();
  private used = 0;

  constructor(key: Uint8Array, put: (plaintext: Uint8Array) => Uint8Array) {
    this.hasher = PageHasher.withBuffer(gatheredBytesMax, key);
    this.put = put;
  }

  /** Forgets what a file that was given up left behind. */
  clear(): void {
    this.used = 0;
    this.pieces.clear();
  }

  add(bytes: Uint8Array, output: ContentOutput): void {
    let at = 0;
    while (at < bytes.length) {
      const left = bytes.length - at;
      const room = gatheredBytesMax - this.used;
      const taken = left <= room ? left : room - (room % pageBytes);
      if (taken > 0) {
        this.hasher.buffer.set(bytes.subarray(at, at + taken), this.used);
        this.pieces.add(output.gathered(this.used, taken));
        this.used += taken;
        at += taken;
      }
      if (taken < left) this.end();
    }
  }

  /** Stores what is gathered, so that every piece has its id and its hashes. */
  end(): void {
    if (this.used === 0) return;
    const { hasher, used } = this;
    const id = this.put(hasher.buffer.subarray(0, used));
    for (const piece of this.pieces) {
      piece.id = id;
      piece.chunkBytes = used;
      piece.words = hasher.sign(piece.offsetBytes, piece.lengthBytes, piece.leadBytes);
    }
    this.clear();
  }
}
