/*
 * Properties of catalogs over made-up listings: what is written is read; nodes are exactly what the format says; the same
 * listing has the same root whatever came before; comparing finds what differs and opens little else. A failure prints the
 * seed of its listing.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogNodeBytesMax, decodeCbor } from '@twinvault/format';
import { Prng, equalBytes, toHex } from '@twinvault/std';
import fc from 'fast-check';
import { CatalogReader, CatalogWriter, comparePlaces, diffCatalogs, entryKey, equalEntries } from '../src/index.ts';
import type { CatalogChange, CatalogEntry, WrittenCatalog } from '../src/index.ts';
import { decodeNode } from '../src/catalog/node-decoder.ts';
import { encodeAgain } from './encode-again.ts';
import { NodeStore, collect, collectBatches } from './node-store.ts';
import { plainListing, randomListing } from './random-entries.ts';

const cutterKey = new Prng('catalog properties').bytes(16);

function write(store: NodeStore, entries: readonly CatalogEntry[]): WrittenCatalog {
  const writer = new CatalogWriter({ cutterKey, sink: store });
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

/** As the entry was given to the writer, whether its attributes stand in the leaf or not. */
async function whole(reader: CatalogReader, entry: CatalogEntry): Promise<CatalogEntry> {
  return { ...entry, attributes: [], ...(await reader.attributesOf(entry)) };
}

const listings = fc.record({ seed: fc.string(), count: fc.constantFrom(0, 1, 2, 20, 200, 1500) });

test('what is written is read, and writing what was read gives the same root', async () => {
  const property = fc.asyncProperty(listings, async ({ seed, count }) => {
    const entries = randomListing(new Prng(seed), count);
    const store = new NodeStore();
    const root = write(store, entries);
    const reader = new CatalogReader(store, root);
    const read = await collectBatches(reader.batches());
    assert.equal(read.length, entries.length);
    assert.equal(root.entries, entries.length);
    for (const [index, entry] of entries.entries()) {
      const found = read[index];
      assert.ok(found !== undefined && equalEntries(await whole(reader, found), entry), `entry ${index}`);
    }
    assert.ok(equalBytes(write(new NodeStore(), read).root, root.root));
  });
  await fc.assert(property, { numRuns: 40 });
});

test('every node is deterministic CBOR within its limit and encodes again to its bytes', () => {
  const property = fc.property(listings, ({ seed, count }) => {
    const store = new NodeStore();
    write(store, randomListing(new Prng(seed), count));
    for (const plaintext of store.nodes.values()) {
      assert.ok(plaintext.length <= catalogNodeBytesMax);
      decodeCbor(plaintext, { bytesMax: catalogNodeBytesMax });
      assert.ok(equalBytes(encodeAgain(decodeNode(plaintext)), plaintext));
    }
  });
  fc.assert(property, { numRuns: 40 });
});

test('the same listing has the same nodes, whatever was written before it', () => {
  const prng = new Prng('history');
  const all = plainListing(prng, 20_000);
  const store = new NodeStore();
  let listing = all.filter(() => prng.chance(0.5));
  for (let round = 0; round < 8; round += 1) {
    write(store, listing);
    const removed = new Set(listing.filter(() => prng.chance(0.1)));
    const added = all.filter(() => prng.chance(0.1));
    listing = [...new Set([...listing.filter((entry) => !removed.has(entry)), ...added])].sort(comparePlaces);
  }
  const known = new Set(store.nodes.keys());
  const root = write(store, all);
  const alone = new NodeStore();
  assert.ok(equalBytes(write(alone, all).root, root.root));
  const fresh = [...store.nodes.keys()].filter((id) => !known.has(id));
  for (const id of fresh) assert.ok(alone.nodes.has(id));
});

test('a changed stretch leaves all nodes but its own and those above', () => {
  const prng = new Prng('stretch');
  const entries = plainListing(prng, 40_000);
  for (let round = 0; round < 3; round += 1) {
    const at = prng.below(entries.length - 100);
    const variants = [
      entries.toSpliced(at, 1),
      entries.toSpliced(at, 100),
      entries.map((entry, index) => (index === at ? { ...entry, mode: 0o600 } : entry)),
    ];
    const store = new NodeStore();
    write(store, entries);
    const known = new Set(store.nodes.keys());
    for (const variant of variants) {
      const changed = new NodeStore();
      write(changed, variant);
      const fresh = [...changed.nodes.keys()].filter((id) => !known.has(id));
      assert.ok(fresh.length <= 8, `${fresh.length} of ${known.size} nodes, at ${at}`);
    }
  }
});

