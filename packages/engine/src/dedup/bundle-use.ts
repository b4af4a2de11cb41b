/*
 * What the catalog being written uses of each bundle, counted in the shared table while entries are written; chunks of a block that is taken over are
 * marked on the way. Main thread only.
 *
 * The unit is a share of the bundle: the table has 15 bits for it, which costs no memory, and a bundle has few files, so that rounding comes to less than a
 * hundredth of it. Files that share an extent count for each: a bundle then seems fuller than it is and is kept for longer.
 */
import { assert } from '@twinvault/std';
import { BodyView } from '../entries/entry-body.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import { wholeShare } from './chunk-table.ts';
import type { ChunkTable } from './chunk-table.ts';

export class BundleUse {
  private readonly table: Pick<ChunkTable, 'mark' | 'use'>;
  private readonly view: BodyView = new BodyView();
  /** Neighbours share their bundle: what they use of it is counted together. */
  private id: Uint8Array | null = null;
  private bundleBytes = 0;
  private usedBytes = 0;
  /** Sum of the sizes of all bundles that are used. */
  fetchedBytes = 0;
  /** Of these, what files use. */
  liveBytes = 0;

  constructor(table: Pick<ChunkTable, 'mark' | 'use'>) {
    this.table = table;
  }

  /** Counts an entry whose chunks are marked by others. */
  entry(body: Uint8Array): void {
    this.count(this.view.over(body));
  }

  /** Marks all chunks of the entries of a block, and counts. */
  block({ items }: Pick<CacheBlock, 'items'>): void {
    const { table } = this;
    const cursor = new ItemCursor(items);
    const fields = new BodyView(items);
    let last: Uint8Array | null = null;
    while (cursor.next()) {
      fields.at(cursor.bodyStart);
      if (this.count(fields)) continue;
      for (let index = 0; index < fields.extentCount; index += 1) {
        if (last !== null && fields.hasExtentId(index, last)) continue;
        const id = fields.extentId(index);
        if (id === null) continue;
        assert(table.mark(id), 'an unchanged entry has its chunks at the vault');
        last = id;
      }
    }
  }

  /** False: the entry lies in no bundle whose size is known. */
  private count(fields: BodyView): boolean {
    const { bundleBytes } = fields;
    if (bundleBytes === 0) return false;
    for (let index = 0; index < fields.extentCount; index += 1) {
      if (this.id === null || !fields.hasExtentId(index, this.id)) {
        const id = fields.extentId(index);
        if (id === null) continue;
        this.begin(id, bundleBytes);
      }
      this.usedBytes += fields.extentLength(index);
    }
    return true;
  }

  private begin(id: Uint8Array, bundleBytes: number): void {
    this.end();
    this.id = id;
    this.bundleBytes = bundleBytes;
  }

  /** After the last entry: all is marked and counted. */
  end(): void {
    const { id, bundleBytes, usedBytes } = this;
    this.id = null;
    this.usedBytes = 0;
    if (id === null || usedBytes === 0) return;
    this.liveBytes += usedBytes;
    if (this.table.use(id, Math.max(1, Math.round((usedBytes / bundleBytes) * wholeShare)))) this.fetchedBytes += bundleBytes;
  }
}
