import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packKinds, packName, safeId } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { Blob } from './chunk-set.ts';
import { fetchRanges, joinGapBytesMax, joinRanges, readBytesMax } from './fetch.ts';
import { ReadLosses } from './losses.ts';

function pack(byte: number): PackName {
  return packName(new Uint8Array(32).fill(byte));
}

function blob(chunk: number, place: { packNumber: number; offsetBytes: number; lengthBytes: number }): Blob {
  const opening = { suite: 1, safe: safeId(new Uint8Array(16)), kind: packKinds.data, keys: [] } as const;
  return { chunk, pack: pack(place.packNumber), ...place, hash: new Uint8Array(32), opening };
}

test('neighbours are read at once, far ones and other packs apart', () => {
  const ranges = joinRanges([
    blob(3, { packNumber: 2, offsetBytes: 0, lengthBytes: 10 }),
    blob(2, { packNumber: 1, offsetBytes: 100, lengthBytes: 10 }),
    blob(1, { packNumber: 1, offsetBytes: 0, lengthBytes: 100 }),
    blob(4, { packNumber: 1, offsetBytes: 111 + joinGapBytesMax, lengthBytes: 5 }),
  ]);
  assert.deepEqual(
    ranges.map(({ offsetBytes, lengthBytes, blobs }) => [offsetBytes, lengthBytes, blobs.length]),
    [
      [0, 110, 2],
      [111 + joinGapBytesMax, 5, 1],
      [0, 10, 1],
    ],
  );
});

test('one read never exceeds its limit', () => {
  const lengthBytes = 1024 * 1024;
  const blobs = Array.from({ length: 40 }, (_, index) =>
    blob(index, { packNumber: 1, offsetBytes: index * lengthBytes, lengthBytes }),
  );
  const ranges = joinRanges(blobs);
  assert.ok(ranges.every((range) => range.lengthBytes <= readBytesMax));
  assert.equal(
    ranges.reduce((sum, range) => sum + range.blobs.length, 0),
    40,
  );
});

test('where a range is lost its blobs are read alone, and those that are lost are left out; another failure is thrown', async () => {
  const ranges = joinRanges([
    blob(1, { packNumber: 1, offsetBytes: 0, lengthBytes: 4 }),
    blob(2, { packNumber: 1, offsetBytes: 4, lengthBytes: 4 }),
    blob(3, { packNumber: 2, offsetBytes: 0, lengthBytes: 4 }),
  ]);
  let code: 'pack-short' | 'vault-busy' = 'pack-short';
  const reading = {
    readPack: async (name: PackName, offsetBytes: number, lengthBytes: number) => {
      if (name[0] === 1 && offsetBytes + lengthBytes > 4) throw new ProtocolError(code);
      return new Uint8Array(lengthBytes);
    },
    packSize: async () => 4,
    holdersOf: async (origins: readonly PackName[]) => origins.map((origin) => [origin]),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const fetched = await fetchRanges(reading, ranges, new ReadLosses());
  assert.deepEqual(
    fetched.blobs.map(({ blob: { chunk } }) => chunk).toSorted((a, b) => a - b),
    [1, 3],
  );
  assert.equal(fetched.buffers.length, 2);
  code = 'vault-busy';
  await assert.rejects(fetchRanges(reading, ranges, new ReadLosses()), ProtocolError);
});

test('reads that fail one after another are the end of the vault', () => {
  const losses = new ReadLosses();
  const failure = new ProtocolError('vault-failed');
  for (let round = 0; round < 64; round += 1) assert.equal(losses.bad(failure), 'vault-failed');
  losses.good();
  for (let round = 0; round < 64; round += 1) assert.equal(losses.bad(failure), 'vault-failed');
  assert.equal(losses.bad(failure), null);
  assert.equal(new ReadLosses().bad(new Error('a bug')), null);
});