test('comparing finds exactly what differs', async () => {
  const property = fc.asyncProperty(listings, fc.string(), async ({ seed, count }, changes) => {
    const prng = new Prng(changes);
    const before = randomListing(new Prng(seed), count);
    const added = randomListing(new Prng(`${changes} added`), prng.below(20));
    const kept = before
      .filter(() => prng.chance(0.97))
      .map((entry) => (prng.chance(0.03) ? { ...entry, mode: entry.mode ^ 1 } : entry));
    const after = new Map([...added, ...kept].map((entry) => [hexKey(entry), entry]));
    const listing = [...after.values()].sort(comparePlaces);
    const store = new NodeStore();
    const [left, right] = [before, listing].map((entries) => new CatalogReader(store, write(store, entries)));
    assert.ok(left !== undefined && right !== undefined);
    const found = await collect(diffCatalogs(left, right));
    const old = new Map(before.map((entry) => [hexKey(entry), entry]));
    const expected = [...new Set([...old.keys(), ...after.keys()])].sort().filter((key) => {
      const [a, b] = [old.get(key), after.get(key)];
      return a === undefined || b === undefined || !equalEntries(a, b);
    });
    assert.deepEqual(
      found.map(({ key }) => toHex(key)),
      expected,
    );
    for (const change of found) assertChange(change, old.get(toHex(change.key)), after.get(toHex(change.key)));
  });
  await fc.assert(property, { numRuns: 60 });
});

function hexKey({ directory, name }: CatalogEntry): string {
  return toHex(entryKey(directory, name));
}

function assertChange({ before, after }: CatalogChange, old: CatalogEntry | undefined, fresh: CatalogEntry | undefined): void {
  assert.equal(before === null, old === undefined);
  assert.equal(after === null, fresh === undefined);
  if (before !== null && old !== undefined) assert.equal(before.mode, old.mode);
  if (after !== null && fresh !== undefined) assert.equal(after.mode, fresh.mode);
}

test('comparing catalogs of 100,000 entries opens what differs, and nothing of equal ones', async () => {
  const prng = new Prng('comparison');
  const entries = plainListing(prng, 100_000);
  const changed = [...entries];
  const places = Array.from({ length: 10 }, () => prng.below(entries.length)).sort((a, b) => a - b);
  for (const at of places) {
    const entry = entries[at];
    if (entry !== undefined) changed[at] = { ...entry, mtimeNanos: 1 };
  }
  const store = new NodeStore();
  const [before, after] = [entries, changed].map((list) => new CatalogReader(store, write(store, list)));
  assert.ok(before !== undefined && after !== undefined);
  const found = await collect(diffCatalogs(before, after));
  assert.deepEqual(
    found.map(({ key }) => toHex(key)),
    [...new Set(places)].map((at) => hexKey(entries[at] ?? assert.fail())),
  );
  assert.ok(store.opened <= 50, `${store.opened} nodes opened`);
  store.opened = 0;
  assert.deepEqual(await collect(diffCatalogs(after, after)), []);
  assert.equal(store.opened, 0);
});

test('one entry of 100,000 costs a node on each level', async () => {
  const entries = plainListing(new Prng('lookup'), 100_000);
  const store = new NodeStore();
  const root = write(store, entries);
  const reader = new CatalogReader(store, root);
  const wanted = entries[54_321] ?? assert.fail();
  const found = await reader.entry(wanted.directory, wanted.name);
  assert.ok(found !== null && equalEntries(found, wanted));
  assert.equal(store.opened, root.level + 1);
});

test('ids of a catalog are those of its nodes and contents, each of them', async () => {
  const entries = randomListing(new Prng('ids'), 800);
  const store = new NodeStore();
  const reader = new CatalogReader(store, write(store, entries));
  const ids = new Set<string>();
  for await (const batch of reader.chunkIds()) for (const id of batch) ids.add(toHex(id));
  const wanted = new Set(store.nodes.keys());
  for (const { extents, streams = [] } of entries) {
    for (const { chunk } of [...extents, ...streams.flatMap((stream) => stream.extents)])
      if (chunk !== null) wanted.add(toHex(chunk));
  }
  assert.deepEqual([...ids].sort(), [...wanted].sort());
  const ofEntries = new Set<string>();
  for await (const entry of reader.walk()) {
    for await (const batch of reader.chunkIdsOf(entry)) for (const id of batch) ofEntries.add(toHex(id));
  }
  for (const id of ofEntries) assert.ok(wanted.has(id));
});
