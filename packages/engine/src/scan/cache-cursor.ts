/*
 * The last run's entries in key order, one after another, over the blocks of the catalog cache. Everything but the loading
 * of the next block is synchronous.
 */
import { BodyView } from '../entries/entry-body.ts';
import { compareDirectories } from '../entries/entry-keys.ts';
import type { ItemCursor } from '../entries/packed-items.ts';
import type { CacheReader } from '../state/catalog-cache.ts';

export class CacheCursor {
  private readonly reader: CacheReader | null;
  private block: ItemCursor | null = null;
  private view: BodyView | null = null;

  private constructor(reader: CacheReader | null) {
    this.reader = reader;
  }

  static async open(reader: CacheReader | null): Promise<CacheCursor> {
    const cursor = new CacheCursor(reader);
    await cursor.load();
    return cursor;
  }

  /** No entry is left. */
  get ended(): boolean {
    return this.block === null;
  }

  /** To the next entry; false: the block is used up and `load` must be awaited. */
  step(): boolean {
    return this.block?.next() ?? true;
  }

  async load(): Promise<void> {
    for (;;) {
      this.block = (await this.reader?.nextBlock()) ?? null;
      this.view = this.block === null ? null : new BodyView(this.block.bytes);
      if (this.block === null || this.block.next()) return;
    }
  }

  /** Order of the present entry and a key; positive at the end. */
  compare(directory: Uint8Array, name: Uint8Array): number {
    if (this.block === null) return 1;
    return compareDirectories(this.block.directory, directory) || this.block.compareName(name);
  }

  get directory(): Uint8Array {
    return this.item.directory;
  }

  get name(): Uint8Array {
    return this.item.name;
  }

  /** Bytes of the present entry's body; they stay valid. */
  get body(): Uint8Array {
    return this.item.body;
  }

  /** Moves with the cursor. */
  get fields(): BodyView {
    if (this.view === null) throw new RangeError('the cursor has ended');
    return this.view.at(this.item.bodyStart);
  }

  private get item(): ItemCursor {
    if (this.block === null) throw new RangeError('the cursor has ended');
    return this.block;
  }
}
