/*
 * Gives the memory of a large buffer back at once. The garbage collector would, too, but it lets some 64 MB of buffers
 * pile up in each thread first, and then marks the whole heap to find them.
 */

/** Smaller ones cost more here than they keep. */
const releasedBytesMin = 128 * 1024;

/**
 * The bytes must not be used afterwards, and their buffer must be nobody else's. Buffers that are smaller than `leastBytes`, shared, or larger
 * than these bytes, as those of a pool are, are left alone.
 */
export function releaseBytes(bytes: Uint8Array, leastBytes: number = releasedBytesMin): void {
  const { buffer } = bytes;
  if (bytes.byteLength !== buffer.byteLength || buffer.byteLength < leastBytes) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
