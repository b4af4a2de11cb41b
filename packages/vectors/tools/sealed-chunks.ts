/* Vectors of payloads and blobs. */

import { concatBytes, fromHex, padmeLength, toHex, utf8Encode } from '@twinvault/std';
import type { PackKind, Suite } from '@twinvault/format';
import { blobKey, chunkSecret, kindKeys, sealBlob } from '@twinvault/seal';
import type { VectorFile } from '../src/vector.ts';
import { SealedCollector } from './sealed-collect.ts';
import { flipped, rootContext, sealSafe, ws } from './sealed-world.ts';
import { fill, u32 } from './world.ts';

/** A frame as zstd 1.5 makes it of `twinvault ` forty times. Given, since another version may compress it otherwise. */
export const frame: Uint8Array = bytesOf('28b52ffd6090008d0000507477696e7661756c7420010083550b12');
export const framePlaintext: Uint8Array = utf8Encode('twinvault '.repeat(40));

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new RangeError('not hexadecimal');
  return bytes;
}

export interface PayloadParts {
  readonly codec: number;
  readonly plainBytes: number;
  readonly data: Uint8Array;
  /** Claimed length of the data. */
  readonly dataBytes?: number;
  /** Length of the whole payload. */
  readonly payloadBytes?: number;
}

/** A payload with whatever fields. */
export function payloadOf({ codec, plainBytes, data, dataBytes, payloadBytes }: PayloadParts): Uint8Array {
  const content = concatBytes(Uint8Array.of(codec), u32(plainBytes), u32(dataBytes ?? data.length), data);
  const payload = new Uint8Array(payloadBytes ?? padmeLength(content.length));
  payload.set(content);
  return payload;
}

export function rawPayload(plaintext: Uint8Array): Uint8Array {
  return payloadOf({ codec: 0, plainBytes: plaintext.length, data: plaintext });
}

export const framePayload: Uint8Array = payloadOf({ codec: 1, plainBytes: 400, data: frame });

export async function payloadVectors(): Promise<VectorFile> {
  const collector = new SealedCollector({ parser: 'payload', about: 'Payloads of blobs. value: the plaintext.' });
  for (const length of [0, 1, 100, 1_000]) {
    await collector.valid(`raw, ${length} bytes`, rawPayload(fill('raw', length)));
  }
  await collector.valid('one zstd frame', framePayload);
  const hundred = fill('raw', 100);
  const raw = rawPayload(hundred);
  const refuse = async (name: string, payload: Uint8Array, defect: string): Promise<void> =>
    await collector.invalid(name, payload, { code: 'payload-invalid', defect });
  await refuse('nothing', new Uint8Array(0), 'short');
  await refuse('eight bytes', raw.slice(0, 8), 'short');
  await refuse('a byte less than Padmé', raw.slice(0, -1), 'length');
  await refuse('a byte more than Padmé', concatBytes(raw, new Uint8Array(1)), 'length');
  await refuse('no padding', payloadOf({ codec: 0, plainBytes: 100, data: hundred, payloadBytes: 109 }), 'length');
  await refuse('padding not zero', flipped(raw, -1), 'padding');
  await refuse('data beyond the end', payloadOf({ codec: 0, plainBytes: 100, data: hundred, dataBytes: 2 ** 32 - 1 }), 'length');
  await refuse('codec 2', payloadOf({ codec: 2, plainBytes: 100, data: hundred }), 'codec');
  await refuse('raw, plaintext shorter than the data', payloadOf({ codec: 0, plainBytes: 99, data: hundred }), 'raw length');
  await refuse('raw, plaintext longer than the data', payloadOf({ codec: 0, plainBytes: 101, data: hundred }), 'raw length');
  const zstd = async (name: string, plainBytes: number, data: Uint8Array): Promise<void> =>
    await refuse(name, payloadOf({ codec: 1, plainBytes, data }), 'compressed data');
  await refuse('plaintext above 16 MiB', payloadOf({ codec: 1, plainBytes: 2 ** 24 + 1, data: frame }), 'plaintext too long');
  await zstd('no frame', 400, fill('no frame', 27));
  await zstd('frame of another length', 401, frame);
  await zstd('frame cut off', 400, frame.slice(0, -1));
  await zstd('bytes after the frame', 400, concatBytes(frame, new Uint8Array(1)));
  await zstd('two frames', 800, concatBytes(frame, frame));
  await zstd('a skippable frame before it', 400, concatBytes(bytesOf('502a4d1800000000'), frame));
  await zstd(
    'frame that needs a dictionary',
    400,
    bytesOf('28b52ffd6101900001000000'.concat('8d0000507477696e7661756c7420010083550b12')),
  );
  return collector.finish();
}

