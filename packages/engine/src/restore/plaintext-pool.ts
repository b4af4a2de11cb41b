/*
 * Memory of a restoring thread that is used again from chunk to chunk. Fresh buffers would be fresh pages each time, and would
 * wait for a garbage collection, and bring it on.
 */
import type { OpeningMemory } from '@twinvault/seal';

const smallestBytes = 64 * 1024;
/** Free memory that a thread keeps, at most. */
export const pooledBytesMax: number = 64 * 1024 * 1024;

export class PlaintextPool implements OpeningMemory {
  /** By their length, a power of two. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #freeBytes = 0;
  #payload = new ArrayBuffer(smallestBytes);

  /** Good until the next call. */
  readonly payload = (lengthBytes: number): Uint8Array => {
    if (this.#payload.byteLength < lengthBytes) this.#payload = new ArrayBuffer(roundedUp(lengthBytes));
    return new Uint8Array(this.#payload, 0, lengthBytes);
  };

  /** Good until it is given back. Its bytes are those of whoever had it last. */
  readonly plaintext = (lengthBytes: number): Uint8Array => {
    const bytes = roundedUp(lengthBytes);
    const buffer = this.#free.get(bytes)?.pop();
    if (buffer === undefined) return new Uint8Array(new ArrayBuffer(bytes), 0, lengthBytes);
    this.#freeBytes -= bytes;
    return new Uint8Array(buffer, 0, lengthBytes);
  };

  /** Takes a plaintext back that nobody uses any more; null is nothing. */
  give(plaintext: Uint8Array | null): void {
    const buffer = plaintext?.buffer;
    if (!(buffer instanceof ArrayBuffer) || this.#freeBytes + buffer.byteLength > pooledBytesMax) return;
    const { byteLength } = buffer;
    this.#freeBytes += byteLength;
    const others = this.#free.get(byteLength);
    if (others === undefined) this.#free.set(byteLength, [buffer]);
    else others.push(buffer);
  }
}

function roundedUp(lengthBytes: number): number {
  let bytes = smallestBytes;
  while (bytes < lengthBytes) bytes *= 2;
  return bytes;
}
