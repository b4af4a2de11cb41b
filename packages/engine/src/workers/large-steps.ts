/*
 * The worker's side of a large file that several workers share. A chunk's end depends on nothing before its start, so a
 * window can be cut from any offset at which a chunk begins; whoever stores its chunks reads them again, mostly from the
 * operating system's cache, which is many times faster than what is done with them.
 */
import { leadBytesAt } from '@twinvault/seal';
import type { DeltaTools } from '../delta/delta-reader.ts';
import { writeBody } from '../entries/entry-body.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import type { EntryError, OpenedEntry } from '../source-port.ts';
import { dataRangesOf } from './content.ts';
import { sameMoment } from './entry-reader.ts';
import type { EntryToRead } from './entry-reader.ts';
import type { LargeReply, LargeStep } from './messages.ts';

export interface LargeContext {
  readonly entry: EntryToRead;
  readonly opened: OpenedEntry;
  readonly tools: DeltaTools;
  readonly report: (error: EntryError) => void;
}

export async function runLargeStep(step: LargeStep, context: LargeContext): Promise<LargeReply> {
  switch (step.type) {
    case 'open':
      return describe(context);
    case 'cut':
      return cutWindow(step, context);
    case 'store':
      return await storeChunks(step, context);
  }
}

function describe({ opened, report }: LargeContext): LargeReply {
  const { stat } = opened;
  const { details, errors } = opened.details();
  for (const error of errors) report(error);
  const writer = new PackedWriter();
  writeBody(writer, { stat, sizeBytes: stat.sizeBytes, marks: 0, details, extents: [], tag: null });
  const ranges = dataRangesOf(opened, stat.sizeBytes).flatMap(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes]);
  return { type: 'opened', body: writer.flush(), ranges: Float64Array.from(ranges) };
}

function isSame({ entry, opened }: LargeContext): boolean {
  return sameMoment(entry.stat, opened.stat) && sameMoment(entry.stat, opened.statAgain());
}

function cutWindow(step: Extract<LargeStep, { type: 'cut' }>, context: LargeContext): LargeReply {
  const { tools, opened } = context;
  const { cutter } = tools;
  const { buffer } = cutter;
  const { fromBytes, toBytes, windowBytes } = step;
  const lengths: number[] = [];
  let cutBytes = 0;
  let [start, end] = [0, 0];
  let offset = fromBytes;
  let ended = false;
  cutter.start();
  while (cutBytes < windowBytes) {
    while (!ended && end < buffer.length) {
      const wanted = Math.min(toBytes - offset, buffer.length - end);
      const got = wanted === 0 ? 0 : opened.read(buffer, end, wanted, offset);
      ended = got === 0;
      end += got;
      offset += got;
    }
    while (start < end && cutBytes < windowBytes) {
      const cut = cutter.findCut(start, end, ended);
      if (cut < 0) break;
      lengths.push(cut - start);
      cutBytes += cut - start;
      start = cut;
    }
    if (ended && start === end) break;
    buffer.copyWithin(0, start, end);
    end -= start;
    start = 0;
  }
  // Nothing where something should be: the file ended before its status said.
  return { type: 'cut', lengths: Uint32Array.from(lengths), same: cutBytes > 0 && isSame(context) };
}

async function storeChunks(step: Extract<LargeStep, { type: 'store' }>, context: LargeContext): Promise<LargeReply> {
  const { opened, tools } = context;
  const { cutter, store, hasher } = tools;
  const signed: Uint32Array[] = [];
  const ids = new Uint8Array(step.lengths.length * 32);
  let offset = step.fromBytes;
  let [stored, next] = [0, 0];
  let ended = false;
  while (!ended && next < step.lengths.length) {
    const wanted = fitting(step.lengths.subarray(next), cutter.buffer.length);
    next += wanted.length;
    const got = readExactly(opened, cutter.buffer.subarray(0, sum(wanted)), offset);
    const lengths = within(wanted, got);
    ended = got < sum(wanted);
    const secrets = tools.secretsAt(0, lengths);
    let at = 0;
    for (const [index, length] of lengths.entries()) {
      ids.set(store.put(cutter.buffer.subarray(at, at + length), secrets[index]), stored * 32);
      signed.push(hasher.sign(at, length, leadBytesAt(offset)));
      stored += 1;
      at += length;
      offset += length;
      const breath = store.breathe();
      if (breath !== null) await breath;
    }
  }
  const bytes = offset - step.fromBytes;
  return { type: 'stored', ids: ids.subarray(0, stored * 32), bytes, words: joined(signed), same: isSame(context) };
}

/** As many of the first as lie in the buffer together; one at least. */
function fitting(lengths: Uint32Array, bufferBytes: number): number[] {
  const first: number[] = [];
  let bytes = 0;
  for (const length of lengths) {
    bytes += length;
    if (first.length > 0 && bytes > bufferBytes) break;
    first.push(length);
  }
  return first;
}

/** A shorter chunk is still content of the file; what would follow it is not there. */
function within(lengths: readonly number[], gotBytes: number): number[] {
  const there: number[] = [];
  let left = gotBytes;
  for (const length of lengths) {
    if (left > 0) there.push(Math.min(left, length));
    left -= length;
  }
  return there;
}

function sum(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total + length, 0);
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const words = new Uint32Array(sum(parts.map(({ length }) => length)));
  let at = 0;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  return words;
}

function readExactly(opened: OpenedEntry, into: Uint8Array, offsetBytes: number): number {
  let got = 0;
  while (got < into.length) {
    const count = opened.read(into, got, into.length - got, offsetBytes + got);
    if (count === 0) break;
    got += count;
  }
  return got;
}
