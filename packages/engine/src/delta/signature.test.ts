import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '@twinvault/std';
import { pagesOf, wordsPerPage } from '@twinvault/seal';
import { writeExtent } from '../entries/entry-body.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { OldVersion, PageCursor } from './old-version.ts';
import { decodeSignature, encodeSignature } from './signature.ts';

const prng = new Prng('signatures');
const key = prng.bytes(20);

function listOf(extents: readonly PlacedExtent[]): Uint8Array {
  const list = new PackedWriter();
  for (const extent of extents) writeExtent(list, extent);
  return list.take().slice();
}

const extents: readonly PlacedExtent[] = [
  { id: prng.bytes(32), offsetBytes: 0, lengthBytes: 10_000 },
  { id: null, offsetBytes: 0, lengthBytes: 5000 },
  { id: prng.bytes(32), offsetBytes: 777, lengthBytes: 100 },
  { id: prng.bytes(32), offsetBytes: 4096, lengthBytes: 8292 },
];
const pieces = Uint32Array.of(10_000, 4096, 900, 4000, 70_000, 100);
const pages = pagesOf(10_000) + pagesOf(100, 4000) + pagesOf(8292, 100);
const words = Uint32Array.from({ length: pages * wordsPerPage }, (_, index) => index * 77_777);
const list = listOf(extents);
const bytes = encodeSignature({ list, key, pieces, words: [words.subarray(0, 5), words.subarray(5)] });

test('a signature gives back what was written', () => {
  const version = decodeSignature(bytes, list, key);
  assert.ok(version);
  assert.deepEqual(version.extents, extents);
  assert.deepEqual([...version.pieces], [...pieces]);
  assert.deepEqual([...version.words], [...words]);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.ok(decodeSignature(shifted.subarray(1), list, key), 'it need not be aligned');
});

test('whatever is damaged, cut short, under another key or of other extents is refused', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      assert.equal(decodeSignature(damaged, list, key), null);
      assert.equal(decodeSignature(bytes.subarray(0, at), list, key), null);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
      assert.equal(decodeSignature(any, list, key), null);
    }),
  );
  assert.equal(decodeSignature(bytes, list, prng.bytes(20)), null);
  assert.equal(decodeSignature(bytes, listOf(extents.slice(1)), key), null);
  assert.equal(decodeSignature(bytes, list.subarray(1), key), null);
  assert.equal(decodeSignature(bytes, new Uint8Array(0), key), null);
});

test('pages lie where the extents put them', () => {
  const version = decodeSignature(bytes, list, key);
  assert.ok(version);
  const old = new OldVersion(version);
  const walked: (readonly [number, number, number])[] = [];
  for (const cursor = new PageCursor(old, 0); !cursor.ended; cursor.next()) {
    walked.push([cursor.fileOffsetBytes, cursor.lengthBytes, cursor.extentNumber]);
    assert.deepEqual(new PageCursor(old, cursor.page).fileOffsetBytes, cursor.fileOffsetBytes);
  }
  assert.deepEqual(walked, [
    [0, 4096, 0],
    [4096, 4096, 0],
    [8192, 1808, 0],
    [15_000, 100, 1],
    [15_100, 100, 2],
    [15_200, 4096, 2],
    [19_296, 4096, 2],
  ]);
  assert.deepEqual([...old.wholePages()], [0, 1, 5, 6]);
});
