/*
 * Property: the difference between two versions, applied to the first, gives the second, whatever runs of pages they share and
 * wherever segments end; and anything else than a difference gives null or some version, but never ends in an error.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '@twinvault/std';
import { pageBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import { ExtentList } from '../entries/entry-body.ts';
import { DifferenceReader, differencePartBytesMax, encodeDifference } from './difference.ts';
import { SegmentReader } from './segment-reader.ts';
import { decodeSignature, segmentName, signedPages } from './signature.ts';
import type { Signature } from './signature.ts';
import { VersionWriter } from './version-writer.ts';

const prng = new Prng('differences');
const key = prng.bytes(20);
const chunks = Array.from({ length: 12 }, () => ({ id: prng.bytes(32), words: words(80), bytes: 80 * pageBytes - 777 }));

function words(pages: number): Uint32Array {
  return Uint32Array.from({ length: pages * wordsPerPage }, () => prng.below(2 ** 32));
}

/** Segments of all versions by their names. */
const segments = new Map<string, Uint8Array>();
const load = (name: Uint8Array): Uint8Array | null => segments.get(Buffer.from(name).toString('hex'))?.slice() ?? null;
const sink = {
  keepSegment(name: Uint8Array, hashes: Uint32Array): boolean {
    assert.deepEqual(name, segmentName(hashes));
    segments.set(Buffer.from(name).toString('hex'), new Uint8Array(hashes.slice().buffer));
    return false;
  },
};

interface Part {
  /** -1: a hole. */
  readonly chunk: number;
  readonly page: number;
  readonly pages: number;
}

const part: fc.Arbitrary<Part> = fc.record({
  chunk: fc.integer({ min: -1, max: chunks.length - 1 }),
  page: fc.nat(70),
  pages: fc.integer({ min: 1, max: 90 }),
});

/** Pages of a chunk begin at multiples of `pageBytes`, the first piece of each a whole one. Null: nothing is stored. */
function version(parts: readonly Part[], segmentBits = 5): Signature | null {
  const writer = new VersionWriter(sink, segmentBits);
  for (const { chunk, page, pages } of parts) {
    const stored = chunks[chunk];
    if (stored === undefined) {
      writer.hole(pages * pageBytes);
      continue;
    }
    const offsetBytes = page * pageBytes;
    const lengthBytes = Math.min(stored.bytes - offsetBytes, pages * pageBytes);
    writer.piece({ id: stored.id, offsetBytes, lengthBytes, chunkBytes: stored.bytes, leadBytes: pageBytes });
    writer.hashes(stored.words, page, pagesOf(lengthBytes));
  }
  const { list, signature } = writer.finish(key);
  return signature === null ? null : decodeSignature(signature, list, key);
}

function sizeOf({ list }: Signature): number {
  const extents = new ExtentList(list);
  return Array.from({ length: extents.count }, (_, index) => extents.lengthBytes(index)).reduce((sum, bytes) => sum + bytes, 0);
}

function applied(before: Signature | null, parts: Iterable<Uint8Array>, sizeBytes: number): Signature | null {
  const reader = new DifferenceReader({ before, load, sink, sizeBytes, segmentBits: 3 });
  for (const bytes of parts) {
    assert.ok(bytes.length <= differencePartBytesMax);
    if (!reader.take(bytes)) return null;
  }
  const written = reader.finish(key);
  return written === null || written.signature === null ? null : decodeSignature(written.signature, written.list, key);
}

function hashesOf(signature: Signature): Uint32Array {
  const all = new Uint32Array(signedPages(signature) * wordsPerPage);
  let at = 0;
  new SegmentReader(signature, load).read(0, signedPages(signature), (hashes, from, count) => {
    all.set(hashes.subarray(from * wordsPerPage, (from + count) * wordsPerPage), at);
    at += count * wordsPerPage;
  });
  assert.equal(at, all.length);
  return all;
}

function hashBytes(signature: Signature): Uint8Array {
  return new Uint8Array(hashesOf(signature).buffer);
}

function same(a: Signature | null, b: Signature): void {
  assert.ok(a);
  assert.deepEqual(a.list, b.list);
  assert.deepEqual([...a.pieces], [...b.pieces]);
  assert.ok(Buffer.compare(hashBytes(a), hashBytes(b)) === 0, 'every page has its hashes');
}

