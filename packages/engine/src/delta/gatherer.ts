/*
 * Changed ranges of one file, laid end to end into chunks of at most `gatheredBytesMax` (docs/format/delta.md). A range that
 * does not fit goes on in the next chunk, at the end of a page, so that its pages stay whole.
 */
import { PageHasher, pageBytes } from '@twinvault/seal';
import type { ContentOutput } from './content-output.ts';
import type { PieceNumber } from './version-writer.ts';

export const gatheredBytesMin: number = 64 * 1024;
export const gatheredBytesMax: number = 256 * 1024;

interface Gathered {
  readonly output: ContentOutput;
  readonly number: PieceNumber;
}

export class Gatherer {
  private readonly hasher: PageHasher;
  private readonly put: (plaintext: Uint8Array) => Uint8Array;
  private pieces: Gathered[] = [];
  private used = 0;

  constructor(key: Uint8Array, put: (plaintext: Uint8Array) => Uint8Array) {
    this.hasher = PageHasher.withBuffer(gatheredBytesMax, key);
    this.put = put;
  }

  /** Forgets what a file that was given up left behind. */
  clear(): void {
    this.used = 0;
    this.pieces = [];
  }

  add(bytes: Uint8Array, output: ContentOutput): void {
    let at = 0;
    while (at < bytes.length) {
      const left = bytes.length - at;
      const room = gatheredBytesMax - this.used;
      const taken = left <= room ? left : room - (room % pageBytes);
      if (taken > 0) {
        this.gather(bytes.subarray(at, at + taken), output);
        at += taken;
      }
      if (taken < left) this.end();
    }
  }

  private gather(bytes: Uint8Array, output: ContentOutput): void {
    const { hasher, used } = this;
    hasher.buffer.set(bytes, used);
    const words = hasher.sign(used, bytes.length, output.leadBytes);
    this.pieces.push({ output, number: output.gathered(used, bytes.length, words) });
    this.used += bytes.length;
  }

  /** Stores what is gathered, so that every piece has its chunk. */
  end(): void {
    if (this.used === 0) return;
    const { hasher, used } = this;
    const id = this.put(hasher.buffer.subarray(0, used));
    for (const { output, number } of this.pieces) output.place(number, id, used);
    this.clear();
  }
}
