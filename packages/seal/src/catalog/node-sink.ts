/* Where the nodes of a catalog go to and come from: the one thing that a catalog needs of the packs below it. */

import type { ChunkId } from '@twinvault/format';

export interface NodeSink {
  /**
   * Takes a node's plaintext, which it may keep, and gives its chunk id under the keys of kind catalog. Equal plaintexts come
   * again; whether they are stored is its own affair. Nodes below come before those that name them.
   */
  put(plaintext: Uint8Array): ChunkId;
}

export interface NodeSource {
  /** Plaintext of a node, its id verified. */
  node(id: ChunkId): Promise<Uint8Array>;
}
