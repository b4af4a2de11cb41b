/* Entries and trees at the edge of what a catalog holds: long lists of extents, many large attributes, very long paths. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogNodeBytesMax } from '@twinvault/format';
import { Prng, equalBytes } from '@twinvault/std';
import { decodeNode } from '../src/catalog/node-decoder.ts';
import { CatalogReader, CatalogWriter, equalExtents, joinPath } from '../src/index.ts';
import type { CatalogEntry, Extent, WrittenCatalog } from '../src/index.ts';
import { NodeStore, collect, collectBatches } from './node-store.ts';
import { manyExtents, plainFile, randomChunkId } from './random-entries.ts';

const cutterKey = new Prng('large catalogs').bytes(16);
const noPath = joinPath([]);
const letter = Uint8Array.of(0x61);

function write(store: NodeStore, entries: readonly CatalogEntry[]): WrittenCatalog {
  const writer = new CatalogWriter({ cutterKey, sink: store });
  for (const entry of entries) writer.add(entry);
  const root = writer.finish();
  for (const plaintext of store.nodes.values()) assert.ok(plaintext.length <= catalogNodeBytesMax, `${plaintext.length} bytes`);
  return root;
}

async function only(reader: CatalogReader): Promise<CatalogEntry> {
  const [entry] = await collect(reader.walk());
  return entry ?? assert.fail('no entry');
}

function fileOf(extents: readonly Extent[]): CatalogEntry {
  let sizeBytes = 0;
  for (const { lengthBytes } of extents) sizeBytes += lengthBytes;
  return plainFile({ directory: noPath, name: letter, sizeBytes, extents });
}

test('a file of a million extents: a rope, read in order, from any offset, changed by a handful of nodes', async () => {
  const prng = new Prng('million extents');
  const extents = manyExtents(prng, 1_000_000);
  const store = new NodeStore();
  const file = fileOf(extents);
  const reader = new CatalogReader(store, write(store, [file]));
  const entry = await only(reader);
  assert.ok(entry.rope && entry.extents.length === 0 && entry.sizeBytes === file.sizeBytes);
  assert.ok(equalExtents(await collectBatches(reader.extentBatches(entry)), extents));

  store.opened = 0;
  let start = 0;
  for (const extent of extents.slice(0, 600_000)) start += extent.lengthBytes;
  const last = await collectBatches(reader.extentBatches(entry, file.sizeBytes - 1));
  assert.ok(equalExtents(last, extents.slice(-1)));
  for await (const [extent] of reader.extentBatches(entry, start)) {
    assert.ok(extent !== undefined && equalExtents([extent], extents.slice(600_000, 600_001)));
    break;
  }
  assert.ok(store.opened <= 10, `${store.opened} nodes opened`);

  const known = new Set(store.nodes.keys());
  const changed = extents.with(500_000, { chunk: randomChunkId(prng), offsetBytes: 0, lengthBytes: 5 });
  write(store, [fileOf(changed)]);
  const fresh = [...store.nodes.keys()].filter((id) => !known.has(id));
  assert.ok(fresh.length <= 6, `${fresh.length} of ${known.size} nodes written`);
});

test('a rope is taken over from a reader as it is, and from a stream of extents', async () => {
  const extents = manyExtents(new Prng('taken over'), 5000);
  const store = new NodeStore();
  const root = write(store, [fileOf(extents)]);
  const entry = await only(new CatalogReader(store, root));
  assert.ok(equalBytes(write(new NodeStore(), [entry]).root, root.root));
  const writer = new CatalogWriter({ cutterKey, sink: new NodeStore() });
  const content = writer.content(extents);
  writer.add({ ...fileOf([]), ...content });
  assert.ok(equalBytes(writer.finish().root, root.root));
});

test('lists of extents on both sides of the limit of ropes', async () => {
  for (const count of [62, 63, 64, 65, 767, 768, 769]) {
    const extents = manyExtents(new Prng(`${count} extents`), count);
    const store = new NodeStore();
    const root = write(store, [fileOf(extents)]);
    const reader = new CatalogReader(store, root);
    const entry = await only(reader);
    assert.equal(Boolean(entry.rope), count >= 64);
    assert.ok(equalExtents(await collectBatches(reader.extentBatches(entry)), extents));
    const writer = new CatalogWriter({ cutterKey, sink: new NodeStore() });
    writer.add({ ...fileOf([]), ...writer.content(extents) });
    assert.ok(equalBytes(writer.finish().root, root.root));
  }
});

test('a rope of equal extents has an end, whether their PRF ends a node or not', async () => {
  const prng = new Prng('equal extents');
  for (let round = 0; round < 300; round += 1) {
    const chunk = randomChunkId(prng);
    const extents = Array.from({ length: 2000 }, () => ({ chunk, offsetBytes: 0, lengthBytes: 4_000_000 }));
    const store = new NodeStore();
    const reader = new CatalogReader(store, write(store, [fileOf(extents)]));
    assert.ok(store.puts <= 2010);
    if (round % 50 === 0) assert.ok(equalExtents(await collect(reader.extentsOf(await only(reader))), extents));
  }
});

test('touching extents are one before they are counted', async () => {
  const chunk = randomChunkId(new Prng('touching'));
  const extents = Array.from({ length: 200 }, (_, index) => ({ chunk, offsetBytes: 10 * index, lengthBytes: 10 }));
  const store = new NodeStore();
  const entry = await only(new CatalogReader(store, write(store, [fileOf(extents)])));
  assert.deepEqual(
    entry.extents.map(({ offsetBytes, lengthBytes }) => [offsetBytes, lengthBytes]),
    [[0, 2000]],
  );
});

test('a hundred attributes of 64 KiB stand in nodes of their own, which equal entries share', async () => {
  const prng = new Prng('large attributes');
  const xattrs = Array.from({ length: 100 }, (_, index) => ({ name: Uint8Array.of(0x41 + index), value: prng.bytes(65_536) }));
  const entries = ['a', 'b', 'c'].map((name) => ({
    ...plainFile({ directory: noPath, name: Buffer.from(name) }),
    xattrs: xattrs.toReversed(),
  }));
  const store = new NodeStore();
  const reader = new CatalogReader(store, write(store, entries));
  assert.equal(store.nodes.size, 101);
  for await (const entry of reader.walk()) {
    const found = (await reader.attributesOf(entry)).xattrs;
    assert.deepEqual(
      found.map(({ name }) => name),
      xattrs.map(({ name }) => name),
    );
    assert.ok(found.every(({ value }, index) => equalBytes(value, xattrs[index]?.value ?? noPath)));
  }
});

test('as many names of attributes as a file system lists, short and long', async () => {
  const prng = new Prng('many attributes');
  for (const [count, nameBytes] of [
    [5900, 10],
    [256, 255],
  ] as const) {
    const xattrs = Array.from({ length: count }, (_, index) => {
      const name = prng.bytes(nameBytes);
      new DataView(name.buffer).setUint32(0, index);
      return { name, value: prng.bytes(8) };
    });
    const store = new NodeStore();
    const reader = new CatalogReader(store, write(store, [{ ...plainFile({ directory: noPath, name: letter }), xattrs }]));
    const found = await reader.attributesOf(await only(reader));
    assert.deepEqual(
      found.xattrs.map(({ name, value }) => [String(name), String(value)]),
      xattrs.map(({ name, value }) => [String(name), String(value)]),
    );
  }
});

test('attributes beyond 16 MiB are refused by name', () => {
  const value = new Uint8Array(65_536);
  const xattrs = Array.from({ length: 257 }, (_, index) => ({ name: Uint8Array.of(1, index & 0xff, index >> 8), value }));
  const writer = new CatalogWriter({ cutterKey, sink: new NodeStore() });
  const entry = { ...plainFile({ directory: noPath, name: letter }), xattrs };
  assert.throws(() => writer.add(entry), { code: 'catalog-entry-invalid', context: { field: 'attributes' } });
});

test('paths of 32 KiB: a tree of them has a top, and every entry is found', async () => {
  const entries: CatalogEntry[] = [];
  const component = (byte: number): Uint8Array => new Uint8Array(1024).fill(byte);
  for (let tree = 1; tree <= 40; tree += 1) {
    const deep = joinPath([Uint8Array.of(tree), ...Array.from({ length: 30 }, () => component(0x62))]);
    for (let count = 0; count < 300; count += 1) {
      entries.push(plainFile({ directory: deep, name: Buffer.from(`${count}`) }));
    }
  }
  entries.sort((a, b) => Buffer.compare(a.directory, b.directory) || Buffer.compare(a.name, b.name));
  const store = new NodeStore();
  const root = write(store, entries);
  assert.ok(root.level >= 3 && root.level <= 8, `level ${root.level}`);
  const reader = new CatalogReader(store, root);
  const read = await collectBatches(reader.batches());
  assert.equal(read.length, entries.length);
  const some = entries[7777] ?? assert.fail();
  assert.ok(equalBytes((await reader.entry(some.directory, some.name))?.name ?? noPath, some.name));
});

test('a leaf of the dearest single entry is within the limit', async () => {
  const prng = new Prng('dearest');
  const name = prng.bytes(1000).map((byte) => byte | 0x80);
  const long = (length: number): Uint8Array => new Uint8Array(length).fill(0x78);
  const directory = joinPath([...Array.from({ length: 30 }, () => long(1024)), long(900)]);
  const value = prng.bytes(65_500);
  const xattrs = Array.from({ length: 250 }, (_, index) => ({ name: Uint8Array.of(1 + index), value }));
  const owner = { user: 'u'.repeat(256), group: 'g'.repeat(256) };
  const link = { ...plainFile({ directory, name }), type: 3 as const, link: long(32_768), xattrs, ...owner };
  const store = new NodeStore();
  const reader = new CatalogReader(store, write(store, [link]));
  const entry = await only(reader);
  assert.ok(equalBytes(entry.link ?? noPath, link.link));
  assert.equal((await reader.attributesOf(entry)).xattrs.length, 250);
  const largest = Math.max(
    ...[...store.nodes.values()].map((plaintext) => (decodeNode(plaintext).type === 'leaf' ? plaintext.length : 0)),
  );
  assert.ok(largest > 65_536, `${largest} bytes`);
});
