/*
 * Which blob each slip of this computer opens: a chunk that another computer stored is known by the slip's place, and refs
 * name both. Eight bytes for each position of a pack that holds slips; main thread only.
 */
import type { ChunkPlace } from './chunk-table.ts';

/** Position of a slip in its pack, pack number and position of its blob. */
export const wordsPerSlip = 3;

const positionsAtFirst = 1024;

export class SlipPairs {
  /** By number of the slips' pack: at 2 x position the blob's pack + 1, then its position. */
  private readonly packs = new Map<number, Int32Array>();

  add(slip: ChunkPlace, blob: ChunkPlace): void {
    const known = this.packs.get(slip.pack) ?? new Int32Array(2 * positionsAtFirst);
    const pairs = 2 * slip.position < known.length ? known : grown(known, 2 * slip.position + 2);
    pairs[2 * slip.position] = blob.pack + 1;
    pairs[2 * slip.position + 1] = blob.position;
    this.packs.set(slip.pack, pairs);
  }

  /** Three words a slip, as a closed pack has them. */
  addAll(pack: number, slips: Int32Array): void {
    for (let at = 0; at < slips.length; at += wordsPerSlip) {
      this.add({ pack, position: slips[at] ?? 0 }, { pack: slips[at + 1] ?? 0, position: slips[at + 2] ?? 0 });
    }
  }

  /** Null when the place holds a blob of its own. */
  blobOf({ pack, position }: ChunkPlace): ChunkPlace | null {
    const pairs = this.packs.get(pack);
    const blobPack = pairs?.[2 * position] ?? 0;
    return pairs === undefined || blobPack === 0 ? null : { pack: blobPack - 1, position: pairs[2 * position + 1] ?? 0 };
  }
}

function grown(pairs: Int32Array, wordsMin: number): Int32Array {
  let length = pairs.length;
  while (length < wordsMin) length *= 2;
  const larger = new Int32Array(length);
  larger.set(pairs);
  return larger;
}
