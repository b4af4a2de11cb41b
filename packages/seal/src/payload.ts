/*
 * The payload of a blob: the compressed plaintext of one chunk, padded (docs/format/packs.md, "Payload").
 *
 *   offset  bytes
 *   0       1      codec: 0 the data is the plaintext, 1 the data is one zstd frame
 *   1       4      u32 plaintext length, at most plaintextBytesMax
 *   5       4      u32 data length
 *   9       …      data, then zero bytes up to Padmé(9 + data length)
 *
 * Invariant: one payload per plaintext and level on one platform, but decoding never relies on that.
 */

import { assert, padmeLength, primitives, releaseBytes, zstdBound } from '@twinvault/std';
import { plaintextBytesMax } from '@twinvault/format';
import { SealError } from './errors.ts';

export interface PayloadOptions {
  /** zstd level, 1 to 19; 3 when omitted. */
  readonly level?: number;
  /** Leave out the attempt to compress where a sample does not compress; true when omitted. */
  readonly sample?: boolean;
  /** Where the payload goes if it fits, so that none is allocated; what stands behind it is left alone. */
  readonly into?: Uint8Array;
}

export const payloadLevelDefault = 3;

const payloadHeaderBytes = 9;
const codecRaw = 0;
const codecZstd = 1;
/** Compression has to save 1/32 (docs/format/cutting.md, "Sampling"). */
const savedShare = 32;
/** The sample of 64 KiB is taken from chunks of which it is at most a quarter. */
const sampledBytesMin = 262_144;
const samplePieces = 16;
const samplePieceBytes = 4_096;
/** Bytes looked at before the sample; see looksRandom. */
const histogramBytes = 4_096;

/** Never fails for a plaintext of up to `plaintextBytesMax` bytes. */
export function encodePayload(plaintext: Uint8Array, options: PayloadOptions = {}): Uint8Array {
  assert(plaintext.length <= plaintextBytesMax, 'a chunk is larger than plaintextBytesMax');
  const { level = payloadLevelDefault, sample = true, into } = options;
  if (sample && !sampleCompresses(plaintext, into))
    return assemble({ codec: codecRaw, plainBytes: plaintext.length, data: plaintext }, into);
  if (into !== undefined && into.length >= payloadHeaderBytes + zstdBound(plaintext.length)) {
    const payload = compressInto(plaintext, level, into);
    if (payload !== null) return payload;
    return assemble({ codec: codecRaw, plainBytes: plaintext.length, data: plaintext }, into);
  }
  const frame = primitives.zstdCompress(plaintext, { level });
  if (!saves(plaintext.length, frame.length)) {
    return assemble({ codec: codecRaw, plainBytes: plaintext.length, data: plaintext }, into);
  }
  const payload = assemble({ codec: codecZstd, plainBytes: plaintext.length, data: frame }, into);
  releaseBytes(frame);
  return payload;
}

/** Where `into` has room for any frame of this plaintext; null: it does not compress. */
function compressInto(plaintext: Uint8Array, level: number, into: Uint8Array): Uint8Array | null {
  const length = primitives.zstdCompressInto(plaintext, { level }, into.subarray(payloadHeaderBytes));
  if (!saves(plaintext.length, length)) return null;
  const data = into.subarray(payloadHeaderBytes, payloadHeaderBytes + length);
  return assemble({ codec: codecZstd, plainBytes: plaintext.length, data }, into);
}

/**
 * The plaintext. SealError `payload-invalid`. Not verified against an id yet. `memory` gives so many bytes to put it into;
 * without it the plaintext of codec 0 is a view of the payload.
 */
