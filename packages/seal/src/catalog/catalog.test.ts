import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, compareBytes, equalBytes, toHex } from '@twinvault/std';
import { NodeStore, collect, collectBatches } from '../../tests/node-store.ts';
import { plainListing, randomListing } from '../../tests/random-entries.ts';
import { CatalogReader } from './catalog-reader.ts';
import { CatalogWriter } from './catalog-writer.ts';
import type { WrittenCatalog } from './catalog-writer.ts';
import { equalEntries } from './entry.ts';
import type { CatalogEntry } from './entry.ts';
import { entryKey } from './path.ts';

const cutterKey = new Prng('catalog cutter key').bytes(16);

function pick(entries: readonly CatalogEntry[], at: number): CatalogEntry {
  const entry = entries[at];
  assert.ok(entry !== undefined);
  return entry;
}

function write(store: NodeStore, entries: readonly CatalogEntry[]): WrittenCatalog {
  const writer = new CatalogWriter({ cutterKey, sink: store });
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

test('an empty catalog is one empty leaf', async () => {
  const store = new NodeStore();
  const root = write(store, []);
  assert.deepEqual({ level: root.level, entries: root.entries, nodes: store.nodes.size }, { level: 0, entries: 0, nodes: 1 });
  const reader = new CatalogReader(store, root);
  assert.deepEqual(await collect(reader.walk()), []);
  assert.deepEqual(await collect(reader.list(new Uint8Array(0))), []);
  assert.equal(await reader.entry(new Uint8Array(0), Uint8Array.of(0x61)), null);
});

test('whatever is written is read, in the same order', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const prng = new Prng(`round trip ${seed}`);
    const entries = randomListing(prng, prng.pick([1, 10, 300, 3000]));
    const store = new NodeStore();
    const root = write(store, entries);
    const reader = new CatalogReader(store, root);
    const read = await collectBatches(reader.batches());
    assert.equal(read.length, entries.length, prng.seed);
    for (const [index, entry] of entries.entries()) {
      const found = read[index];
      assert.ok(found !== undefined);
      const resolved = found.attributes?.length ? { ...found, attributes: [], ...(await reader.attributesOf(found)) } : found;
      assert.ok(equalEntries(resolved, entry), `${prng.seed}, entry ${index}`);
    }
    const again = new NodeStore();
    assert.ok(equalBytes(write(again, read).root, root.root), prng.seed);
  }
});

test('ten changes in 100,000 entries write a handful of nodes', () => {
  const prng = new Prng('ten changes');
  const entries = plainListing(prng, 100_000);
  const store = new NodeStore();
  const before = write(store, entries);
  const known = new Set(store.nodes.keys());
  const changed = [...entries];
  for (let count = 0; count < 10; count += 1) {
    const at = prng.below(entries.length);
    changed[at] = { ...pick(entries, at), mtimeSeconds: 1_800_000_000 };
  }
  const after = write(store, changed);
  const fresh = [...store.nodes.keys()].filter((id) => !known.has(id));
  assert.notEqual(toHex(before.root), toHex(after.root));
  assert.ok(known.size > 500, `${known.size} nodes`);
  assert.ok(fresh.length <= 30, `${fresh.length} of ${known.size} nodes written`);
});

test('a directory, a subtree and the rest after a key are ranges of the whole', async () => {
  const prng = new Prng('ranges');
  const entries = randomListing(prng, 2000);
  const store = new NodeStore();
  const reader = new CatalogReader(store, write(store, entries));
  const keys = (list: readonly CatalogEntry[]): string[] => list.map((entry) => toHex(entryKey(entry.directory, entry.name)));
  const directories = new Map(entries.map(({ directory }) => [toHex(directory), directory]));
  for (const directory of [...directories.values()].slice(0, 60)) {
    const listed = entries.filter((entry) => equalBytes(entry.directory, directory));
    assert.deepEqual(keys(await collect(reader.list(directory))), keys(listed));
    const prefix = directory.length === 0 ? '' : `${toHex(directory)}00`;
    const below = keys(entries).filter((key) => key.startsWith(prefix));
    assert.deepEqual(keys(await collect(reader.walk({ prefix: directory }))), below);
  }
  for (let count = 0; count < 30; count += 1) {
    const { directory, name } = prng.pick(entries);
    const after = entryKey(directory, name);
    const rest = entries.filter((entry) => compareBytes(entryKey(entry.directory, entry.name), after) > 0);
    assert.deepEqual(keys(await collect(reader.walk({ after }))), keys(rest));
    assert.ok(equalBytes((await reader.entry(directory, name))?.name ?? new Uint8Array(0), name));
    assert.equal(await reader.entry(directory, Uint8Array.of(...name, 0x7e)), null);
  }
});
