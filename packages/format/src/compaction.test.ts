import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, equalBytes, toHex } from '@twinvault/std';
import { fill, makePack, present, safe, site } from '../tests/fixtures.ts';
import type { MadePack } from '../tests/fixtures.ts';
import { compactedPackCount, compactedPacks } from './compaction.ts';
import type { CompactedPack, OriginRow, OriginRows } from './compaction.ts';
import { encodePlan, parsePlan } from './compaction-plan.ts';
import type { CompactionPlan } from './compaction-plan.ts';
import { packBytesTarget } from './limits.ts';
import { parsePackTail, verifyPack } from './pack.ts';

/** All that a site holds: packs by name in hexadecimal. */
type Site = ReadonlyMap<string, MadePack>;

function siteOf(...packs: readonly MadePack[]): Site {
  return new Map(packs.map((pack) => [toHex(pack.name), pack]));
}

function originRows(packs: Site): (origin: Uint8Array, position: number) => OriginRow {
  return (origin, position) => {
    const pack = packs.get(toHex(origin));
    const row = pack?.rows[position];
    assert.ok(pack !== undefined && row !== undefined);
    return { header: pack.header, row };
  };
}

function bytesOf(pack: CompactedPack, packs: Site): Uint8Array {
  const blobs = pack.sources.map(({ origin, position }) => present(present(packs.get(toHex(origin))).blobs[position]));
  return concatBytes(pack.header, ...blobs, pack.tail);
}

function signedPlan(keep: CompactionPlan['keep'], packs: number = 1): { plan: CompactionPlan; digest: Uint8Array } {
  const { object, ...plan } = parsePlan(encodePlan({ safe, number: 1, createdMs: 7, packs, keep }, site.sign));
  return { plan, digest: object.digest };
}

test('a plan makes a pack that verifies, and the same one again', () => {
  const one = makePack('one', [fill('a', 100), new Uint8Array(0), fill('b', 50), fill('c', 10)]);
  const two = makePack('two', [fill('d', 70), fill('e', 80)], 2);
  const held = siteOf(one, two);
  const { plan, digest } = signedPlan([
    { pack: two.name, bitmap: new Uint8Array([0b10]) },
    { pack: one.name, bitmap: new Uint8Array([0b1111]) },
  ]);
  const [pack, ...others] = compactedPacks(plan, digest, originRows(held));
  assert.ok(pack !== undefined && others.length === 0);
  const { rows, sections } = verifyPack(pack.name, bytesOf(pack, held), { safe });
  assert.deepEqual(
    rows.map(({ section, position }) => [section, position]),
    [
      [0, 1],
      [1, 0],
      [1, 1],
      [1, 2],
      [1, 3],
    ],
  );
  assert.deepEqual(
    rows.map(({ id }) => id),
    [present(two.rows[1]), ...one.rows].map(({ id }) => id),
  );
  assert.deepEqual(
    sections.map(({ origin }) => origin),
    [two.name, one.name],
  );
  const again = compactedPacks(plan, digest, originRows(held));
  assert.deepEqual(again, [pack]);
  assert.ok(!equalBytes(present(compactedPacks(plan, fill('another plan', 32), originRows(held))[0]).name, pack.name));
});

test('rows that lie in a compacted pack make the same packs as those of the origins', () => {
  const one = makePack('one', [fill('a', 100), fill('b', 50)]);
  const held = siteOf(one);
  const first = signedPlan([{ pack: one.name, bitmap: new Uint8Array([0b11]) }]);
  const [middle] = compactedPacks(first.plan, first.digest, originRows(held));
  const moved = parsePackTail(present(middle).tail);
  const next = signedPlan([{ pack: one.name, bitmap: new Uint8Array([0b10]) }]);
  const fromOrigin = compactedPacks(next.plan, next.digest, originRows(held));
  const fromMoved = compactedPacks(next.plan, next.digest, (_, position) => ({
    header: present(present(moved.sections[0]).header),
    row: present(moved.rows[position]),
  }));
  assert.deepEqual(fromMoved, fromOrigin);
});

test('a new pack is begun where the next row would take it over its size', () => {
  const row = (name: string, lengthBytes: number): OriginRow => {
    const pack = makePack(name, [fill(name, 1)]);
    return { header: pack.header, row: { ...present(pack.rows[0]), lengthBytes } };
  };
  const names = ['a', 'b', 'c'];
  const fixed = 1200 + 2 + 1120 + 2 * (96 + 48) + 2 * 114 + 40;
  const sizes = (second: number): number[] => {
    const keep = names.map((name) => ({ pack: makePack(name, [fill(name, 1)]).name, bitmap: new Uint8Array([1]) }));
    const lengths = [packBytesTarget - fixed - 1000, second, 9000];
    const rows: OriginRows = (origin) => {
      const index = keep.findIndex(({ pack }) => equalBytes(pack, origin));
      return row(present(names[index]), present(lengths[index]));
    };
    const count = compactedPackCount(keep, rows);
    const { plan, digest } = signedPlan(keep, count);
    const packs = compactedPacks(plan, digest, rows);
    const wrong = signedPlan(keep, count + 1);
    assert.throws(() => compactedPacks(wrong.plan, wrong.digest, rows), { code: 'object-invalid' });
    return packs.map((pack) => parsePackTail(pack.tail).packBytes);
  };
  assert.deepEqual(sizes(1000)[0], packBytesTarget);
  assert.equal(sizes(1000).length, 2);
  assert.equal(sizes(1001)[0], packBytesTarget - 1000 - 96 - 48 - 114);
});
