import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng, toHex } from '@twinvault/std';
import { ForeignChunks } from './foreign-chunks.ts';
import type { NewForeignBlob } from './foreign-chunks.ts';
import { SlipPairs } from './slip-pairs.ts';

function blobsOf(seed: string, count: number, ids: number): NewForeignBlob[] {
  const prng = new Prng(seed);
  const known = Array.from({ length: ids }, () => prng.bytes(32));
  return Array.from({ length: count }, (_, index) => ({
    id: known[prng.below(ids)] ?? prng.bytes(32),
    place: { pack: prng.below(1 << 30), position: index & 0xffff },
    suite: prng.chance(0.5) ? 1 : 2,
    salt: prng.bytes(16),
    blobHash: prng.bytes(32),
    lengthBytes: prng.below(1 << 25),
  }));
}

function nameOf({ place, suite, salt, blobHash, lengthBytes }: Omit<NewForeignBlob, 'id'>): string {
  return [place.pack, place.position, suite, toHex(salt), toHex(blobHash), lengthBytes].join(' ');
}

test('every blob is a candidate of its id and of no other, up to four of one id', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(300), fc.integer({ min: 1, max: 200 }), (seed, count, ids) => {
      const blobs = blobsOf(seed, count, ids);
      const table = ForeignChunks.create();
      for (const blob of blobs) table.add(blob);
      table.finish();
      const attached = ForeignChunks.attach(table.shared);
      for (const { id } of blobs) {
        const stored = blobs.filter((other) => toHex(other.id) === toHex(id)).map(nameOf);
        const found = attached.candidates(id).map(nameOf);
        assert.equal(found.length, Math.min(4, stored.length));
        assert.ok(found.every((name) => stored.includes(name)));
      }
      assert.deepEqual(attached.candidates(new Prng('nobody has this').bytes(32)), []);
    }),
    { numRuns: 60 },
  );
});

test('it holds more blobs than one block', () => {
  const prng = new Prng('ids');
  const blobs = blobsOf('blocks', 70_000, 1).map((blob) => ({ ...blob, id: prng.bytes(32) }));
  const table = ForeignChunks.create();
  for (const blob of blobs) table.add(blob);
  table.finish();
  assert.equal(table.count, blobs.length);
  assert.ok(table.shared.blocks.length > 1);
  for (const blob of [...blobs.slice(0, 50), ...blobs.slice(-50)]) {
    assert.deepEqual(table.candidates(blob.id).map(nameOf), [nameOf(blob)]);
  }
});

test('a slip leads to its blob, whatever its position, and a place without one to nothing', () => {
  const pairs = new SlipPairs();
  pairs.add({ pack: 0, position: 0 }, { pack: 0, position: 7 });
  pairs.addAll(3, Int32Array.of(65_535, 4, 0, 2, 9, 65_535));
  assert.deepEqual(pairs.blobOf({ pack: 0, position: 0 }), { pack: 0, position: 7 });
  assert.deepEqual(pairs.blobOf({ pack: 3, position: 65_535 }), { pack: 4, position: 0 });
  assert.deepEqual(pairs.blobOf({ pack: 3, position: 2 }), { pack: 9, position: 65_535 });
  for (const place of [
    { pack: 0, position: 1 },
    { pack: 3, position: 3 },
    { pack: 4, position: 0 },
    { pack: 0, position: 60_000 },
  ]) {
    assert.equal(pairs.blobOf(place), null);
  }
});
