/*
 * Gives the memory of a large buffer back at once. The garbage collector would, too, but it lets some 64 MB of buffers
 * pile up in each thread first, and then marks the whole heap to find them.
 */

/** Smaller buffers may be slices of a pool that others use. */
const ownBytesMin = 128 * 1024;

/**
 * The bytes must not be used afterwards, and their buffer must be nobody else's. Buffers that are small, shared, or larger
 * than these bytes are left alone.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (bytes.byteLength !== buffer.byteLength || buffer.byteLength < ownBytesMin) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
