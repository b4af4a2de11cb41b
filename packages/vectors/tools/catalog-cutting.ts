/* Vectors of cutting: the gear table, SipHash-2-4, where chunks end, bundle tags. */

import { bundleTag, endsBundle } from '@twinvault/seal';
import { primitives, toHex, utf8Encode } from '@twinvault/std';
import type { VectorFile } from '../src/index.ts';
import { u64Bytes } from '../tests/catalog-parsers.ts';
import { SealedCollector } from './sealed-collect.ts';
import { fill } from './world.ts';

export async function gearVectors(): Promise<VectorFile> {
  const about = 'The gear table of cutting.md: nothing is read, the value is G[0] to G[255].';
  const collector = new SealedCollector({ about, parser: 'gear' });
  await collector.valid('gear table', new Uint8Array());
  return collector.finish();
}

export async function siphashVectors(): Promise<VectorFile> {
  const about = 'SipHash-2-4 of the bytes under key; the value is the upper and the lower 32 bits of the result as u64.';
  const collector = new SealedCollector({ about, parser: 'siphash' });
  const key = Uint8Array.from({ length: 16 }, (_, index) => index);
  for (const length of [0, 1, 7, 8, 15, 16, 31, 32, 63, 64, 255, 256, 1000]) {
    const message = Uint8Array.from({ length }, (_, index) => index & 0xff);
    await collector.valid(`${length} bytes 00, 01, …`, message, { key: toHex(key) });
  }
  await collector.valid('key of ff', utf8Encode('message'), { key: 'ff'.repeat(16) });
  return collector.finish();
}

export async function cuttingVectors(): Promise<VectorFile> {
  const about =
    'Data is SHA-256(bytes | u64 0) | SHA-256(bytes | u64 1) | … cut off at streamBytes (u64), then zeroBytes (u64) zero bytes, as one run. ' +
    'The value is where each chunk ends under cutterKey, however the data is read.';
  const collector = new SealedCollector({ about, parser: 'cutting' });
  const MiB = 1024 * 1024;
  const cases: readonly (readonly [string, number, number])[] = [
    ['no data', 0, 0],
    ['one byte', 1, 0],
    ['one byte less than the smallest chunk', 262_143, 0],
    ['the smallest chunk', 262_144, 0],
    ['4 MiB', 4 * MiB, 0],
    ['zeros alone', 0, 9 * MiB + 1],
    ['a run that ends in zeros', 1.5 * MiB, 6 * MiB],
  ];
  for (const [name, streamBytes, zeroBytes] of cases) {
    for (const label of ['one', 'two']) {
      const sizes = { streamBytes: toHex(u64Bytes(streamBytes)), zeroBytes: toHex(u64Bytes(zeroBytes)) };
      const context = { cutterKey: toHex(fill(`cutter key ${label}`, 16)), ...sizes };
      await collector.valid(`${name}, key ${label}`, utf8Encode('cutting vectors'), context);
    }
  }
  return collector.finish();
}

export async function bundleVectors(): Promise<VectorFile> {
  const about =
    'The tag of a small file with these bytes under bundleKey, and whether a bundle that is large enough ends after it.';
  const collector = new SealedCollector({ about, parser: 'bundle' });
  const raw = fill('bundle key', 32);
  const context = { bundleKey: toHex(raw) };
  await collector.valid('a file', utf8Encode('a small file'), context);
  const key = primitives.secretKey(raw);
  let found = 0;
  for (let count = 0; found < 2; count += 1) {
    const content = utf8Encode(`file ${count}`);
    if (!endsBundle(bundleTag(key, content))) continue;
    found += 1;
    await collector.valid(`a file that ends a bundle, ${found}`, content, context);
  }
  return collector.finish();
}
