/*
 * PRF-gear, docs/format/cutting.md: where a run of data is cut into chunks. A cut depends on the 32 bytes before it, the
 * distance from the last cut and the cutter key, never on how the data came in: the end of the buffer is never a cut.
 *
 * The buffer is the memory of the WebAssembly module, so files are read straight into it and chunks are hashed and
 * compressed out of it; nothing is copied but the rest of a chunk that the caller moves to the front to make room.
 */

import { assert } from '@twinvault/std';
import { chunkBytesMax, chunkBytesMin, cutThreshold, cutWindowBytes } from './cutting-limits.ts';
import { openCuttingModule, pageBytes } from './cutting-module.ts';
import type { CuttingFunctions } from './cutting-module.ts';
import { gearTable } from './gear-table.ts';

const bufferBytesDefault = 8 * 1024 * 1024;
const bufferBytesMax = 1024 * 1024 * 1024;

/** For tests: other limits cut otherwise than the format says. */
export interface CutterOptions {
  /** At least 32. */
  readonly chunkBytesMin?: number;
  readonly chunkBytesMax?: number;
  /** A candidate cuts if the upper half of its PRF is below: 0 never, 2^32 - 1 nearly always. */
  readonly threshold?: number;
  /** Rounded up to 64 KiB; at least twice the largest chunk. Default 8 MiB. */
  readonly bufferBytes?: number;
}

/** One for each thread: it holds the position in one run of data. */
export class Cutter {
  /** Memory for the data to cut, filled by the caller. */
  readonly buffer: Uint8Array;
  /** Holds the buffer from the second page on, for other modules that work on the same bytes; it never grows. */
  readonly memory: WebAssembly.Memory;
  readonly #functions: CuttingFunctions;
  readonly #chunkBytesMin: number;
  readonly #chunkBytesMax: number;
  readonly #threshold: number;
  /** Bytes of the current chunk behind which no cut was found in earlier calls. */
  #searchedBytes = 0;

  /** `cutterKey`: 16 bytes, of kind data. */
  constructor(cutterKey: Uint8Array, options: CutterOptions = {}) {
    this.#chunkBytesMin = options.chunkBytesMin ?? chunkBytesMin;
    this.#chunkBytesMax = options.chunkBytesMax ?? chunkBytesMax;
    this.#threshold = options.threshold ?? cutThreshold;
    const bufferBytes = Math.max(options.bufferBytes ?? bufferBytesDefault, 2 * this.#chunkBytesMax);
    assert(this.#chunkBytesMin >= cutWindowBytes && this.#chunkBytesMin <= this.#chunkBytesMax, 'chunk limits out of range');
    assert(this.#threshold >= 0 && this.#threshold <= 0xffff_ffff, 'threshold out of range');
    assert(bufferBytes <= bufferBytesMax, 'buffer out of range');
    const pages = 1 + Math.ceil(bufferBytes / pageBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#functions = openCuttingModule(memory, cutterKey);
    new Uint32Array(memory.buffer, 0, 256).set(littleEndian(gearTable()));
    this.memory = memory;
    this.buffer = new Uint8Array(memory.buffer, pageBytes);
  }

  /** Begins a new run of data: a file, or a run between holes. Needed only if the last run was left before its end. */
  start(): void {
    this.#searchedBytes = 0;
  }

  /**
   * End offset in `buffer` of the chunk that starts at `start`, with `start` < end: `end` is where the data read so far ends.
   * -1: more bytes are needed; then the next call is for the same chunk, at any offset, with at least the same bytes.
   * `final`: the run ends at `end`; the answer is never -1.
   */
  findCut(start: number, end: number, final: boolean): number {
    assert(start >= 0 && start < end && end <= this.buffer.length, 'chunk out of range');
    const limit = Math.min(end, start + this.#chunkBytesMax);
    const from = start + Math.max(this.#chunkBytesMin - 1, this.#searchedBytes);
    if (from < limit) {
      const found = this.#functions.findCut(pageBytes + from, pageBytes + limit, this.#threshold) >>> 0;
      if (found !== 0) return this.#cutAt(found - pageBytes);
    }
    if (limit - start === this.#chunkBytesMax || (final && limit === end)) return this.#cutAt(limit);
    this.#searchedBytes = Math.max(this.#searchedBytes, limit - start);
    return -1;
  }

  #cutAt(offset: number): number {
    this.#searchedBytes = 0;
    return offset;
  }
}

/** The words as WebAssembly reads them, whatever the byte order of the machine. */
function littleEndian(words: Uint32Array): Uint32Array {
  const stored = new Uint32Array(words.length);
  const view = new DataView(stored.buffer);
  for (const [index, word] of words.entries()) view.setUint32(4 * index, word, true);
  return stored;
}