interface Chunk {
  readonly suite: Suite;
  readonly kind: PackKind;
  readonly plaintext: Uint8Array;
  readonly payload: Uint8Array;
  readonly salt: Uint8Array;
}

/** The blob, and what it takes to make it again. */
function sealed({ suite, kind, plaintext, payload, salt }: Chunk): { blob: Uint8Array; id: Uint8Array; key: Uint8Array } {
  const { m, id } = chunkSecret(kindKeys(ws, kind), plaintext);
  const { blob } = sealBlob({ suite, kind, safe: sealSafe, id, m, salt, payload });
  return { blob, id, key: blobKey(suite, m, salt) };
}

export async function blobVectors(): Promise<VectorFile> {
  const about =
    'Blobs. bytes: the blob; context: rootSecret, safe, suite, kind, and either plaintext and salt, where value is {m, id, key, payload}, or id and key, where value is the plaintext.';
  const collector = new SealedCollector({ parser: 'blob', about }, rootContext);
  const plaintext = fill('plaintext', 100);
  const salt = fill('salt', 16);
  for (const suite of [1, 2] as const) {
    for (const kind of [1, 2, 3] as const) {
      const context = { suite: `0${suite}`, kind: `0${kind}` };
      const { blob, id, key } = sealed({ suite, kind, plaintext, payload: rawPayload(plaintext), salt });
      const name = `suite ${suite}, kind ${kind}`;
      await collector.valid(`${name}, from the plaintext`, blob, { ...context, plaintext: toHex(plaintext), salt: toHex(salt) });
      await collector.valid(`${name}, from K`, blob, { ...context, id: toHex(id), key: toHex(key) });
    }
    const kind = 1;
    const context = { suite: `0${suite}`, kind: '01' };
    const whole = sealed({ suite, kind, plaintext: framePlaintext, payload: framePayload, salt });
    const opening = { ...context, id: toHex(whole.id), key: toHex(whole.key) };
    await collector.valid(`suite ${suite}, compressed`, whole.blob, opening);
    const refuse = async (name: string, blob: Uint8Array, changes: Record<string, string> = {}): Promise<void> =>
      await collector.invalid(`suite ${suite}, ${name}`, blob, { code: 'blob-damaged', context: { ...opening, ...changes } });
    await refuse('first byte changed', flipped(whole.blob, 0));
    await refuse('last byte changed', flipped(whole.blob, -1));
    await refuse('cut off', whole.blob.slice(0, -1));
    await refuse('of another chunk id', whole.blob, { id: toHex(fill('other id', 32)) });
    await refuse('of another kind', whole.blob, { kind: '02' });
    await refuse('of another safe', whole.blob, { safe: toHex(fill('other safe', 16)) });
    await refuse('in the other suite', whole.blob, { suite: `0${3 - suite}` });
    await refuse('another K', whole.blob, { key: toHex(flipped(whole.key, 0)) });

    const { m, id } = chunkSecret(kindKeys(ws, kind), plaintext);
    const other = rawPayload(fill('another plaintext', 100));
    const poisoned = sealBlob({ suite, kind, safe: sealSafe, id, m, salt, payload: other });
    const poison = { ...context, id: toHex(id), key: toHex(poisoned.key) };
    await collector.invalid(`suite ${suite}, content of another chunk`, poisoned.blob, { code: 'id-mismatch', context: poison });
    const broken = sealBlob({ suite, kind, safe: sealSafe, id, m, salt, payload: flipped(rawPayload(plaintext), -1) });
    await collector.invalid(`suite ${suite}, payload with wrong padding`, broken.blob, {
      code: 'payload-invalid',
      context: poison,
    });
  }
  return collector.finish();
}
