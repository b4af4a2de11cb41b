/*
 * Which chunk of the new safe holds what a chunk of the old one held. Chunks are copied whole, so that an extent keeps its offset and
 * length and only its chunk changes.
 *
 * What an earlier, broken-off copy had done is found out without any notes: a safeset and its copy list the same entries with the same
 * extents in the same order.
 */
import { assert, toHex } from '@twinvault/std';
import type { ChunkId } from '@twinvault/format';
import type { CatalogReader, Content } from '@twinvault/seal';

export class CopiedChunks {
  /** By id in the old safe, hexadecimal. */
  readonly #ids = new Map<string, ChunkId>();

  get(id: ChunkId): ChunkId | null {
    return this.#ids.get(toHex(id)) ?? null;
  }

  has(id: ChunkId): boolean {
    return this.#ids.has(toHex(id));
  }

  set(id: ChunkId, copy: ChunkId): void {
    this.#ids.set(toHex(id), copy);
  }

  get count(): number {
    return this.#ids.size;
  }

  /** Learns from a safeset and its copy. */
  async learn(from: CatalogReader, copy: CatalogReader): Promise<void> {
    const copies = copy.walk();
    for await (const entry of from.walk()) {
      const { value: twin } = await copies.next();
      assert(twin !== undefined, 'a copy has the entries of the safeset');
      await this.#learnContent({ from, content: entry }, { from: copy, content: twin });
      const [streams, twins] = [(await from.attributesOf(entry)).streams, (await copy.attributesOf(twin)).streams];
      for (const [index, stream] of streams.entries()) {
        const twinStream = twins[index];
        assert(twinStream !== undefined, 'a copy has the streams of the entry');
        await this.#learnContent({ from, content: stream }, { from: copy, content: twinStream });
      }
    }
  }

  async #learnContent(one: ContentOf, other: ContentOf): Promise<void> {
    const copies = other.from.extentsOf(other.content);
    for await (const { chunk } of one.from.extentsOf(one.content)) {
      const { value: twin } = await copies.next();
      assert(twin !== undefined && (twin.chunk === null) === (chunk === null), 'a copy has the extents of the content');
      if (chunk !== null && twin.chunk !== null) this.set(chunk, twin.chunk);
    }
  }
}

interface ContentOf {
  readonly from: CatalogReader;
  readonly content: Content;
}
