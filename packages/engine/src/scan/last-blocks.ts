/*
 * The blocks of the last run's cache, read once for two that go through them: the join, and the scan, which is ahead of it. A list of which each holds
 * the place where it stands, so that what both have left behind is free.
 */
import { assert } from '@twinvault/std';
import type { CacheBlock } from '../state/cache-block.ts';
import type { CacheReader } from '../state/catalog-cache.ts';

/** A block and what comes after it, as far as it was read. */
export interface LinkedBlock {
  readonly block: CacheBlock;
  /** Null: not read yet, or the last. */
  next: LinkedBlock | null;
}

export class LastBlocks {
  private readonly reader: CacheReader | null;
  private newest: LinkedBlock | null = null;
  private ended: boolean;

  /** Null: there was no last run. */
  constructor(reader: CacheReader | null) {
    this.reader = reader;
    this.ended = reader === null;
  }

  /** All blocks were read; those of a damaged rest count as not there. */
  get isEnded(): boolean {
    return this.ended;
  }

  /** The one after `place`, or the first of all for null, which is asked for once; null at the end. One call after another. */
  async after(place: LinkedBlock | null): Promise<LinkedBlock | null> {
    assert(place !== null || this.newest === null, 'the first block is asked for once');
    if (place !== null && place.next !== null) return place.next;
    if (this.ended) return null;
    const block = (await this.reader?.nextBlock()) ?? null;
    if (block === null) {
      this.ended = true;
      return null;
    }
    const linked: LinkedBlock = { block, next: null };
    if (this.newest !== null) this.newest.next = linked;
    this.newest = linked;
    return linked;
  }
}
