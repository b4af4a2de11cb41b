/*
 * The chunks of one window: each gets a number, under which all that follows knows it, and is looked up once: where its blobs lie and how they
 * open.
 *
 * Chained hashing in typed arrays: chunk ids are the output of a MAC, so four of their bytes serve as the hash. What is kept is copied: ids,
 * names and openings come as views that would keep whole catalog nodes and pack tables in memory, and would be posted with them.
 */
import { equalBytes, toHex } from '@twinvault/std';
import { chunkId } from '@twinvault/format';
import type { ChunkId, PackKind, PackName, SafeId, Suite } from '@twinvault/format';
import type { ChunkPlace } from '@twinvault/seal';
import type { ChunkFinder } from './contents.ts';
import { lossOf } from './losses.ts';

/** A stored copy of a chunk and how it opens. */
export interface Blob {
  readonly chunk: number;
  readonly pack: PackName;
  /** Equal for equal packs of one set; in no other order than that of their first use. */
  readonly packNumber: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** SHA-256 of its bytes, as the pack's table has it. */
  readonly hash: Uint8Array;
  readonly opening: {
    readonly suite: Suite;
    readonly safe: SafeId;
    readonly kind: PackKind;
    readonly keys: readonly Uint8Array[];
  };
}

const none = -1;
const noBlobs: readonly Blob[] = [];

export class ChunkSet {
  readonly #ids: ChunkId[] = [];
  readonly #blobs: (readonly Blob[])[] = [];
  readonly #lost = new Map<number, string>();
  #heads = new Int32Array(1024).fill(none);
  #next = new Int32Array(1024);
  readonly #packNumbers = new Map<string, number>();
  #lastPack: { readonly given: PackName; readonly name: PackName; readonly number: number } | null = null;
  readonly #safes = new Map<string, SafeId>();
  #lastSafe: { readonly given: SafeId; readonly copy: SafeId } | null = null;

  readonly #isWanted: (place: ChunkPlace) => boolean;

  /** `isWanted`: asked once for each place of each chunk; places that are not wanted are as if the chunk had others. */
  constructor(isWanted: (place: ChunkPlace) => boolean = () => true) {
    this.#isWanted = isWanted;
  }

  get count(): number {
    return this.#ids.length;
  }

  /** The number of the chunk: from 0 on, in the order in which they are first seen. */
  add(id: ChunkId): number {
    const hash = hashOf(id);
    for (let at = this.#heads[hash & (this.#heads.length - 1)] ?? none; at !== none; at = this.#next[at] ?? none) {
      const known = this.#ids[at];
      if (known !== undefined && equalBytes(known, id)) return at;
    }
    const number = this.#ids.length;
    this.#ids.push(chunkId(id.slice()));
    if (number === this.#next.length) this.#grow();
    this.#link(number, hash);
    return number;
  }

  id(number: number): ChunkId {
    const id = this.#ids[number];
    if (id === undefined) throw new RangeError('no chunk of this number');
    return id;
  }

  /** Copies of the chunk that can be read and opened, as far as is known; empty: none. */
  blobs(number: number): readonly Blob[] {
    return this.#blobs[number] ?? noBlobs;
  }

  /** The copy that stands for the chunk in plans. */
  blob(number: number): Blob | null {
    return this.#blobs[number]?.[0] ?? null;
  }

  /** Chunks that have no copy, with the code that says why. */
  get lost(): ReadonlyMap<number, string> {
    return this.#lost;
  }

  /** Looks up all chunks added since the last call; what is missing or does not open is noted, not thrown. */
  async locate(finder: ChunkFinder): Promise<void> {
    for (let number = this.#blobs.length; number < this.#ids.length; number += 1) {
      const { blobs, loss } = await this.#find(number, finder);
      this.#blobs.push(blobs);
      if (blobs.length === 0 && loss !== null) this.#lost.set(number, loss);
    }
  }

  async #find(number: number, finder: ChunkFinder): Promise<{ blobs: readonly Blob[]; loss: string | null }> {
    const blobs: Blob[] = [];
    const places = await this.#places(number, finder);
    let loss: string | null = places.length === 0 ? 'chunk-missing' : null;
    for (const place of places) {
      if (!this.#isWanted(place)) continue;
      try {
        blobs.push(this.#blobOf(number, place, await finder.openingOf(place)));
      } catch (error) {
        const code = lossOf(error);
        if (code === null) throw error;
        loss ??= code;
      }
    }
    return { blobs, loss };
  }

  async #places(number: number, finder: ChunkFinder): Promise<readonly ChunkPlace[]> {
    try {
      return await finder.places(this.id(number));
    } catch (error) {
      if (lossOf(error) === null) throw error;
      return [];
    }
  }

  #blobOf(chunk: number, { pack, row }: ChunkPlace, { suite, safe, kind, keys }: Blob['opening']): Blob {
    const { number: packNumber, name } = this.#packOf(pack);
    const { offsetBytes, lengthBytes } = row;
    const hash = row.blobHash.slice();
    return {
      chunk,
      pack: name,
      packNumber,
      offsetBytes,
      lengthBytes,
      hash,
      opening: { suite, safe: this.#safeOf(safe), kind, keys },
    };
  }

  #packOf(pack: PackName): { readonly name: PackName; readonly number: number } {
    const last = this.#lastPack;
    if (last !== null && (last.given === pack || equalBytes(last.name, pack))) return last;
    const hex = toHex(pack);
    const number = this.#packNumbers.get(hex) ?? this.#packNumbers.size;
    this.#packNumbers.set(hex, number);
    const name: PackName = last?.number === number ? last.name : (pack.slice() as PackName);
    this.#lastPack = { given: pack, name, number };
    return this.#lastPack;
  }

  #safeOf(safe: SafeId): SafeId {
    if (this.#lastSafe?.given === safe) return this.#lastSafe.copy;
    const hex = toHex(safe);
    const copy = this.#safes.get(hex) ?? (safe.slice() as SafeId);
    this.#safes.set(hex, copy);
    this.#lastSafe = { given: safe, copy };
    return copy;
  }

  #link(number: number, hash: number): void {
    const slot = hash & (this.#heads.length - 1);
    this.#next[number] = this.#heads[slot] ?? none;
    this.#heads[slot] = number;
  }

  #grow(): void {
    const capacity = 2 * this.#next.length;
    this.#next = new Int32Array(capacity);
    this.#heads = new Int32Array(capacity).fill(none);
    for (const [number, id] of this.#ids.entries()) if (number < this.#ids.length - 1) this.#link(number, hashOf(id));
  }
}

function hashOf(id: ChunkId): number {
  return (id[0] ?? 0) | ((id[1] ?? 0) << 8) | ((id[2] ?? 0) << 16) | ((id[3] ?? 0) << 24);
}
