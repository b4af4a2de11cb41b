/*
 * Blobs of other computers that this one may use once it has proven them: what the proof needs of each, in shared memory. The
 * main thread fills it and finishes it before any worker attaches; from then on it is only read.
 *
 * Entry, 80 bytes, 20 i32 words:
 *
 *   word 0      the next entry of the same bucket, counted from 1; 0 at the end
 *   word 1      number of the blob's origin pack
 *   word 2      position there (16 bits) | suite (from bit 16)
 *   word 3      length of the blob
 *   word 4-7    the first 16 bytes of the chunk id
 *   word 8-11   salt
 *   word 12-19  SHA-256 of the blob
 *
 * The heads of the buckets are one i32 each, at least as many as entries: 84 to 88 bytes a blob in all, 88 MB for a million
 * (about 1 TiB). Nothing of it is believed: whoever stored a blob under an id may have stored anything.
 */
import { assert } from '@twinvault/std';
import type { Suite } from '@twinvault/format';
import type { ChunkPlace } from './chunk-table.ts';

const wordsPerEntry = 20;
const entriesPerBlock = 1 << 16;
const blockBytes = 4 * wordsPerEntry * entriesPerBlock;
const positionMask = 0xffff;
/** Blobs that are tried for one id: a hacked computer may have stored many that are wrong. */
const candidatesMax = 4;

/** Plain shared buffers. */
export interface SharedForeignChunks {
  readonly blocks: readonly SharedArrayBuffer[];
  readonly heads: SharedArrayBuffer;
}

/** A blob that may be the wanted chunk's. */
export interface ForeignBlob {
  readonly place: ChunkPlace;
  readonly suite: Suite;
  readonly salt: Uint8Array;
  readonly blobHash: Uint8Array;
  readonly lengthBytes: number;
}

export interface NewForeignBlob extends ForeignBlob {
  readonly id: Uint8Array;
}

export class ForeignChunks {
  private readonly blocks: Int32Array[];
  private heads: Int32Array;
  private taken = 0;

  private constructor(blocks: Int32Array[], heads: Int32Array) {
    this.blocks = blocks;
    this.heads = heads;
  }

  static create(): ForeignChunks {
    return new ForeignChunks([], new Int32Array(0));
  }

  static attach({ blocks, heads }: SharedForeignChunks): ForeignChunks {
    return new ForeignChunks(
      blocks.map((buffer) => new Int32Array(buffer)),
      new Int32Array(heads),
    );
  }

  get shared(): SharedForeignChunks {
    return {
      blocks: this.blocks.map(({ buffer }) => buffer as SharedArrayBuffer),
      heads: this.heads.buffer as SharedArrayBuffer,
    };
  }

  get count(): number {
    return this.taken;
  }

  /** Copies what it is given. Before `finish`. */
  add({ id, place, suite, salt, blobHash, lengthBytes }: NewForeignBlob): void {
    assert(this.heads.length === 0, 'blobs are added before the table is finished');
    assert(place.position <= positionMask, 'positions are below packRowsMax');
    const index = this.taken;
    if (index % entriesPerBlock === 0) this.blocks.push(new Int32Array(new SharedArrayBuffer(blockBytes)));
    this.taken += 1;
    const { block, at } = this.entryAt(index);
    block[at + 1] = place.pack;
    block[at + 2] = place.position | (suite << 16);
    block[at + 3] = lengthBytes;
    const bytes = new Uint8Array(block.buffer, 4 * (at + 4), 64);
    bytes.set(id.subarray(0, 16));
    bytes.set(salt, 16);
    bytes.set(blobHash, 32);
  }

  /** Makes the buckets; once, before `candidates`. */
  finish(): void {
    let size = 1;
    while (size < this.taken) size *= 2;
    this.heads = new Int32Array(new SharedArrayBuffer(4 * size));
    for (let index = 0; index < this.taken; index += 1) {
      const { block, at } = this.entryAt(index);
      const bucket = (block[at + 4] ?? 0) & (size - 1);
      block[at] = this.heads[bucket] ?? 0;
      this.heads[bucket] = index + 1;
    }
  }

  /** Copies of what is known of an id's blobs; at most `candidatesMax`. */
  candidates(id: Uint8Array): ForeignBlob[] {
    const found: ForeignBlob[] = [];
    let next = this.heads[wordOf(id, 0) & (this.heads.length - 1)] ?? 0;
    while (next !== 0 && found.length < candidatesMax) {
      const { block, at } = this.entryAt(next - 1);
      if (holds(block, at, id)) found.push(blobAt(block, at));
      next = block[at] ?? 0;
    }
    return found;
  }

  private entryAt(index: number): { readonly block: Int32Array; readonly at: number } {
    const block = this.blocks[Math.floor(index / entriesPerBlock)];
    assert(block !== undefined, 'entries count up from 0');
    return { block, at: (index % entriesPerBlock) * wordsPerEntry };
  }
}

function holds(block: Int32Array, at: number, id: Uint8Array): boolean {
  for (let word = 0; word < 4; word += 1) if (block[at + 4 + word] !== wordOf(id, 4 * word)) return false;
  return true;
}

function blobAt(block: Int32Array, at: number): ForeignBlob {
  const second = block[at + 2] ?? 0;
  const bytes = new Uint8Array(block.buffer, 4 * (at + 8), 48).slice();
  return {
    place: { pack: block[at + 1] ?? 0, position: second & positionMask },
    suite: second >>> 16 === 2 ? 2 : 1,
    salt: bytes.subarray(0, 16),
    blobHash: bytes.subarray(16),
    lengthBytes: block[at + 3] ?? 0,
  };
}

function wordOf(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}
