/*
 * A catalog written with leaves of an earlier one is the catalog written entry by entry: the same root, the same nodes.
 *
 * How: random listings are written once, remembering each reusable leaf; then some entries change, and the new listing is
 * written both ways, offering every leaf whose entries are all unchanged.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, toHex } from '@twinvault/std';
import { NodeStore } from '../../tests/node-store.ts';
import { plainListing, randomListing } from '../../tests/random-entries.ts';
import { CatalogWriter } from './catalog-writer.ts';
import type { KnownLeaf, WrittenCatalog, WrittenLeaf } from './catalog-writer.ts';
import type { CatalogEntry } from './entry.ts';

const cutterKey = new Prng('known leaves').bytes(16);

interface Remembered {
  readonly entries: readonly CatalogEntry[];
  readonly leaf: KnownLeaf | null;
  /** That follows the leaf. */
  next: CatalogEntry | null;
}

/** Writes a listing; the entries of each leaf in order. */
function writeAll(entries: readonly CatalogEntry[]): { catalog: WrittenCatalog; leaves: Remembered[] } {
  const leaves: Remembered[] = [];
  let open: CatalogEntry[] = [];
  const onLeaf = ({ id, entries: count, bytes, reusable, endsByCost }: WrittenLeaf): void => {
    const of = open.splice(0, count);
    const [first, last] = [of[0], of.at(-1)];
    assert.ok(first !== undefined && last !== undefined && of.length === count);
    leaves.push({ entries: of, leaf: reusable ? { id, first, last, entries: count, bytes, endsByCost } : null, next: null });
  };
  const writer = new CatalogWriter({ cutterKey, sink: new NodeStore(), onLeaf });
  for (const entry of entries) {
    open.push(entry);
    writer.add(entry);
  }
  const catalog = writer.finish();
  assert.equal(open.length, 0);
  for (const [index, leaf] of leaves.entries()) leaf.next = leaves[index + 1]?.entries[0] ?? null;
  return { catalog, leaves };
}

function writeWithLeaves(
  entries: readonly CatalogEntry[],
  leaves: readonly Remembered[],
): { catalog: WrittenCatalog; taken: number; takenByCost: number } {
  const starts = new Map(leaves.map((each) => [each.entries[0], each]));
  const writer = new CatalogWriter({ cutterKey, sink: new NodeStore() });
  let [taken, takenByCost] = [0, 0];
  for (let at = 0; at < entries.length;) {
    const known = starts.get(entries[at]);
    const whole = known !== undefined && known.entries.every((entry, index) => entries[at + index] === entry);
    const isSure = known?.leaf?.endsByCost !== true || entries[at + known.entries.length] === known.next;
    if (whole && isSure && known.leaf !== null && writer.addLeaf(known.leaf)) {
      taken += 1;
      if (known.leaf.endsByCost) takenByCost += 1;
      at += known.entries.length;
      continue;
    }
    const entry = entries[at];
    assert.ok(entry !== undefined);
    writer.add(entry);
    at += 1;
  }
  return { catalog: writer.finish(), taken, takenByCost };
}

test('leaves of an earlier catalog give the same catalog', () => {
  let byCost = 0;
  for (let seed = 0; seed < 40; seed += 1) {
    const prng = new Prng(`known leaves ${seed}`);
    const before = seed % 2 === 0 ? plainListing(prng, 3000) : randomListing(prng, 1500);
    const { leaves } = writeAll(before);
    const changes = prng.pick([0, 1, 5, 60]);
    const after = [...before];
    for (let count = 0; count < changes; count += 1) {
      const at = prng.below(after.length);
      const entry = after[at];
      assert.ok(entry !== undefined);
      if (prng.chance(0.4)) after.splice(at, 1);
      else after[at] = { ...entry, mtimeSeconds: 1_800_000_000 + count };
    }
    const plain = writeAll(after).catalog;
    const { catalog, taken, takenByCost } = writeWithLeaves(after, leaves);
    assert.equal(toHex(catalog.root), toHex(plain.root), prng.seed);
    assert.deepEqual({ ...catalog }, { ...plain });
    byCost += takenByCost;
    if (changes === 0 && seed % 2 === 0) assert.ok(taken >= leaves.length - 1, `${taken} of ${leaves.length} leaves taken`);
  }
  assert.ok(byCost > 0, 'no leaf that ends by cost was taken');
});

test('a leaf is refused where none begins, and out of order', () => {
  const { leaves } = writeAll(plainListing(new Prng('refused'), 2000));
  const [one, two] = leaves.filter(({ leaf }) => leaf !== null);
  assert.ok(one?.leaf && two?.leaf);
  const writer = new CatalogWriter({ cutterKey, sink: new NodeStore() });
  const [entry] = one.entries;
  assert.ok(entry !== undefined);
  writer.add(entry);
  assert.equal(writer.addLeaf(two.leaf), false);
  const other = new CatalogWriter({ cutterKey, sink: new NodeStore() });
  assert.equal(other.addLeaf(two.leaf), true);
  assert.throws(() => other.addLeaf(one.leaf as KnownLeaf), /catalog-order/);
  const unbounded = { ...one.leaf, last: entry };
  assert.equal(new CatalogWriter({ cutterKey, sink: new NodeStore() }).addLeaf(unbounded), one.entries.length === 1);
});
