/* The code of a recovery kit: what opens the safe, however it is written down. */

import type { Brand, Random } from '@twinvault/std';

export const kitCodeBytes = 32;

/** 32 bytes. */
export type KitCode = Brand<Uint8Array, 'KitCode'>;

export function newKitCode(random: Random): KitCode {
  return random.bytes(kitCodeBytes) as KitCode;
}