export function decodePayload(payload: Uint8Array, memory?: (lengthBytes: number) => Uint8Array): Uint8Array {
  if (payload.length < payloadHeaderBytes) throw invalid('short');
  const view = new DataView(payload.buffer, payload.byteOffset, payloadHeaderBytes);
  const codec = view.getUint8(0);
  const plainBytes = view.getUint32(1, true);
  const dataBytes = view.getUint32(5, true);
  if (plainBytes > plaintextBytesMax) throw invalid('plaintext too long');
  const end = payloadHeaderBytes + dataBytes;
  if (end > payload.length || padmeLength(end) !== payload.length) throw invalid('length');
  for (let index = end; index < payload.length; index += 1) if (payload[index] !== 0) throw invalid('padding');
  const data = payload.subarray(payloadHeaderBytes, end);
  if (codec === codecRaw) {
    if (dataBytes !== plainBytes) throw invalid('raw length');
    if (memory === undefined) return data;
    const copy = memory(plainBytes);
    copy.set(data);
    return copy;
  }
  if (codec !== codecZstd) throw invalid('codec');
  const plaintext = decompress(data, plainBytes, memory);
  if (plaintext === null) throw invalid('compressed data');
  return plaintext;
}

function decompress(frame: Uint8Array, plainBytes: number, memory?: (lengthBytes: number) => Uint8Array): Uint8Array | null {
  if (memory === undefined) return primitives.zstdDecompress(frame, plainBytes);
  const plaintext = memory(plainBytes);
  return primitives.zstdDecompressInto(frame, plaintext) ? plaintext : null;
}

interface PayloadParts {
  readonly codec: number;
  readonly plainBytes: number;
  readonly data: Uint8Array;
}

function assemble({ codec, plainBytes, data }: PayloadParts, into: Uint8Array | undefined): Uint8Array {
  const end = payloadHeaderBytes + data.length;
  const length = padmeLength(end);
  const fits = into !== undefined && into.length >= length;
  const payload = fits ? into.subarray(0, length) : new Uint8Array(length);
  const view = new DataView(payload.buffer, payload.byteOffset, payloadHeaderBytes);
  view.setUint8(0, codec);
  view.setUint32(1, plainBytes, true);
  view.setUint32(5, data.length, true);
  // Compressed in place, it stands there already.
  const inPlace = data.buffer === payload.buffer && data.byteOffset === payload.byteOffset + payloadHeaderBytes;
  if (!inPlace) payload.set(data, payloadHeaderBytes);
  if (fits) payload.fill(0, end);
  return payload;
}

function saves(plainBytes: number, compressedBytes: number): boolean {
  return compressedBytes <= plainBytes - plainBytes / savedShare;
}

/** False only after 64 KiB of the chunk, taken evenly from all of it, did not compress. Done in `into`, where nothing stands yet, if it has room. */
function sampleCompresses(plaintext: Uint8Array, into: Uint8Array | undefined): boolean {
  if (plaintext.length < sampledBytesMin || !looksRandom(plaintext)) return true;
  const sampleBytes = samplePieces * samplePieceBytes;
  const neededBytes = sampleBytes + zstdBound(sampleBytes);
  const scratch = into !== undefined && into.length >= neededBytes ? into : new Uint8Array(neededBytes);
  const sample = scratch.subarray(0, sampleBytes);
  const step = Math.floor((plaintext.length - samplePieceBytes) / (samplePieces - 1));
  for (let piece = 0; piece < samplePieces; piece += 1) {
    const start = piece * step;
    sample.set(plaintext.subarray(start, start + samplePieceBytes), piece * samplePieceBytes);
  }
  return saves(sampleBytes, primitives.zstdCompressInto(sample, { level: 1 }, scratch.subarray(sampleBytes, neededBytes)));
}

/**
 * Pearson's chi-squared of 4,096 bytes spread over the chunk against an even distribution: 255 on average for random
 * bytes with a standard deviation of 23; text has tens of thousands. It only saves the cost of the sample for data that
 * plainly compresses; the sample decides.
 */
function looksRandom(plaintext: Uint8Array): boolean {
  const counts = new Uint32Array(256);
  const step = Math.max(1, Math.floor(plaintext.length / histogramBytes));
  for (let count = 0, index = 0; count < histogramBytes; count += 1, index += step) {
    const byte = plaintext[index] ?? 0;
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  const expected = histogramBytes / 256;
  let sum = 0;
  for (const count of counts) sum += (count - expected) ** 2;
  return sum / expected < 2_048;
}

function invalid(defect: string): SealError {
  return new SealError('payload-invalid', { context: { defect } });
}
