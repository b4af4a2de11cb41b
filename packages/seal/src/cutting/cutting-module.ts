/*
 * The compiled loops of wasm/cutting.ts, ready to run over a memory that the caller brings. The module has no state but its
 * key; `findCut` leaves marks at the end of the first page, and nothing else writes to the memory.
 *
 * Layout of the memory: the gear table (256 times u32, little-endian) at 0, scratch for SipHash from `scratchOffset` to the
 * end of the first page, from `marksOffset` on lost when a cut is looked for, the buffer to cut from the second page on.
 */

import { assert } from '@twinvault/std';
import { cuttingWasmBase64 } from './cutting-wasm.ts';

export const pageBytes = 65_536;
export const scratchOffset = 1024;
/** 2 KiB of marks for a block, and those of 32 positions of each of its four stretches before them. */
export const marksOffset: number = pageBytes - 2048 - 16;

export interface CuttingFunctions {
  setKey(a: number, b: number, c: number, d: number): void;
  /** First position of from…to-1 that cuts, plus one; 0 for none. Results are signed: `>>> 0`. */
  findCut(from: number, to: number, threshold: number): number;
  /** Upper half of SipHash-2-4 over `length` bytes at `at`; signed: `>>> 0`. */
  sipHigh(at: number, length: number): number;
  /** Lower half of the last `sipHigh`; signed: `>>> 0`. */
  sipLow(): number;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 (RFC 4648, section 4) of our own making, so anything else is a bug. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/=+$/, '');
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let held = 0;
  let heldBits = 0;
  let length = 0;
  for (const digit of digits) {
    const value = alphabet.indexOf(digit);
    assert(value >= 0, 'not base64');
    held = ((held << 6) | value) & 0xffff;
    heldBits += 6;
    if (heldBits >= 8) {
      heldBits -= 8;
      bytes[length] = held >>> heldBits;
      length += 1;
    }
  }
  return bytes;
}

let compiled: WebAssembly.Module | null = null;

/** A new instance over `memory`, under a key of 16 bytes. Compiles on first use: about a kilobyte, below a millisecond. */
export function openCuttingModule(memory: WebAssembly.Memory, key: Uint8Array): CuttingFunctions {
  assert(key.length === 16, 'SipHash key is not 16 bytes');
  compiled ??= new WebAssembly.Module(decodeBase64(cuttingWasmBase64));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const functions = exports as unknown as CuttingFunctions;
  const view = new DataView(key.buffer, key.byteOffset, 16);
  functions.setKey(view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true));
  return functions;
}
