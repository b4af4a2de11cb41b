/*
 * Upkeep of the chunks of one file: a chunk of which the newest version uses less than a fifth is emptied, its live pages
 * sent along with what changed, so that the vault can drop it when older safesets go (docs/format/delta.md).
 *
 * A chunk is emptied whole or not at all; what that costs stays within a quarter of what the file sends anyway, or, when a
 * restore would fetch over twice the file, within as much again, and chunks of less than a quarter are emptied. How much a
 * file will send is not known when its first chunks are met, so it is reckoned by the part that was compared.
 */
import { ChunkIndex } from './chunk-index.ts';
import type { OldVersion } from './old-version.ts';

/** Chunks, and bundles, of which less is used are emptied. */
export const liveShareMin: number = 1 / 5;
export const liveShareMinStrained: number = 1 / 4;
/** Of what is sent anyway. */
export const budgetShare: number = 1 / 4;
export const budgetShareStrained: number = 1;
/** What a restore may fetch before it counts as strained. */
export const fetchedFactorMax: number = 2;
/** What is still to come is taken to change as what was read did, but for no more than this factor. */
const expectedFactorMax = 4;

const decisions = { open: 0, kept: 1, emptied: 2 } as const;

export class Upkeep {
  private readonly chunks: ChunkIndex;
  /** For each chunk its size, what is used of it, and what was decided when it was met. */
  private readonly chunkBytes: Float64Array;
  private readonly liveBytes: Float64Array;
  private readonly decided: Uint8Array;
  private readonly share: number;
  private readonly liveShareMin: number;
  private readonly fileBytes: number;
  private emptiedBytes = 0;

  constructor(old: OldVersion) {
    const count = old.extentCount;
    this.fileBytes = count === 0 ? 0 : old.fileOffsetBytes(count - 1) + old.lengthBytes(count - 1);
    this.chunks = new ChunkIndex(old);
    const { chunkCount } = this.chunks;
    this.chunkBytes = new Float64Array(chunkCount);
    this.liveBytes = new Float64Array(chunkCount);
    this.decided = new Uint8Array(chunkCount);
    for (let extent = 0; extent < count; extent += 1) {
      const chunk = this.chunks.chunkOf(extent);
      this.chunkBytes[chunk] = old.chunkBytes(extent);
      this.liveBytes[chunk] = (this.liveBytes[chunk] ?? 0) + old.lengthBytes(extent);
    }
    const fetchedBytes = this.chunkBytes.reduce((sum, bytes) => sum + bytes, 0);
    const liveBytes = this.liveBytes.reduce((sum, bytes) => sum + bytes, 0);
    const isStrained = fetchedBytes > fetchedFactorMax * liveBytes;
    this.share = isStrained ? budgetShareStrained : budgetShare;
    this.liveShareMin = isStrained ? liveShareMinStrained : liveShareMin;
  }

  /**
   * Whether pages of the old version's extent are to be sent again. `changedBytes`: of this file, so far in this run;
   * `readBytes`: where in the old version that is.
   */
  empties(extent: number, { changedBytes, readBytes }: { changedBytes: number; readBytes: number }): boolean {
    const chunk = this.chunks.chunkOf(extent);
    const liveBytes = this.liveBytes[chunk] ?? 0;
    if (liveBytes >= this.liveShareMin * (this.chunkBytes[chunk] ?? 0)) return false;
    if (this.decided[chunk] === decisions.open) {
      // A chunk is met where its first page lies, mostly before much of the file was compared.
      const expected = changedBytes * Math.min(expectedFactorMax, this.fileBytes / Math.max(1, readBytes));
      const empties = this.emptiedBytes + liveBytes <= this.share * expected;
      this.decided[chunk] = empties ? decisions.emptied : decisions.kept;
      if (empties) this.emptiedBytes += liveBytes;
    }
    return this.decided[chunk] === decisions.emptied;
  }
}
