/* The pool against plain sets: whatever is pooled in whatever order, a union is all positions of its refs and no others. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitmapPositions, packName, parseRefs, RefsBuilder, xorRefs } from '@twinvault/format';
import { primitives } from '@twinvault/std';
import fc from 'fast-check';
import { RefsPool } from './refs-pool.ts';
import type { LiveRows, PooledRefs } from './refs-pool.ts';

function nameOf(number: number): ReturnType<typeof packName> {
  return packName(primitives.sha256(new Uint8Array([number, number >>> 8])));
}

function refsOf(places: readonly (readonly [number, number])[]): ReturnType<typeof parseRefs> {
  const builder = new RefsBuilder();
  for (const [pack, position] of places) builder.add(nameOf(pack), position);
  return parseRefs(builder.finish());
}

function placesIn(rows: LiveRows, packs: number): Set<string> {
  const found = new Set<string>();
  for (let pack = 0; pack < packs; pack += 1) {
    for (const position of bitmapPositions(rows.bitmapOf(nameOf(pack)) ?? new Uint8Array(0))) found.add(`${pack} ${position}`);
  }
  return found;
}

const packs = 40;
const place = fc.tuple(fc.nat(packs - 1), fc.oneof(fc.nat(20), fc.nat(65_535)));
const list = fc.array(place, { maxLength: 40 });

test('a union has the positions of its refs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(list, fc.boolean()), { maxLength: 6 }), async (lists) => {
      const pool = new RefsPool();
      const pooled: { pieces: PooledRefs; isLive: boolean }[] = [];
      for (const [places, isLive] of lists) pooled.push({ pieces: await pool.pool(refsOf(places)), isLive });
      const rows = await pool.union(pooled.filter(({ isLive }) => isLive).map(({ pieces }) => pieces));
      const expected = new Set(lists.flatMap(([places, isLive]) => (isLive ? places.map(([pack, at]) => `${pack} ${at}`) : [])));
      assert.deepEqual(placesIn(rows, packs), expected);
    }),
  );
});

test('refs that differ in little share their pieces', async () => {
  const pool = new RefsPool();
  const all = Array.from({ length: 3000 }, (_, pack): [number, number] => [pack, pack % 16]);
  const first = await pool.pool(refsOf(all));
  const second = await pool.pool(refsOf([...all, [7, 3], [8, 300]]));
  assert.equal(pool.count, 3002);
  assert.equal(first.base.filter((piece) => second.base.includes(piece)).length, 2998);
  const third = await pool.pool(refsOf(all));
  assert.deepEqual(third, first);
});

test('refs come back from a base and their differences to it, whether the base is live or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      list,
      fc.array(fc.tuple(list, fc.boolean()), { maxLength: 5 }),
      fc.boolean(),
      async (own, others, baseIsLive) => {
        const pool = new RefsPool();
        const base = refsOf(own);
        const whole = await pool.pool(base);
        const all = others.map(([places, isLive]) => ({
          places,
          isLive,
          refs: pool.patched(whole, parseRefs(xorRefs(base, refsOf(places)))),
        }));
        const live = [...(baseIsLive ? [{ places: own, refs: whole }] : []), ...all.filter(({ isLive }) => isLive)];
        const rows = await pool.union(live.map(({ refs }) => refs));
        const expected = new Set(live.flatMap(({ places }) => places.map(([pack, at]) => `${pack} ${at}`)));
        assert.deepEqual(placesIn(rows, packs), expected);
        assert.equal(rows.count, expected.size);
      },
    ),
  );
});
