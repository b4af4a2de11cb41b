/*
 * The numbers of docs/format/cutting.md. They are part of the format: other numbers give other chunks, so a safe would store
 * everything again.
 */

/** A cut depends on this many bytes before it. */
export const cutWindowBytes = 32;
export const chunkBytesMin: number = 256 * 1024;
export const chunkBytesMax: number = 4 * 1024 * 1024;
/** 2^32 / 3072; with the gear mask's 1/256 one byte in 786,432 cuts, so the mean chunk is about 1 MiB. */
export const cutThreshold = 1_398_101;

/** Files below this size, holes not counted, go into bundles. */
export const bundledBytesMax: number = 128 * 1024;
/** A bundle of fewer bytes does not end, save at the border of a batch. */
export const bundleBytesMin: number = 256 * 1024;
export const bundleBytesMax: number = 2 * 1024 * 1024;
