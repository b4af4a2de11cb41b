/* Plaintexts of the chunks that were read last: files are read in pieces far smaller than their chunks, and small files share one. */
import { toHex } from '@twinvault/std';
import type { ChunkId } from '@twinvault/format';

const cachedBytesMax = 128 * 1024 * 1024;

export class ChunkCache {
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #underway = new Map<string, Promise<Uint8Array>>();
  #bytes = 0;

  /** Two askers of one chunk share its read. */
  async get(id: ChunkId, read: (id: ChunkId) => Promise<Uint8Array>): Promise<Uint8Array> {
    const name = toHex(id);
    const known = this.#chunks.get(name);
    if (known !== undefined) {
      this.#chunks.delete(name);
      this.#chunks.set(name, known);
      return known;
    }
    const reading = this.#underway.get(name) ?? this.#read(name, read(id));
    this.#underway.set(name, reading);
    return await reading;
  }

  async #read(name: string, reading: Promise<Uint8Array>): Promise<Uint8Array> {
    try {
      const plaintext = await reading;
      this.#chunks.set(name, plaintext);
      this.#bytes += plaintext.length;
      for (const [oldest, { length }] of this.#chunks) {
        if (this.#bytes <= cachedBytesMax) break;
        this.#chunks.delete(oldest);
        this.#bytes -= length;
      }
      return plaintext;
    } finally {
      this.#underway.delete(name);
    }
  }
}
