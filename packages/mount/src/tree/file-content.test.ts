/* Reading and seeking at any place of a file gives what reading it whole does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import type { CatalogEntry, CatalogReader, Extent } from '@twinvault/seal';
import { Prng, toHex } from '@twinvault/std';
import { ChunkCache } from './chunk-cache.ts';
import { FileContent } from './file-content.ts';

const pieces = fc.array(
  fc.record({ isHole: fc.boolean(), lengthBytes: fc.integer({ min: 1, max: 300 }), offsetBytes: fc.nat(100), chunk: fc.nat(3) }),
  { maxLength: 12 },
);

/** A catalog that knows one list of extents, given in several batches. */
function catalogOf(extents: readonly Extent[]): CatalogReader {
  const batches = async function* (): AsyncGenerator<readonly Extent[]> {
    for (const extent of extents) yield await Promise.resolve([extent]);
  };
  return { extentBatches: batches } as unknown as CatalogReader;
}

test('any range of any file', async () => {
  const prng = new Prng('content');
  const chunks = Array.from({ length: 4 }, () => prng.bytes(400));
  const ids = chunks.map((_, index) => chunkId(new Uint8Array(32).fill(index + 1)));
  const readChunk = (id: ChunkId): Promise<Uint8Array> => Promise.resolve(chunks[(id[0] ?? 0) - 1] ?? assert.fail());
  const property = fc.asyncProperty(pieces, fc.nat(2000), fc.nat(800), async (list, from, length) => {
    const extents = list.map(({ isHole, lengthBytes, offsetBytes, chunk }): Extent => {
      return isHole
        ? { chunk: null, offsetBytes: 0, lengthBytes }
        : { chunk: ids[chunk] ?? assert.fail(), offsetBytes, lengthBytes };
    });
    const parts = extents.map(({ chunk, offsetBytes, lengthBytes }) =>
      chunk === null
        ? new Uint8Array(lengthBytes)
        : (chunks[(chunk[0] ?? 0) - 1] ?? assert.fail()).subarray(offsetBytes, offsetBytes + lengthBytes),
    );
    const whole = Buffer.concat(parts);
    const isData = extents.flatMap(({ chunk, lengthBytes }) => Array.from({ length: lengthBytes }, () => chunk !== null));
    const content = await FileContent.of(catalogOf(extents), { sizeBytes: whole.length } as CatalogEntry);
    assert.equal(Buffer.compare(await content.read(from, length, readChunk), whole.subarray(from, from + length)), 0);
    assert.equal(content.dataBytes, isData.filter(Boolean).length);
    const next = (wanted: boolean): number => isData.findIndex((data, at) => at >= from && data === wanted);
    assert.equal(content.seek(from, 'data') ?? -1, from < whole.length ? next(true) : -1);
    const hole = next(false);
    assert.equal(content.seek(from, 'hole') ?? -1, from >= whole.length ? -1 : hole < 0 ? whole.length : hole);
  });
  await fc.assert(property, { numRuns: 300 });
});

test('a chunk that several ask for is read once, and again after it went', async () => {
  const cache = new ChunkCache();
  const reads: string[] = [];
  const read = (id: ChunkId): Promise<Uint8Array> => {
    reads.push(toHex(id).slice(0, 2));
    return Promise.resolve(new Uint8Array(60 * 1024 * 1024));
  };
  const id = (number: number): ChunkId => chunkId(new Uint8Array(32).fill(number));
  await Promise.all([cache.get(id(1), read), cache.get(id(1), read)]);
  await cache.get(id(2), read);
  await cache.get(id(1), read);
  await cache.get(id(3), read);
  await cache.get(id(1), read);
  await cache.get(id(2), read);
  assert.deepEqual(reads, ['01', '02', '03', '02']);
  await assert.rejects(
    cache.get(id(4), () => Promise.reject(new Error('lost'))),
    { message: 'lost' },
  );
  await cache.get(id(4), read);
  assert.equal(reads.at(-1), '04');
});
