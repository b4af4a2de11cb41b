/*
 * The last run's entries in key order, one after another, over the blocks of the catalog cache. Everything but the loading
 * of the next block is synchronous.
 */
import { BodyView } from '../entries/entry-body.ts';
import { compareDirectories } from '../entries/entry-keys.ts';
import { ItemCursor } from '../entries/packed-items.ts';
import type { CacheBlock } from '../state/cache-block.ts';
import type { LastBlocks, LinkedBlock } from './last-blocks.ts';

export class CacheCursor {
  private readonly blocks: LastBlocks;
  /** Where its block stands among them. */
  place: LinkedBlock | null = null;
  private item: ItemCursor | null = null;
  /** Where the present entry stands; null at the end. */
  block: CacheBlock | null = null;
  private view: BodyView | null = null;
  /** Neighbours have the same two directories, whose order is known then. */
  private comparedDirectory: Uint8Array | null = null;
  private comparedWith: Uint8Array | null = null;
  private directoryOrder = 0;

  private constructor(blocks: LastBlocks) {
    this.blocks = blocks;
  }

  static async open(blocks: LastBlocks): Promise<CacheCursor> {
    const cursor = new CacheCursor(blocks);
    await cursor.load();
    return cursor;
  }

  /** No entry is left. */
  get ended(): boolean {
    return this.item === null;
  }

  /** To the next entry; false: the block is used up and `load` must be awaited. */
  step(): boolean {
    return this.item?.next() ?? true;
  }

  async load(): Promise<void> {
    for (;;) {
      const next = this.ended && this.place !== null ? null : await this.blocks.after(this.place);
      this.place = next ?? this.place;
      this.block = next?.block ?? null;
      this.item = this.block === null ? null : new ItemCursor(this.block.items);
      this.view = this.block === null ? null : new BodyView(this.block.items);
      if (this.item === null || this.item.next()) return;
    }
  }

  /** Whether the present entry comes before the one that begins there. */
  isBefore(block: CacheBlock, itemStart: number): boolean {
    return this.item !== null && (this.block !== block || this.item.itemStart < itemStart);
  }

  isOn(block: CacheBlock, itemStart: number): boolean {
    return this.block === block && this.item?.itemStart === itemStart;
  }

  /** To an entry of the same block that is not before the present one. */
  skipTo(itemStart: number, directory: Uint8Array): void {
    this.present.moveTo(itemStart, directory);
  }

  /** Order of the present entry and a key; positive at the end. */
  compare(directory: Uint8Array, name: Uint8Array): number {
    if (this.item === null) return 1;
    return compareDirectories(this.item.directory, directory) || this.item.compareName(name);
  }

  /** Order of the present entry and another list's; positive at the end. */
  compareItem(other: ItemCursor): number {
    const { item } = this;
    if (item === null) return 1;
    if (item.directory !== this.comparedDirectory || other.directory !== this.comparedWith) {
      this.comparedDirectory = item.directory;
      this.comparedWith = other.directory;
      this.directoryOrder = compareDirectories(item.directory, other.directory);
    }
    return this.directoryOrder === 0 ? item.compareItemName(other) : this.directoryOrder;
  }

  get directory(): Uint8Array {
    return this.present.directory;
  }

  get name(): Uint8Array {
    return this.present.name;
  }

  /** Bytes of the present entry's body; they stay valid. */
  get body(): Uint8Array {
    return this.present.body;
  }

  /** Moves with the cursor. */
  get fields(): BodyView {
    if (this.view === null) throw new RangeError('the cursor has ended');
    return this.view.at(this.present.bodyStart);
  }

  private get present(): ItemCursor {
    if (this.item === null) throw new RangeError('the cursor has ended');
    return this.item;
  }
}
