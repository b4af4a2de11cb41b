import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkId, packName } from '@twinvault/format';
import type { ChunkId, PackName } from '@twinvault/format';
import { fetchRanges, joinGapBytesMax, joinRanges, readBytesMax } from './fetch.ts';
import type { Place } from './planner.ts';

function id(byte: number): ChunkId {
  return chunkId(new Uint8Array(32).fill(byte));
}

function pack(byte: number): PackName {
  return packName(new Uint8Array(32).fill(byte));
}

function chunk(byte: number, place: Place): { readonly id: ChunkId; readonly place: Place } {
  return { id: id(byte), place };
}

test('neighbours are read at once, far ones and other packs apart', () => {
  const ranges = joinRanges([
    chunk(3, { pack: pack(2), offsetBytes: 0, lengthBytes: 10 }),
    chunk(2, { pack: pack(1), offsetBytes: 100, lengthBytes: 10 }),
    chunk(1, { pack: pack(1), offsetBytes: 0, lengthBytes: 100 }),
    chunk(4, { pack: pack(1), offsetBytes: 111 + joinGapBytesMax, lengthBytes: 5 }),
  ]);
  assert.deepEqual(
    ranges.map(({ offsetBytes, lengthBytes, chunks }) => [offsetBytes, lengthBytes, chunks.length]),
    [
      [0, 110, 2],
      [111 + joinGapBytesMax, 5, 1],
      [0, 10, 1],
    ],
  );
});

test('one read never exceeds its limit', () => {
  const chunks = Array.from({ length: 40 }, (_, index) => {
    const lengthBytes = 1024 * 1024;
    return chunk(index, { pack: pack(1), offsetBytes: index * lengthBytes, lengthBytes });
  });
  const ranges = joinRanges(chunks);
  assert.ok(ranges.every(({ lengthBytes }) => lengthBytes <= readBytesMax));
  assert.equal(
    ranges.reduce((sum, range) => sum + range.chunks.length, 0),
    40,
  );
});

test('a range that is lost leaves its chunks out; another failure is thrown', async () => {
  const ranges = joinRanges([
    chunk(1, { pack: pack(1), offsetBytes: 0, lengthBytes: 4 }),
    chunk(2, { pack: pack(2), offsetBytes: 0, lengthBytes: 4 }),
  ]);
  const lost = new Error('lost');
  const reading = {
    readPack: async (name: PackName) => {
      if (name[0] === 1) throw lost;
      return new Uint8Array([1, 2, 3, 4]);
    },
    packSize: async () => 4,
    [Symbol.asyncDispose]: async () => {},
  };
  const fetched = await fetchRanges(reading, ranges, (error) => error === lost);
  assert.equal(fetched.where.size, 1);
  assert.equal(fetched.buffers.length, 1);
  await assert.rejects(
    fetchRanges(reading, ranges, () => false),
    lost,
  );
});
