/*
 * The numbers of docs/format/catalog.md that are not among the limits of docs/format/README.md (those are in @twinvault/format).
 */

export const chunkIdBytes = 32;
/** Target of a symbolic link. */
export const linkBytesMax = 32_768;
/** A user's or group's name, UTF-8. */
export const ownerNameBytesMax = 256;
/** Cost of all attributes of one entry together. */
export const attributesCostMax: number = 16 * 1024 * 1024;
/** Attributes of one entry that cost more stand in nodes of their own. */
export const attributesInlineCostMax = 16_384;
/** Seconds of a time, either way; so the difference of two is below 2^53. */
export const timeSecondsMax: number = 2 ** 51 - 1;
/** Entries, children or extents of one node: their cost allows no more. */
export const nodeItemsMax = 1024;
/** A node ends before what would take its cost over this. */
export const nodeCostMax = 49_152;
/** A node ends after a key whose PRF is below this: one in 128. */
export const nodeBoundThreshold: number = 2 ** 25;
