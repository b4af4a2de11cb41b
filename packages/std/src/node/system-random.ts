import { randomFillSync } from 'node:crypto';
import { assert } from '../assert.ts';
import type { Random } from '../ports/random.ts';

const countMax = 65_536;

/** The operating system's generator, through OpenSSL. */
export const systemRandom: Random = {
  isSystem: true,
  bytes: (count) => {
    assert(Number.isInteger(count) && count >= 0 && count <= countMax, 'count out of range');
    // Not randomBytes: its result may lie in a pool that other buffers share.
    return randomFillSync(new Uint8Array(count));
  },
};
