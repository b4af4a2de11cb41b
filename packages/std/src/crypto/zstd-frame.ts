/*
 * Looks at the headers of a zstd frame (RFC 8878, section 3.1.1) before a decoder sees it, so that Node and browser accept
 * exactly the same bytes: one frame, its content size given and as expected, no dictionary, no checksum, nothing behind it.
 * A frame that passes can make a decoder allocate the expected size and no more.
 */

const magic: readonly number[] = [0x28, 0xb5, 0x2f, 0xfd];
/** Section 3.1.1.1.2 recommends that decoders take 8 MB; level 19 uses no more. */
const windowBytesMax: number = 8 * 1024 * 1024;
/** Section 3.1.1.2.4. */
const blockBytesMax: number = 128 * 1024;

interface FrameHeader {
  readonly contentBytes: number;
  readonly headerBytes: number;
}

/** Section 3.1.1.1. Null for every frame that we do not take. */
function frameHeader(frame: Uint8Array): FrameHeader | null {
  if (magic.some((byte, index) => frame[index] !== byte)) return null;
  const descriptor = frame[4];
  // Reserved bit, checksum flag and dictionary flag must be clear.
  if (descriptor === undefined || (descriptor & 0x0f) !== 0) return null;
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  if (!singleSegment) {
    const window = frame[5];
    if (window === undefined || sizeFlag === 0) return null;
    const base = 2 ** (10 + (window >>> 3));
    if (base + (base / 8) * (window & 7) > windowBytesMax) return null;
  }
  const sizeOffset = singleSegment ? 5 : 6;
  const sizeBytes = 2 ** sizeFlag;
  if (frame.length < sizeOffset + sizeBytes) return null;
  let contentBytes = sizeFlag === 1 ? 256 : 0;
  for (let index = 0; index < sizeBytes; index += 1) contentBytes += (frame[sizeOffset + index] ?? 0) * 2 ** (8 * index);
  return { contentBytes, headerBytes: sizeOffset + sizeBytes };
}

/** Whether the frame may be given to a decoder that then has to deliver exactly `plainBytes` bytes. */
export function zstdFrameFits(frame: Uint8Array, plainBytes: number): boolean {
  const header = frameHeader(frame);
  if (header === null || header.contentBytes !== plainBytes) return false;
  let offset = header.headerBytes;
  // Section 3.1.1.2: three bytes, little-endian: last (1 bit), type (2 bits), size (21 bits).
  while (offset + 3 <= frame.length) {
    const block = (frame[offset] ?? 0) | ((frame[offset + 1] ?? 0) << 8) | ((frame[offset + 2] ?? 0) << 16);
    const type = (block >>> 1) & 3;
    const size = block >>> 3;
    if (type === 3 || size > blockBytesMax) return false;
    // A run-length block stores one byte, however long it is.
    offset += 3 + (type === 1 ? 1 : size);
    if ((block & 1) === 1) return offset === frame.length;
  }
  return false;
}

/** ZSTD_compressBound: an output buffer of this size is always enough. */
export function zstdBound(plainBytes: number): number {
  const margin = plainBytes < blockBytesMax ? (blockBytesMax - plainBytes) >>> 11 : 0;
  return plainBytes + (plainBytes >>> 8) + margin;
}

export function requireZstdLevel(level: number): void {
  if (!Number.isInteger(level) || level < 1 || level > 19) throw new RangeError('zstd level out of range');
}
