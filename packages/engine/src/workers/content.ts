/*
 * Content of files of `bundledBytesMax` and more: read into the cutter's memory, cut, stored; nothing larger than that
 * buffer is ever held, whatever the file's size. Holes are found, not read (docs/format/cutting.md).
 */
import type { Cutter } from '@twinvault/seal';
import type { PlacedExtent } from '../entries/entry-body.ts';
import type { DataRange, OpenedEntry } from '../source-port.ts';

/** Of a status' number of blocks. */
export const blockBytes = 512;

export interface ContentStore {
  put(plaintext: Uint8Array): Uint8Array;
  /** Between chunks: null, or a promise while a full pack is handed over; throws when the run is being stopped. */
  breathe(): Promise<void> | null;
}

export interface ReadContent {
  readonly extents: readonly PlacedExtent[];
  /** Less than asked for when the file ended early. */
  readonly sizeBytes: number;
}

/** Where the data of a file of this size lies, clipped to the size; one range from 0 for a file without holes. */
export function dataRangesOf(opened: OpenedEntry, sizeBytes: number): readonly DataRange[] {
  if (sizeBytes === 0) return [];
  if (opened.stat.blocks * blockBytes >= sizeBytes) return [{ offsetBytes: 0, lengthBytes: sizeBytes }];
  return opened
    .dataRanges()
    .filter(({ offsetBytes, lengthBytes }) => offsetBytes < sizeBytes && lengthBytes > 0)
    .map(({ offsetBytes, lengthBytes }) => ({
      offsetBytes,
      lengthBytes: Math.min(lengthBytes, sizeBytes - offsetBytes),
    }));
}

/** Extents from 0 to the size read, holes included, in order. */
export async function readContent(
  opened: OpenedEntry,
  ranges: readonly DataRange[],
  { cutter, store }: { readonly cutter: Cutter; readonly store: ContentStore },
): Promise<ReadContent> {
  const extents: PlacedExtent[] = [];
  let at = 0;
  const run = new RunReader(opened, cutter, (chunk) => {
    extents.push({ id: store.put(chunk), offsetBytes: 0, lengthBytes: chunk.length });
    return store.breathe();
  });
  for (const range of ranges) {
    if (range.offsetBytes > at) extents.push(hole(range.offsetBytes - at));
    const readBytes = await run.read(range);
    at = range.offsetBytes + readBytes;
    if (readBytes < range.lengthBytes) return { extents, sizeBytes: at };
  }
  const { sizeBytes } = opened.stat;
  if (at < sizeBytes) extents.push(hole(sizeBytes - at));
  return { extents, sizeBytes };
}

export function hole(lengthBytes: number): PlacedExtent {
  return { id: null, offsetBytes: 0, lengthBytes };
}

/** One run of data between holes, cut as if it were a file of its own. */
class RunReader {
  private readonly opened: OpenedEntry;
  private readonly cutter: Cutter;
  private readonly each: (chunk: Uint8Array) => Promise<void> | null;

  constructor(opened: OpenedEntry, cutter: Cutter, each: (chunk: Uint8Array) => Promise<void> | null) {
    this.opened = opened;
    this.cutter = cutter;
    this.each = each;
  }

  /** Hands each chunk to `each`. Bytes read: fewer than the range when the file ended. */
  async read(range: DataRange): Promise<number> {
    const { cutter } = this;
    const { buffer } = cutter;
    cutter.start();
    let [start, end, readBytes] = [0, 0, 0];
    let ended = false;
    for (;;) {
      while (!ended && end < buffer.length) {
        const wanted = Math.min(range.lengthBytes - readBytes, buffer.length - end);
        const got = wanted === 0 ? 0 : this.opened.read(buffer, end, wanted, range.offsetBytes + readBytes);
        ended = got === 0;
        end += got;
        readBytes += got;
      }
      while (start < end) {
        const cut = cutter.findCut(start, end, ended);
        if (cut < 0) break;
        const breath = this.each(buffer.subarray(start, cut));
        start = cut;
        if (breath !== null) await breath;
      }
      if (ended && start === end) return readBytes;
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
  }
}
