/*
 * Property: the difference between two versions, applied to the first, gives the second, whatever runs of pages they share;
 * and anything else than a difference gives null or some version, but never ends in an error.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prng } from '@twinvault/std';
import { pageBytes, pagesOf, wordsPerPage } from '@twinvault/seal';
import type { PlacedExtent } from '../entries/entry-body.ts';
import { applyDifference, encodeDifference } from './difference.ts';
import type { SignedVersion } from './signature.ts';

const prng = new Prng('differences');
const chunks = Array.from({ length: 12 }, () => ({ id: prng.bytes(32), words: words(80), bytes: 80 * pageBytes - 777 }));

function words(pages: number): Uint32Array {
  return Uint32Array.from({ length: pages * wordsPerPage }, () => prng.below(2 ** 32));
}

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

/** Pages of a chunk begin at multiples of `pageBytes`, the first piece of each a whole one. */
function version(parts: readonly Part[]): SignedVersion {
  const extents: PlacedExtent[] = [];
  const pieces: number[] = [];
  const all: number[] = [];
  for (const { chunk, page, pages } of parts) {
    const stored = chunks[chunk];
    if (stored === undefined) {
      extents.push({ id: null, offsetBytes: 0, lengthBytes: pages * pageBytes });
      continue;
    }
    const offsetBytes = page * pageBytes;
    const lengthBytes = Math.min(stored.bytes - offsetBytes, pages * pageBytes);
    extents.push({ id: stored.id, offsetBytes, lengthBytes });
    pieces.push(stored.bytes, pageBytes);
    all.push(...stored.words.subarray(page * wordsPerPage, (page + pagesOf(lengthBytes)) * wordsPerPage));
  }
  return { extents, pieces: Uint32Array.from(pieces), words: Uint32Array.from(all) };
}

function same(a: SignedVersion | null, b: SignedVersion): void {
  assert.ok(a);
  assert.deepEqual(a.extents, b.extents);
  assert.deepEqual([...a.pieces], [...b.pieces]);
  assert.deepEqual([...a.words], [...b.words]);
}

test('a difference gives back the new version', () => {
  const parts = fc.array(part, { maxLength: 12 });
  fc.assert(
    fc.property(parts, parts, fc.nat(12), (before, after, kept) => {
      const [old, next] = [version(before), version([...before.slice(0, kept), ...after, ...before.slice(kept + 1)])];
      same(applyDifference(old, encodeDifference(old, next)), next);
      same(applyDifference(version([]), encodeDifference(version([]), next)), next);
    }),
    { numRuns: 300 },
  );
});

test('pages that stay cost next to nothing, a changed page its hashes and some bytes', () => {
  const list = chunks.map((_, chunk) => ({ chunk, page: 0, pages: 80 }));
  const old = version(list);
  assert.ok(encodeDifference(old, old).length < 8);
  const first = { chunk: 0, page: 0, pages: 40 };
  const next = version([first, { chunk: 5, page: 7, pages: 1 }, { chunk: 0, page: 41, pages: 39 }, ...list.slice(1)]);
  const foreign = encodeDifference(version(list.slice(0, 1)), version([first, { chunk: 5, page: 7, pages: 1 }]));
  assert.ok(encodeDifference(old, next).length < 16, 'a page that is known elsewhere is named');
  assert.ok(foreign.length < 32 + 4 * wordsPerPage + 24);
});

test('whatever is no difference to this version is refused, and never an error', () => {
  const old = version(chunks.slice(0, 4).map((_, chunk) => ({ chunk, page: 0, pages: 80 })));
  const good = encodeDifference(
    old,
    version([
      { chunk: 1, page: 3, pages: 9 },
      { chunk: 7, page: 0, pages: 4 },
    ]),
  );
  assert.equal(applyDifference(version([]), good), null, 'its pages are not there');
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.uint8Array({ maxLength: 60 }), (at, flip, any) => {
      const damaged = good.slice();
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      applyDifference(old, damaged);
      assert.equal(applyDifference(old, good.subarray(0, at)), null);
      applyDifference(old, any);
    }),
    { numRuns: 500 },
  );
});
