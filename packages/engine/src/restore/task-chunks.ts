/*
 * The chunks of one task in a restoring thread: each is opened when it is first needed, and dropped after its last use, so that what compresses
 * well does not fill the memory.
 *
 * Invariant: no plaintext leaves here that is not the one its chunk id names.
 */
import { assert, CodedError, releaseBytes } from '@twinvault/std';
import { packKinds } from '@twinvault/format';
import type { PackKind } from '@twinvault/format';
import { kindKeys, openChunkWithKeys } from '@twinvault/seal';
import type { KindKeys, WriteSecret } from '@twinvault/seal';
import type { PlaintextPool } from './plaintext-pool.ts';
import { countUses } from './task-codec.ts';
import type { FetchedCopy, RestoreTask, TaskChunk } from './tasks.ts';

export type AllKindKeys = ReadonlyMap<PackKind, KindKeys>;

export function allKindKeys(writeSecret: WriteSecret): AllKindKeys {
  return new Map(Object.values(packKinds).map((kind) => [kind, kindKeys(writeSecret, kind)]));
}

export class TaskChunks {
  readonly #task: RestoreTask;
  readonly #keys: AllKindKeys;
  readonly #usesLeft: Uint32Array;
  readonly #open = new Map<number, Uint8Array>();
  readonly #pool: PlaintextPool;
  /** Handed out for the last time: free when the next one is asked for. */
  #spent: Uint8Array | null = null;
  /** Chunk to the code of its first error. */
  readonly damaged: Map<number, string> = new Map();

  constructor(task: RestoreTask, keys: AllKindKeys, pool: PlaintextPool) {
    this.#task = task;
    this.#pool = pool;
    this.#keys = keys;
    this.#usesLeft = task.pieces === null ? new Uint32Array(0) : countUses(task.pieces, task.chunks.length);
  }

  /**
   * To be called once for each write of the task, or not at all where a file was given up. Good until the next call. Null: no
   * copy of it opens.
   */
  take(chunk: number): Uint8Array | null {
    this.#pool.give(this.#spent);
    this.#spent = null;
    const plaintext = this.#open.get(chunk) ?? this.#openOne(chunk);
    const left = (this.#usesLeft[chunk] ?? 1) - 1;
    this.#usesLeft[chunk] = left;
    if (left === 0) {
      this.#open.delete(chunk);
      this.#spent = plaintext;
    } else if (plaintext !== null) this.#open.set(chunk, plaintext);
    return plaintext;
  }

  /** Opens every copy of every chunk. */
  verify(): void {
    for (const [index, chunk] of this.#task.chunks.entries()) {
      for (const copy of chunk.copies) this.#pool.give(this.#openCopy(index, chunk, copy));
    }
  }

  /** Ends the task: what was opened is free for the next one, what was fetched is given back. */
  [Symbol.dispose](): void {
    this.#pool.give(this.#spent);
    for (const plaintext of this.#open.values()) this.#pool.give(plaintext);
    this.#open.clear();
    for (const buffer of this.#task.buffers) releaseBytes(buffer);
  }

  #openOne(index: number): Uint8Array | null {
    if (this.damaged.has(index)) return null;
    const chunk = this.#task.chunks[index];
    assert(chunk !== undefined, 'a write names a chunk of its task');
    for (const copy of chunk.copies) {
      const plaintext = this.#openCopy(index, chunk, copy);
      if (plaintext === null) continue;
      this.damaged.delete(index);
      return plaintext;
    }
    if (!this.damaged.has(index)) this.damaged.set(index, 'chunk-missing');
    return null;
  }

  #openCopy(index: number, { id }: TaskChunk, copy: FetchedCopy): Uint8Array | null {
    const { suite, safe, kind, offsetBytes, lengthBytes } = copy;
    const keys = this.#keys.get(kind);
    const buffer = this.#task.buffers[copy.buffer];
    assert(keys !== undefined && buffer !== undefined, 'a task brings the buffers of its chunks');
    const blob = buffer.subarray(offsetBytes, offsetBytes + lengthBytes);
    try {
      return openChunkWithKeys({ suite, safe, kind, id, keys: copy.keys, blob, memory: this.#pool }, keys);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (!this.damaged.has(index)) this.damaged.set(index, error.code);
      return null;
    }
  }
}
