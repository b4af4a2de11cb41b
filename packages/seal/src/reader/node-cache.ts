/*
 * The nodes of catalogs that were used last, opened: a walk asks for the same inner nodes again and again, and safesets of one safe share
 * most of theirs. An id names content, so it does not matter out of which safeset's packs a node was read.
 */

import { toHex } from '@twinvault/std';
import type { ChunkId } from '@twinvault/format';

const cachedBytesMax = 8_388_608;

export class NodeCache {
  readonly #nodes = new Map<string, Uint8Array>();
  /** Two askers of one node share its read. */
  readonly #underway = new Map<string, Promise<Uint8Array>>();
  #bytes = 0;

  /** Plaintext of the node; not to be changed. Errors of the reading function. */
  async node(id: ChunkId, read: (id: ChunkId) => Promise<Uint8Array>): Promise<Uint8Array> {
    const name = toHex(id);
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      // The order of a map is that of insertion: the one used last goes to its end.
      this.#nodes.delete(name);
      this.#nodes.set(name, known);
      return known;
    }
    const underway = this.#underway.get(name) ?? this.#fetch(name, read(id));
    this.#underway.set(name, underway);
    return await underway;
  }

  async #fetch(name: string, reading: Promise<Uint8Array>): Promise<Uint8Array> {
    try {
      const node = await reading;
      this.#nodes.set(name, node);
      this.#bytes += node.length;
      this.#evict();
      return node;
    } finally {
      this.#underway.delete(name);
    }
  }

  #evict(): void {
    for (const [name, node] of this.#nodes) {
      if (this.#bytes <= cachedBytesMax) return;
      this.#nodes.delete(name);
      this.#bytes -= node.length;
    }
  }
}
