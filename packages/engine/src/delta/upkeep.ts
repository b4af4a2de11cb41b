/*
 * Upkeep of the chunks of one file: a chunk of which the newest version uses less than a fifth is emptied, its live pages
 * sent along with what changed, so that the vault can drop it when older safesets go (docs/format/delta.md).
 *
 * A chunk is emptied whole or not at all; what that costs stays within a quarter of what the file sends anyway, or within
 * as much again when a restore would fetch over twice the file.
 */
import { toHex } from '@twinvault/std';
import type { OldVersion } from './old-version.ts';

const liveShareMin = 1 / 5;
const budgetShare = 1 / 4;
const budgetShareStrained = 1;
const fetchedFactorMax = 2;

interface ChunkUse {
  readonly chunkBytes: number;
  liveBytes: number;
  /** Null: not met yet in this run. */
  emptied: boolean | null;
}

export class Upkeep {
  private readonly uses: ChunkUse[];
  private readonly share: number;
  private emptiedBytes = 0;

  constructor({ extents }: OldVersion) {
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
    this.share = fetchedBytes > fetchedFactorMax * liveBytes ? budgetShareStrained : budgetShare;
  }

  /** Whether pages of the old version's extent are to be sent again. `changedBytes`: of this file, so far in this run. */
  empties(extent: number, changedBytes: number): boolean {
    const use = this.uses[extent];
    if (use === undefined || use.liveBytes >= liveShareMin * use.chunkBytes) return false;
    if (use.emptied === null) {
      use.emptied = this.emptiedBytes + use.liveBytes <= this.share * changedBytes;
      if (use.emptied) this.emptiedBytes += use.liveBytes;
    }
    return use.emptied;
  }
}
