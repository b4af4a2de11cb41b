/*
 * The index of a safe's packs: header facts and tail of each, from segments where they cover it, from the pack itself where not.
 * Nothing of it is kept in memory between calls.
 */

import { FormatError, packHeaderFixedBytes } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { MiB } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { SafeObjects } from '../safe-objects.ts';
import { concurrently } from '../store/concurrently.ts';
import { packNameOfHex, readPackEnds, sessionNameOf } from './pack-files.ts';
import type { PackEnds } from './pack-files.ts';
import { PackNumbers } from './pack-numbers.ts';
import { readSegment, segmentNames, segmentsMax, SegmentWriter } from './segments.ts';
import type { IndexEntry, Segment } from './segments.ts';

const readsAtOnce = 8;
/** Larger segments are left as they are. */
const smallBytesMax: number = 2 * MiB;

export interface IndexOptions {
  /** Names, or names in hexadecimal; others are not given. */
  readonly wanted: PackNumbers | ReadonlySet<string>;
  /** Called for each wanted pack that is not what its name says. */
  readonly damaged?: (hex: string, error: FormatError) => void;
  /** False: what was yielded is not used after the next one is asked for, so that its memory can be used again. */
  readonly keep?: boolean;
}

/** Each wanted pack that is there and whole at its ends, once, in no order. Tails found by reading packs become a new segment. */
export async function* indexEntries(context: SafeObjects, options: IndexOptions): AsyncGenerator<IndexEntry, void, undefined> {
  for await (const batch of indexBatches(context, options)) yield* batch;
}

/** The same for those who look at all packs of a safe: waiting for each would be most of their work. A batch is taken whole before the next. */
export async function* indexBatches(
  context: SafeObjects,
  { wanted, damaged, keep = true }: IndexOptions,
): AsyncGenerator<Iterable<IndexEntry>, void, undefined> {
  const names = wanted instanceof PackNumbers ? wanted : PackNumbers.ofHex(wanted);
  const wantedLeft = { names, taken: new Uint8Array(names.count), count: names.count };
  for (const name of await segmentNames(context)) {
    if (wantedLeft.count === 0) return;
    const segment = await readSegment(context, name);
    if (segment === null) continue;
    yield takenFrom(segment, wantedLeft);
    if (!keep) segment.release();
  }
  const writer = new SegmentWriter(context);
  const rest: string[] = [];
  for (let number = 0; number < names.count; number += 1) if (wantedLeft.taken[number] === 0) rest.push(names.hexAt(number));
  for (let start = 0; start < rest.length; start += readsAtOnce) {
    const batch = await concurrently(rest.slice(start, start + readsAtOnce), readsAtOnce, (hex) =>
      readEntry(context, hex, damaged),
    );
    const entries = batch.filter((entry) => entry !== null);
    for (const entry of entries) await writer.add(entry);
    yield entries;
  }
  await writer.flush();
}

interface WantedLeft {
  readonly names: PackNumbers;
  /** By number: 1 for those that were given. */
  readonly taken: Uint8Array;
  /** Of the others. */
  count: number;
}

/** Entries that are wanted and were not given before. */
function* takenFrom(segment: Segment, left: WantedLeft): Generator<IndexEntry, void, undefined> {
  for (let index = 0; index < segment.count; index += 1) {
    const number = segment.numberAt(index, left.names);
    if (number < 0 || left.taken[number] === 1) continue;
    left.taken[number] = 1;
    left.count -= 1;
    yield segment.at(index);
  }
}

export function entryOf(hex: string, { header, headerBytes, tail, packBytes }: PackEnds): IndexEntry {
  const fixed = headerBytes.slice(0, packHeaderFixedBytes);
  return { pack: packNameOfHex(hex), hex, header: fixed, session: sessionNameOf(header), packBytes, tail };
}

async function readEntry(context: SafeObjects, hex: string, damaged: IndexOptions['damaged']): Promise<IndexEntry | null> {
  try {
    const ends = await readPackEnds(context, hex);
    return ends === null ? null : entryOf(hex, ends);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    damaged?.(hex, error);
    return null;
  }
}

/** When there are more than `segmentsMax` segments, merges the small ones and drops rows of packs that are gone. */
export async function mergeSegments(context: SafeContext, present: ReadonlySet<string>): Promise<void> {
  const names = await segmentNames(context);
  if (names.length <= segmentsMax) return;
  const stats = await concurrently(names, readsAtOnce, (name) => context.cache.stat(`${context.layout.index}/${name}`));
  const small = names.filter((_, index) => (stats[index]?.sizeBytes ?? 0) < smallBytesMax);
  if (small.length <= segmentsMax / 4) return;
  const writer = new SegmentWriter(context);
  const merged: string[] = [];
  const seen = new Set<string>();
  for (const name of small) {
    for (const entry of (await readSegment(context, name)) ?? []) {
      if (!present.has(entry.hex) || seen.has(entry.hex)) continue;
      seen.add(entry.hex);
      await writer.add(entry);
    }
    merged.push(name);
  }
  await writer.flush();
  if (writer.failed) return;
  try {
    for (const name of merged) {
      if (!writer.written.has(name)) await context.cache.remove(`${context.layout.index}/${name}`);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}
