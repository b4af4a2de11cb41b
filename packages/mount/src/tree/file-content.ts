/* The content of one file, read at any place: its extents with the offsets at which they begin. */
import type { CatalogEntry, CatalogReader, Extent } from '@twinvault/seal';
import type { ChunkId } from '@twinvault/format';

type ReadChunk = (id: ChunkId) => Promise<Uint8Array>;

export class FileContent {
  readonly #extents: readonly Extent[];
  /** Where each extent begins, and at the end where the last one ends. */
  readonly #starts: Float64Array;
  readonly #sizeBytes: number;

  private constructor(extents: readonly Extent[], sizeBytes: number) {
    this.#extents = extents;
    this.#starts = new Float64Array(extents.length + 1);
    for (const [index, { lengthBytes }] of extents.entries()) this.#starts[index + 1] = (this.#starts[index] ?? 0) + lengthBytes;
    this.#sizeBytes = sizeBytes;
  }

  static async of(catalog: CatalogReader, entry: CatalogEntry): Promise<FileContent> {
    const extents: Extent[] = [];
    for await (const batch of catalog.extentBatches(entry)) extents.push(...batch);
    return new FileContent(extents, entry.sizeBytes);
  }

  /** Bytes that are no holes. */
  get dataBytes(): number {
    let sum = 0;
    for (const { chunk, lengthBytes } of this.#extents) if (chunk !== null) sum += lengthBytes;
    return sum;
  }

  async read(offsetBytes: number, lengthBytes: number, readChunk: ReadChunk): Promise<Uint8Array> {
    const end = Math.min(this.#sizeBytes, offsetBytes + lengthBytes);
    if (end <= offsetBytes) return new Uint8Array(0);
    const bytes = new Uint8Array(end - offsetBytes);
    const pieces: Promise<void>[] = [];
    for (let index = this.#indexAt(offsetBytes); index < this.#extents.length; index += 1) {
      const start = this.#starts[index] ?? 0;
      if (start >= end) break;
      const extent = this.#extents[index];
      if (extent === undefined || extent.chunk === null) continue;
      const from = Math.max(start, offsetBytes);
      const to = Math.min(start + extent.lengthBytes, end);
      const at = extent.offsetBytes + from - start;
      const { chunk } = extent;
      pieces.push(readChunk(chunk).then((plaintext) => bytes.set(plaintext.subarray(at, at + to - from), from - offsetBytes)));
    }
    await Promise.all(pieces);
    return bytes;
  }

  seek(offsetBytes: number, what: 'data' | 'hole'): number | null {
    if (offsetBytes >= this.#sizeBytes) return null;
    for (let index = this.#indexAt(offsetBytes); index < this.#extents.length; index += 1) {
      const isHole = this.#extents[index]?.chunk === null;
      if (isHole === (what === 'hole')) return Math.max(offsetBytes, this.#starts[index] ?? 0);
    }
    // The end of a file counts as a hole.
    return what === 'hole' ? this.#sizeBytes : null;
  }

  /** The extent that holds the byte; behind the last one its number. */
  #indexAt(offsetBytes: number): number {
    let [low, high] = [0, this.#extents.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle + 1] ?? 0) <= offsetBytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
