/*
 * Content of files of `bundledBytesMax` and more: read into the cutter's memory, cut, stored; nothing larger than that
 * buffer is ever held, whatever the file's size. Holes are found, not read (docs/format/cutting.md).
 */
import type { Cutter } from '@twinvault/seal';
import type { ContentOutput } from '../delta/content-output.ts';
import { DeltaReader } from '../delta/delta-reader.ts';
import type { DeltaTools } from '../delta/delta-reader.ts';
import type { Signature } from '../delta/signature.ts';
import type { WrittenVersion } from '../delta/version-writer.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';
import type { DataRange, OpenedEntry } from '../source-port.ts';

/** Of a status' number of blocks. */
export const blockBytes = 512;

export interface ReadContent extends WrittenVersion {
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

/** Extents from 0 to the size read, holes included, in order. With a last version only what changed is stored. */
export async function readContent(
  opened: OpenedEntry,
  ranges: readonly DataRange[],
  { tools, last }: { readonly tools: DeltaTools; readonly last: Signature | null },
): Promise<ReadContent> {
  const output = tools.newOutput();
  const run = last === null ? new RunReader(opened, tools, output) : new DeltaReader(opened, { last, tools, output });
  const sizeBytes = await readRanges(opened, ranges, { run, output });
  run.end();
  return { ...output.finish(tools.key), sizeBytes };
}

/** Bytes of content: less than the status says when the file ended early. */
async function readRanges(
  opened: OpenedEntry,
  ranges: readonly DataRange[],
  { run, output }: { readonly run: RunReader | DeltaReader; readonly output: ContentOutput },
): Promise<number> {
  let at = 0;
  for (const range of ranges) {
    if (range.offsetBytes > at) output.hole(range.offsetBytes - at);
    const readBytes = await run.read(range);
    at = range.offsetBytes + readBytes;
    if (readBytes < range.lengthBytes) return at;
  }
  const { sizeBytes } = opened.stat;
  if (at < sizeBytes) output.hole(sizeBytes - at);
  return sizeBytes;
}

export function hole(lengthBytes: number): PlacedExtent {
  return { id: null, offsetBytes: 0, lengthBytes };
}

/** One run of data between holes, cut as if it were a file of its own. */
class RunReader {
  private readonly opened: OpenedEntry;
  private readonly tools: DeltaTools;
  private readonly output: ContentOutput;

  constructor(opened: OpenedEntry, tools: DeltaTools, output: ContentOutput) {
    this.opened = opened;
    this.tools = tools;
    this.output = output;
  }

  /** Nothing is held back. */
  end(): void {}

  /** Bytes read: fewer than the range when the file ended. */
  async read(range: DataRange): Promise<number> {
    const { tools, output } = this;
    const { cutter, store } = tools;
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
      const lengths = chunksBetween(cutter, { start, end, final: ended });
      const secrets = tools.secretsAt(start, lengths);
      for (const [index, length] of lengths.entries()) {
        tools.storeChunk(start, start + length, output, secrets[index]);
        start += length;
        const breath = store.breathe();
        if (breath !== null) await breath;
      }
      if (ended && start === end) return readBytes;
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
  }
}

/** Lengths of the chunks that end there; after the last, more bytes are needed, or nothing is left. */
function chunksBetween(
  cutter: Cutter,
  data: { readonly start: number; readonly end: number; readonly final: boolean },
): number[] {
  const lengths: number[] = [];
  for (let at = data.start; at < data.end;) {
    const cut = cutter.findCut(at, data.end, data.final);
    if (cut < 0) break;
    lengths.push(cut - at);
    at = cut;
  }
  return lengths;
}
