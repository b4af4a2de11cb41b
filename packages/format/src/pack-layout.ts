/*
 * Fixed places in the tail of a pack (table | sections | trailer), docs/format/packs.md.
 *
 *     row: offset bytes                          trailer: offset bytes
 *          0      2   section                             0      8   length of the blobs
 *          2      2   flags: 1 slip only                  8      4   length of the header
 *          4      4   position in the origin              12     4   length of the table
 *          8      32  chunk id                            16     4   number of rows
 *          40     4   offset of the blob, or 0            20     4   length of the sections
 *          44     4   length of the blob                  24     2   number of sections
 *          48     16  salt                                26     1   version, 1
 *          64     32  SHA-256(blob)                       27     5   zero
 *          96     48  slip; 80 in suite 2                 32     8   "TVPKEND" 0x0A
 */

import type { Suite } from './objects.ts';

export const rowFixedBytes = 96;
export const saltBytes = 16;
export const packTrailerBytes = 40;
export const trailerMagic: readonly number[] = [0x54, 0x56, 0x50, 0x4b, 0x45, 0x4e, 0x44, 0x0a];
export const slipOnlyFlag = 1;
/** Index of the KEM ciphertext of a section that has none. */
export const noKem = 0xffff;
/** Origin name, index of the KEM ciphertext, first 80 bytes of the header. */
export const sectionBytes: number = 32 + 2 + 80;

export function slipBytesOf(suite: Suite): number {
  return suite === 1 ? 48 : 80;
}