function difference(before: Signature | null, after: Signature | null): Uint8Array[] {
  assert.ok(after);
  return [...encodeDifference(before, after, load)];
}

test('a difference gives back the new version', () => {
  const parts = fc.array(part, { maxLength: 12 });
  fc.assert(
    fc.property(parts, parts, fc.nat(12), fc.integer({ min: 2, max: 7 }), (before, after, kept, bits) => {
      const old = version(before);
      const next = version([...before.slice(0, kept), ...after, ...before.slice(kept + 1)], bits);
      if (next === null) return;
      same(applied(old, difference(old, next), sizeOf(next)), next);
      same(applied(null, difference(null, next), sizeOf(next)), next);
    }),
    { numRuns: 300 },
  );
});

test('a long difference comes in parts', () => {
  // 25 extents of 9,000 pages have more hashes than a part.
  const parts = Array.from({ length: 700 }, (_, index) => ({ chunk: index % 12, page: index % 7, pages: 73 }));
  const next = version(parts);
  assert.ok(next);
  const all = difference(null, next);
  assert.ok(all.length > 0 && all.length === Math.ceil(all.reduce((sum, { length }) => sum + length, 0) / (1024 * 1024)));
  same(applied(null, all, sizeOf(next)), next);
  assert.equal(applied(null, all.slice(1), sizeOf(next)), null, 'it is not as long as the content');
  const changed = version([...parts.slice(0, 300), { chunk: 3, page: 70, pages: 2 }, ...parts.slice(301)]);
  assert.ok(changed);
  same(applied(next, difference(next, changed), sizeOf(changed)), changed);
});

test('pages of a segment that is lost have zeros, and the others what they had', () => {
  const list = chunks.map((_, chunk) => ({ chunk, page: 0, pages: 80 }));
  const old = version(list, 4);
  const next = version([{ chunk: 2, page: 3, pages: 1 }, ...list], 4);
  assert.ok(old && next);
  const lost = Buffer.from(next.names[3] ?? []).toString('hex');
  const kept = segments.get(lost);
  assert.ok(kept);
  segments.delete(lost);
  const without = applied(null, difference(null, next), sizeOf(next));
  segments.set(lost, kept);
  assert.ok(without);
  assert.deepEqual(without.list, next.list);
  const expected = hashesOf(next);
  expected.fill(0, 48 * wordsPerPage, 64 * wordsPerPage);
  assert.deepEqual(hashesOf(without), expected);
});

test('pages that stay cost next to nothing, a changed page its hashes and some bytes', () => {
  const list = chunks.map((_, chunk) => ({ chunk, page: 0, pages: 80 }));
  const bytesOf = (before: Signature | null, after: Signature | null): number =>
    difference(before, after).reduce((sum, { length }) => sum + length, 0);
  const old = version(list);
  assert.ok(bytesOf(old, old) < 8);
  const first = { chunk: 0, page: 0, pages: 40 };
  const next = version([first, { chunk: 5, page: 7, pages: 1 }, { chunk: 0, page: 41, pages: 39 }, ...list.slice(1)]);
  const foreign = bytesOf(version(list.slice(0, 1)), version([first, { chunk: 5, page: 7, pages: 1 }]));
  assert.ok(bytesOf(old, next) < 16, 'a page that is known elsewhere is named');
  assert.ok(foreign < 32 + 4 * wordsPerPage + 24);
});

test('whatever is no difference to this version is refused, and never an error', () => {
  const old = version(chunks.slice(0, 4).map((_, chunk) => ({ chunk, page: 0, pages: 80 })));
  const next = version([
    { chunk: 1, page: 3, pages: 9 },
    { chunk: 7, page: 0, pages: 4 },
  ]);
  assert.ok(next);
  const sizeBytes = sizeOf(next);
  const [good] = difference(old, next);
  assert.ok(good);
  assert.equal(applied(null, [good], sizeBytes), null, 'its pages are not there');
  assert.equal(applied(old, [good], sizeBytes - 1), null, 'it is longer than the content');
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 60 }), (at, flip, any) => {
      const damaged = good.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      applied(old, [damaged], sizeBytes);
      assert.equal(applied(old, [good.subarray(0, at)], sizeBytes), null);
      applied(old, [any], sizeBytes);
    }),
    { numRuns: 500 },
  );
});
