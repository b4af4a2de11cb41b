/*
 * The chunk ids of one node, in order of first use, each once. IdTable makes the table while a node is written; IdUses
 * hands its ids out while one is read and holds the node to that order.
 */

import type { ChunkId } from '@twinvault/format';
import { assert } from '@twinvault/std';
import { chunkIdBytes } from './catalog-limits.ts';
import { nodeDefect } from './column-reader.ts';

/** More than any node's cost allows. */
const idsMaxDefault = 4096;

/** Open addressing over the bytes of the ids; emptied and reused from node to node. */
export class IdTable {
  #ids = new Uint8Array(chunkIdBytes * 128);
  #count = 0;
  /** Index + 1 of the id that a slot holds; 0: free. */
  readonly #slots: Int32Array;
  #lastIndex = -1;

  /** For at most `idsMax` ids. */
  constructor(idsMax: number = idsMaxDefault) {
    let slotCount = 16;
    while (slotCount < 2 * idsMax) slotCount *= 2;
    this.#slots = new Int32Array(slotCount);
  }

  clear(): void {
    if (this.#count > 0) this.#slots.fill(0);
    this.#count = 0;
    this.#lastIndex = -1;
  }

  /** The id's place in the table, which it gets now if it has none. Entries of one bundle ask for the same id in turn. */
  indexOf(id: ChunkId): number {
    assert(id.length === chunkIdBytes, 'chunk id is not 32 bytes');
    if (this.#lastIndex >= 0 && this.#holds(this.#lastIndex, id)) return this.#lastIndex;
    const mask = this.#slots.length - 1;
    let slot = hashOf(id) & mask;
    for (;;) {
      const held = this.#slots[slot] ?? 0;
      if (held === 0) break;
      if (this.#holds(held - 1, id)) {
        this.#lastIndex = held - 1;
        return held - 1;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(id, slot);
  }

  /** All ids one after the other, as a view that the next call may change. */
  view(): Uint8Array {
    return this.#ids.subarray(0, this.#count * chunkIdBytes);
  }

  #add(id: ChunkId, slot: number): number {
    const index = this.#count;
    assert(index <= this.#slots.length / 2, 'too many ids in a node');
    const offset = index * chunkIdBytes;
    if (offset + chunkIdBytes > this.#ids.length) {
      const grown = new Uint8Array(2 * this.#ids.length);
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids.set(id, offset);
    this.#slots[slot] = index + 1;
    this.#count += 1;
    this.#lastIndex = index;
    return index;
  }

  #holds(index: number, id: Uint8Array): boolean {
    const ids = this.#ids;
    const offset = index * chunkIdBytes;
    for (let at = 0; at < chunkIdBytes; at += 1) if (ids[offset + at] !== id[at]) return false;
    return true;
  }
}

/** Ids are PRF output, so four bytes would do; the multiplication serves made-up ones of tests. */
function hashOf(id: Uint8Array): number {
  const low = (id[0] ?? 0) | ((id[1] ?? 0) << 8) | ((id[30] ?? 0) << 16) | ((id[31] ?? 0) << 24);
  return Math.imul(low, 0x9e37_79b1) >>> 19;
}

/** The ids of a node that is read. */
export class IdUses {
  readonly ids: readonly ChunkId[];
  #used = 0;

  /** `table`: the node's `ids`, views of which it gives. */
  constructor(table: Uint8Array) {
    if (table.length % chunkIdBytes !== 0) throw nodeDefect('ids are not 32 bytes each');
    const ids: ChunkId[] = [];
    for (let offset = 0; offset < table.length; offset += chunkIdBytes) {
      ids.push(table.subarray(offset, offset + chunkIdBytes) as ChunkId);
    }
    this.ids = ids;
  }

  /** Called in the order in which the node names indexes: a new one must be the next. */
  at(index: number): ChunkId {
    const id = this.ids[index];
    if (id === undefined || index > this.#used) throw nodeDefect('ids not in order of first use');
    if (index === this.#used) this.#used += 1;
    return id;
  }

  /** All were used, and no two are equal. */
  end(): void {
    if (this.#used !== this.ids.length) throw nodeDefect('id without use');
    const table = new IdTable(this.ids.length);
    for (const [index, id] of this.ids.entries()) if (table.indexOf(id) !== index) throw nodeDefect('id stands twice');
  }
}
