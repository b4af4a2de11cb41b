/*
 * Which extents of a version lie in which chunk, by the first 16 bytes of the chunks' ids: some 32 bytes of memory for an extent, no
 * object, since a large file that changed for many nights has millions of them.
 */
import type { OldVersion } from './old-version.ts';

const nameWords = 4;
const none = -1;

export class ChunkIndex {
  /** Of different chunks. */
  chunkCount = 0;
  private readonly chunks: Uint32Array;
  /** For each chunk its first extent; for each extent the next one in the same chunk, or -1. */
  private readonly firsts: Int32Array;
  private readonly nexts: Int32Array;
  private readonly lasts: Int32Array;
  private readonly names: Uint32Array;
  private readonly table: Uint32Array;

  constructor(version: OldVersion) {
    const { extentCount } = version;
    this.chunks = new Uint32Array(extentCount);
    this.firsts = new Int32Array(extentCount);
    this.lasts = new Int32Array(extentCount);
    this.nexts = new Int32Array(extentCount).fill(none);
    this.names = new Uint32Array(nameWords * extentCount);
    this.table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * extentCount + 2)));
    for (let extent = 0; extent < extentCount; extent += 1) this.add(version.id(extent), extent);
  }

  /** Number of the chunk that the extent lies in: 0 to `chunkCount` - 1. */
  chunkOf(extent: number): number {
    return this.chunks[extent] ?? 0;
  }

  /** Extents that lie in the chunk, in order. */
  *extentsIn(id: Uint8Array): Generator<number, void, undefined> {
    const number = (this.table[this.slotOf(id)] ?? 0) - 1;
    if (number < 0) return;
    for (let extent = this.firsts[number] ?? none; extent !== none; extent = this.nexts[extent] ?? none) yield extent;
  }

  private add(id: Uint8Array, extent: number): void {
    const slot = this.slotOf(id);
    const known = (this.table[slot] ?? 0) - 1;
    const number = known < 0 ? this.chunkCount : known;
    if (known < 0) {
      this.chunkCount += 1;
      this.table[slot] = this.chunkCount;
      const view = wordsOf(id);
      for (let word = 0; word < nameWords; word += 1) this.names[nameWords * number + word] = view.getUint32(4 * word, true);
      this.firsts[number] = extent;
    } else this.nexts[this.lasts[number] ?? 0] = extent;
    this.lasts[number] = extent;
    this.chunks[extent] = number;
  }

  /** Of the chunk, or where it would stand. */
  private slotOf(id: Uint8Array): number {
    const { table } = this;
    const view = wordsOf(id);
    // Ids are uniform: any word of one is a hash.
    for (let slot = view.getUint32(0, true) & (table.length - 1); ; slot = (slot + 1) & (table.length - 1)) {
      const number = (table[slot] ?? 0) - 1;
      if (number < 0 || this.hasName(number, view)) return slot;
    }
  }

  private hasName(number: number, view: DataView): boolean {
    for (let word = 0; word < nameWords; word += 1) {
      if (this.names[nameWords * number + word] !== view.getUint32(4 * word, true)) return false;
    }
    return true;
  }
}

function wordsOf(id: Uint8Array): DataView {
  return new DataView(id.buffer, id.byteOffset, 4 * nameWords);
}
