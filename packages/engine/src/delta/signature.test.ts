import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '@twinvault/std';
import { pagesOf, wordsPerPage } from '@twinvault/seal';
import { writeExtent } from '../entries/entry-body.ts';
import type { PlacedExtent } from '../entries/entry-body.ts';
import { PackedWriter } from '../entries/packed-writer.ts';
import { OldVersion, PageCursor } from './old-version.ts';
import { decodeSignature, encodeSignature, segmentName, segmentNamesIn, segmentWords } from './signature.ts';
import type { Signature } from './signature.ts';

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

/** Of pages in segments of two to the power of `segmentBits`. */
function signatureOf(segmentBits: number): Signature {
  const step = wordsPerPage * 2 ** segmentBits;
  const names: Uint8Array[] = [];
  let at = 0;
  for (; words.length - at > step; at += step) names.push(segmentName(words.subarray(at, at + step)));
  return { list, pieces, segmentBits, names, lastWords: words.slice(at) };
}

const signature = signatureOf(1);
const bytes = encodeSignature(signature, key);

test('a signature gives back what was written', () => {
  for (const segmentBits of [0, 1, 2, 3, 18]) {
    const made = signatureOf(segmentBits);
    assert.equal(made.names.length, Math.ceil(pages / 2 ** segmentBits) - 1);
    const written = encodeSignature(made, key);
    const version = decodeSignature(written, list, key);
    assert.ok(version);
    assert.deepEqual(version.list, list);
    assert.deepEqual([...version.pieces], [...pieces]);
    assert.deepEqual([...version.lastWords], [...made.lastWords]);
    assert.deepEqual(
      version.names.map((name) => [...name]),
      made.names.map((name) => [...name]),
    );
    assert.deepEqual(segmentNamesIn(written), [...version.names]);
  }
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.ok(decodeSignature(shifted.subarray(1), list, key), 'it need not be aligned');
});

test('a segment is taken by its name alone', () => {
  const name = segmentName(words.subarray(0, 10));
  const segment = new Uint8Array(words.slice(0, 10).buffer);
  assert.deepEqual([...(segmentWords(name, segment) ?? [])], [...words.subarray(0, 10)]);
  assert.equal(segmentWords(name, segment.subarray(20)), null);
  assert.equal(segmentWords(name, segment.subarray(1)), null);
  assert.equal(segmentWords(name, new Uint8Array(0)), null);
  assert.equal(segmentWords(segmentName(words.subarray(10, 20)), segment), null);
});

test('whatever is damaged, cut short, under another key or of other extents is refused', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      assert.equal(decodeSignature(damaged, list, key), null);
      segmentNamesIn(damaged);
      assert.equal(decodeSignature(bytes.subarray(0, at), list, key), null);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
      assert.equal(decodeSignature(any, list, key), null);
      segmentNamesIn(any);
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
    walked.push([cursor.fileOffsetBytes, cursor.lengthBytes, cursor.extent]);
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
  assert.deepEqual([...old.wholePages(0, 8)], [0, 1, 5, 6]);
  assert.deepEqual([...old.wholePages(1, 6)], [1, 5]);
  assert.deepEqual([...old.wholePages(6, 100)], [6]);
  // Page 2 is a short one, page 4 a short first one.
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((page) => old.wholeRun(old.extentOf(page), page, 9)),
    [2, 1, 0, 0, 0, 2, 1],
  );
  assert.equal(old.wholeRun(0, 0, 1), 1);
});
