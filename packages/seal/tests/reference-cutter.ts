/*
 * docs/format/cutting.md written down as plainly as possible: the whole of the data in one array, each position tested from
 * its 32 bytes alone, without state. The cutter is held to it.
 */

import { sipHash24 } from '@twinvault/std';
import { gearTable } from '../src/cutting/gear-table.ts';

export interface ReferenceLimits {
  readonly chunkBytesMin: number;
  readonly chunkBytesMax: number;
  readonly threshold: number;
}

const gear = gearTable();

/** End offsets of the chunks of `data`. */
export function referenceCuts(key: Uint8Array, data: Uint8Array, limits: ReferenceLimits): number[] {
  const cuts: number[] = [];
  let start = 0;
  while (start < data.length) {
    start = referenceCut({ key, data, limits, start });
    cuts.push(start);
  }
  return cuts;
}

/** End offset of the chunk of `data` that begins at `start`. */
export function referenceCut(run: { key: Uint8Array; data: Uint8Array; limits: ReferenceLimits; start: number }): number {
  const { key, data, limits, start } = run;
  for (let position = start + limits.chunkBytesMin - 1; position < data.length; position += 1) {
    if (position - start + 1 >= limits.chunkBytesMax) return position + 1;
    if (gearHash(data, position) >= 0x0100_0000) continue;
    if (sipHash24(key, data.subarray(position - 31, position + 1)).high < limits.threshold) return position + 1;
  }
  return data.length;
}

/** Of the 32 bytes that end at a position: earlier ones are shifted out of the word. */
function gearHash(data: Uint8Array, position: number): number {
  let hash = 0;
  for (let at = position - 31; at <= position; at += 1) hash = (2 * hash + (gear[data[at] ?? 0] ?? 0)) >>> 0;
  return hash;
}
