/*
 * Several byte strings in one body: each is its u32 length, little-endian, and its bytes; nothing follows the last.
 */

import { ByteReader, ByteWriter } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';

export interface FrameLimits {
  readonly countMax: number;
  /** Of one frame. */
  readonly bytesMax: number;
}

const lengthBytes = 4;

export function encodeFrames(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(frames.reduce((sum, frame) => sum + lengthBytes + frame.length, 0));
  for (const frame of frames) writer.u32(frame.length).bytes(frame);
  return writer.finish();
}

/** Views of the frames, not copies. `frames-invalid`: cut off, too many, or one too long. */
export function parseFrames(bytes: Uint8Array, { countMax, bytesMax }: FrameLimits): Uint8Array[] {
  const reader = new ByteReader(bytes);
  const frames: Uint8Array[] = [];
  while (reader.remaining > 0) {
    if (frames.length === countMax) throw invalid({ countMax });
    if (reader.remaining < lengthBytes) throw invalid({ remainingBytes: reader.remaining });
    const length = reader.u32();
    if (length > bytesMax || length > reader.remaining) throw invalid({ lengthBytes: length, bytesMax });
    frames.push(reader.bytes(length));
  }
  return frames;
}

function invalid(context: Readonly<Record<string, number>>): ProtocolError {
  return new ProtocolError('frames-invalid', { context });
}
