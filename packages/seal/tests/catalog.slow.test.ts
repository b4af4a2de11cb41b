/*
 * The properties of catalogs over many seeds: half a million damaged nodes, and three hundred listings written, read and written
 * again. Each failure names its seed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng, equalBytes } from '@twinvault/std';
import { decodeNode } from '../src/catalog/node-decoder.ts';
import { CatalogReader, CatalogWriter, equalEntries } from '../src/index.ts';
import type { CatalogEntry, WrittenCatalog } from '../src/index.ts';
import { damagedNode, decodes } from './damaged-nodes.ts';
import { encodeAgain } from './encode-again.ts';
import { NodeStore, collectBatches } from './node-store.ts';
import { randomListing } from './random-entries.ts';

test('half a million damaged nodes', () => {
  for (let seed = 0; seed < 5000; seed += 1) {
    const prng = new Prng(`soak ${seed}`);
    try {
      for (let count = 0; count < 100; count += 1) decodes(damagedNode(prng));
    } catch (error) {
      throw new Error(prng.seed, { cause: error });
    }
  }
});

test('three hundred listings under keys of their own', async () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const prng = new Prng(`soak listing ${seed}`);
    const cutterKey = prng.bytes(16);
    const write = (store: NodeStore, entries: readonly CatalogEntry[]): WrittenCatalog => {
      const writer = new CatalogWriter({ cutterKey, sink: store });
      for (const entry of entries) writer.add(entry);
      return writer.finish();
    };
    const entries = randomListing(prng, prng.pick([0, 1, 5, 100, 1000, 5000]));
    const store = new NodeStore();
    const root = write(store, entries);
    for (const node of store.nodes.values()) assert.ok(equalBytes(encodeAgain(decodeNode(node)), node), prng.seed);
    const reader = new CatalogReader(store, root);
    const read = await collectBatches(reader.batches());
    assert.equal(read.length, entries.length, prng.seed);
    for (const [index, entry] of read.entries()) {
      const whole = { ...entry, attributes: [], ...(await reader.attributesOf(entry)) };
      const given = entries[index];
      assert.ok(given !== undefined && equalEntries(whole, given), `${prng.seed}, entry ${index}`);
    }
    assert.ok(equalBytes(write(new NodeStore(), read).root, root.root), prng.seed);
  }
});
