/*
 * Padmé: padded lengths that leak at most O(log log L) bits of the length L and cost at most 12 %, falling with L.
 * Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: "Reducing Metadata Leakage from Encrypted Files and Communication
 * with PURBs", PoPETs 2019 (arXiv:1806.03160), section 4, algorithm 1.
 */

import { assert } from './assert.ts';

/** Exact, where Math.log2 rounds near powers of two. */
function floorLog2(value: number): number {
  return value >= 0x1_0000_0000 ? 63 - Math.clz32(Math.floor(value / 0x1_0000_0000)) : 31 - Math.clz32(value);
}

/** The smallest allowed length that is at least `lengthBytes` (0 to 2^52): a float with log2(log2(L)) + 1 bits of mantissa. */
export function padmeLength(lengthBytes: number): number {
  assert(Number.isSafeInteger(lengthBytes) && lengthBytes >= 0 && lengthBytes <= 2 ** 52, 'length out of range');
  if (lengthBytes < 2) return lengthBytes;
  const exponent = floorLog2(lengthBytes);
  const mantissaBits = floorLog2(exponent) + 1;
  const step = 2 ** Math.max(exponent - mantissaBits, 0);
  return Math.ceil(lengthBytes / step) * step;
}
