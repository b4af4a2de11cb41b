/*
 * Ropes: long lists of extents as a prolly tree of their own, docs/format/catalog.md, so that a change in a file of a million
 * extents writes a handful of nodes.
 */

import type { ChunkId } from '@twinvault/format';
import { extentCost } from './attribute-items.ts';
import { chunkIdBytes, nodeCostMax } from './catalog-limits.ts';
import { checkExtents, entryDefect } from './check-entry.ts';
import type { Extent } from './entry.ts';
import { touches } from './extents-codec.ts';
import type { NodeBounds } from './node-bounds.ts';
import type { NodeSink } from './node-sink.ts';
import { encodeRopeInner, encodeRopeLeaf } from './small-nodes.ts';
import type { RopeChild } from './small-nodes.ts';
import { Tower } from './tower.ts';

const leafExtentsMax: number = nodeCostMax / extentCost;

export interface Rope {
  readonly id: ChunkId;
  readonly lengthBytes: number;
}

/** Takes extents in order, of which one at a time is kept until it is known that the next does not touch it. */
export class RopeWriter {
  readonly #bounds: NodeBounds;
  readonly #sink: NodeSink;
  readonly #tower: Tower<RopeChild>;
  readonly #key = new Uint8Array(chunkIdBytes + 8);
  readonly #keyView = new DataView(this.#key.buffer);
  #last: Extent | null = null;
  #pending: Extent[] = [];

  constructor(bounds: NodeBounds, sink: NodeSink) {
    this.#bounds = bounds;
    this.#sink = sink;
    this.#tower = new Tower({
      costOf: () => extentCost,
      endsAfter: (level, { id, lengthBytes }) => this.#endsAfter(level, id, lengthBytes),
      store: (level, children) => this.#child(encodeRopeInner(level, children), children),
    });
  }

  /** `catalog-entry-invalid` for an extent out of range. */
  add(extent: Extent): void {
    checkExtents([extent]);
    const last = this.#last;
    if (last !== null && touches(last, extent)) {
      this.#last = { ...last, lengthBytes: last.lengthBytes + extent.lengthBytes };
      return;
    }
    if (last !== null) this.#take(last);
    this.#last = extent;
  }

  /** After at least one extent. */
  finish(): Rope {
    if (this.#last === null) throw entryDefect('rope');
    this.#take(this.#last);
    if (this.#pending.length > 0) this.#closeLeaf();
    const { child } = this.#tower.finish();
    if (child.lengthBytes > Number.MAX_SAFE_INTEGER) throw entryDefect('size');
    return child;
  }

  #take(extent: Extent): void {
    this.#pending.push(extent);
    const count = this.#pending.length;
    if (count === leafExtentsMax || (count >= 2 && this.#endsAfter(0, extent.chunk, extent.lengthBytes))) this.#closeLeaf();
  }

  #closeLeaf(): void {
    const extents = this.#pending;
    this.#pending = [];
    this.#tower.add(this.#child(encodeRopeLeaf(extents), extents));
  }

  #child(plaintext: Uint8Array, parts: readonly { readonly lengthBytes: number }[]): RopeChild {
    let lengthBytes = 0;
    for (const part of parts) lengthBytes += part.lengthBytes;
    return { id: this.#sink.put(plaintext), lengthBytes };
  }

  /** k = chunk id (zeros for a hole) | u64 length. */
  #endsAfter(level: number, id: ChunkId | null, lengthBytes: number): boolean {
    if (id === null) this.#key.fill(0, 0, chunkIdBytes);
    else this.#key.set(id);
    this.#keyView.setUint32(chunkIdBytes, lengthBytes % 0x1_0000_0000, true);
    this.#keyView.setUint32(chunkIdBytes + 4, Math.floor(lengthBytes / 0x1_0000_0000), true);
    return this.#bounds.endsAfterKey(level, this.#key);
  }
}
