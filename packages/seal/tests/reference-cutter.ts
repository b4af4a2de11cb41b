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

function referenceCut(run: { key: Uint8Array; data: Uint8Array; limits: ReferenceLimits; start: number }): number {
  const { key, data, limits, start } = run;
  for (let position = start + limits.chunkBytesMin - 1; position < data.length; position += 1) {
    if (position - start + 1 >= limits.chunkBytesMax) return position + 1;
    const window = data.subarray(position - 31, position + 1);
    if (gearHash(window) < 0x0100_0000 && sipHash24(key, window).high < limits.threshold) return position + 1;
  }
  return data.length;
}

/** Of exactly 32 bytes: earlier ones are shifted out of the word. */
function gearHash(window: Uint8Array): number {
  let hash = 0;
  for (const byte of window) hash = (2 * hash + (gear[byte] ?? 0)) >>> 0;
  return hash;
}
