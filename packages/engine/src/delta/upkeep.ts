/*
 * Upkeep of the chunks of one file: a chunk of which the newest version uses less than a fifth is emptied, its live pages
 * sent along with what changed, so that the vault can drop it when older safesets go (docs/format/delta.md).
 *
 * A chunk is emptied whole or not at all; what that costs stays within a quarter of what the file sends anyway, or, when a
 * restore would fetch over twice the file, within as much again, and chunks of less than a quarter are emptied. How much a
 * file will send is not known when its first chunks are met, so it is reckoned by the part that was compared.
 */
import { toHex } from '@twinvault/std';
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

interface ChunkUse {
  readonly chunkBytes: number;
  liveBytes: number;
  /** Null: not met yet in this run. */
  emptied: boolean | null;
}

export class Upkeep {
  private readonly uses: ChunkUse[];
  private readonly share: number;
  private readonly liveShareMin: number;
  private emptiedBytes = 0;

  private readonly fileBytes: number;

  constructor({ extents }: OldVersion) {
    const last = extents.at(-1);
    this.fileBytes = last === undefined ? 0 : last.fileOffsetBytes + last.lengthBytes;
    const byId = new Map<string, ChunkUse>();
    this.uses = extents.map(({ id, chunkBytes, lengthBytes }) => {
      const key = toHex(id.subarray(0, 16));
      const use = byId.get(key) ?? { chunkBytes, liveBytes: 0, emptied: null };
      byId.set(key, use);
      use.liveBytes += lengthBytes;
      return use;
    });
    let [fetchedBytes, liveBytes] = [0, 0];
    for (const use of byId.values()) {
      fetchedBytes += use.chunkBytes;
      liveBytes += use.liveBytes;
    }
    const isStrained = fetchedBytes > fetchedFactorMax * liveBytes;
    this.share = isStrained ? budgetShareStrained : budgetShare;
    this.liveShareMin = isStrained ? liveShareMinStrained : liveShareMin;
  }

  /**
   * Whether pages of the old version's extent are to be sent again. `changedBytes`: of this file, so far in this run;
   * `readBytes`: where in the old version that is.
   */
  empties(extent: number, { changedBytes, readBytes }: { changedBytes: number; readBytes: number }): boolean {
    const use = this.uses[extent];
    if (use === undefined || use.liveBytes >= this.liveShareMin * use.chunkBytes) return false;
    if (use.emptied === null) {
      // A chunk is met where its first page lies, mostly before much of the file was compared.
      const expected = changedBytes * Math.min(expectedFactorMax, this.fileBytes / Math.max(1, readBytes));
      use.emptied = this.emptiedBytes + use.liveBytes <= this.share * expected;
      if (use.emptied) this.emptiedBytes += use.liveBytes;
    }
    return use.emptied;
  }
}
