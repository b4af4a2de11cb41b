/*
 * What verbs over many safesets stand on: walks that step over what an earlier catalog had, and what changed from one version
 * of an entry to the next.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { Prng, toHex, utf8Encode } from '@twinvault/std';
import fc from 'fast-check';
import { CatalogReader, CatalogWriter, entryChange, entryKey, joinPath, sameContent, UnseenWalk } from '../src/index.ts';
import type { CatalogEntry, Extent } from '../src/index.ts';
import { NodeStore } from './node-store.ts';
import { plainFile, plainListing } from './random-entries.ts';

const cutterKey = new Prng('looking').bytes(16);

function catalogOf(store: NodeStore, entries: readonly CatalogEntry[]): CatalogReader {
  const writer = new CatalogWriter({ cutterKey, sink: store });
  for (const entry of entries) writer.add(entry);
  return new CatalogReader(store, writer.finish());
}

async function keysOf(walk: UnseenWalk, catalog: CatalogReader, mayPass = false): Promise<{ keys: string[]; failed: number }> {
  const keys: string[] = [];
  let failed = 0;
  for await (const batch of walk.batches(catalog, () => mayPass)) {
    if (batch.type === 'failed') failed += 1;
    else keys.push(...batch.entries.map(({ directory, name }) => toHex(entryKey(directory, name))));
  }
  return { keys, failed };
}

test('of thirty catalogs that differ little, each node is read once and each entry is given', async () => {
  const prng = new Prng('unseen');
  const store = new NodeStore();
  const walk = new UnseenWalk();
  let entries = plainListing(prng, 30_000);
  let nodes = 0;
  for (let night = 0; night < 30; night += 1) {
    store.opened = 0;
    const { keys } = await keysOf(walk, catalogOf(store, entries));
    if (night === 0) assert.equal(keys.length, entries.length);
    else assert.ok(store.opened <= 30, `${store.opened} nodes of night ${night}`);
    nodes += store.opened;
    const at = prng.below(entries.length);
    const changed = entries[at];
    assert.ok(changed);
    entries = entries.with(at, { ...changed, mtimeSeconds: changed.mtimeSeconds + night + 1 });
    const tonight = await keysOf(walk, catalogOf(store, entries));
    assert.ok(tonight.keys.includes(toHex(entryKey(changed.directory, changed.name))), `the change of night ${night}`);
  }
  assert.ok(walk.nodesRead >= nodes);
});

test('only what lies below a folder is given, and nodes elsewhere are not opened', async () => {
  const store = new NodeStore();
  const entries = plainListing(new Prng('below'), 20_000);
  const below = entries[9000]?.directory ?? assert.fail();
  const catalog = catalogOf(store, entries);
  const { keys } = await keysOf(new UnseenWalk(below), catalog);
  const expected = entries.filter(({ directory }) => toHex(directory) === toHex(below)).map((entry) => toHex(entryKey(entry.directory, entry.name))); // prettier-ignore
  assert.deepEqual(keys, expected);
  assert.ok(store.opened <= 8, `${store.opened} nodes`);
});

test('what cannot be read is told, the rest is given, and the next catalog is asked again', async () => {
  const store = new NodeStore();
  const entries = plainListing(new Prng('lost'), 5000);
  const catalog = catalogOf(store, entries);
  const children = await catalog.children(catalog.top);
  const lost = toHex(children[1]?.id ?? assert.fail());
  const node = store.nodes.get(lost) ?? assert.fail();
  store.nodes.delete(lost);
  const walk = new UnseenWalk();
  const first = await keysOf(walk, catalog, true);
  assert.equal(first.failed, 1);
  assert.ok(first.keys.length > 0 && first.keys.length < entries.length);
  await assert.rejects(keysOf(new UnseenWalk(), catalog));
  store.nodes.set(lost, node);
  // The same catalog adds nothing, as its top was read; one above another top leads there again.
  const more = await keysOf(walk, catalogOf(store, entries.slice(0, -1)), true);
  assert.equal(more.failed, 0);
  assert.equal(new Set([...first.keys, ...more.keys]).size, entries.length);
});

const name = utf8Encode('name');

test('a change is told by what changed', () => {
  const base = plainFile({ directory: joinPath([]), name, sizeBytes: 3, extents: [extent(1, 0, 3)] });
  const cases: [Partial<CatalogEntry>, string, readonly string[]][] = [
    [{}, 'same', []],
    [{ mode: 0o600 }, 'same', ['mode']],
    [{ uid: 1, user: null }, 'same', ['owner']],
    [{ mtimeNanos: 1 }, 'same', ['time']],
    [{ xattrs: [{ name, value: name }] }, 'same', ['attributes']],
    [{ acls: [{ kind: 'posix-access', value: name }] }, 'same', ['attributes']],
    [{ hardlink: { device: 1, inode: 2 } }, 'same', ['links']],
    [{ carried: 3 }, 'same', ['marks']],
    [{ sizeBytes: 4, extents: [extent(1, 0, 4)] }, 'changed', []],
    [{ extents: [extent(2, 0, 3)] }, 'stored-anew', []],
    [{ extents: [extent(2, 0, 3)], mtimeSeconds: 5 }, 'changed', ['time']],
    [{ type: 3, sizeBytes: 0, extents: [], link: name }, 'changed', []],
  ];
  for (const [more, content, metadata] of cases) assert.deepEqual(entryChange(base, { ...base, ...more }), { content, metadata });
});

function idOf(number: number): ChunkId {
  return chunkId(new Uint8Array(32).fill(number));
}

function extent(number: number | null, offsetBytes: number, lengthBytes: number): Extent {
  return { chunk: number === null ? null : idOf(number), offsetBytes, lengthBytes };
}

test('contents in other pieces are the same exactly when their bytes are', async () => {
  // Chunk 1 holds all bytes; others hold stretches of them, some with a byte changed; a stretch of zeros may be a hole.
  const whole = new Prng('contents').bytes(1000);
  whole.fill(0, 300, 600);
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 6 });
  const property = fc.asyncProperty(cuts, cuts, fc.option(fc.integer({ min: 0, max: 999 })), async (one, other, flipped) => {
    const changed = whole.slice();
    if (flipped !== null) changed[flipped] = (changed[flipped] ?? 0) ^ 1;
    const versions = [{ bytes: whole, cuts: one, isShared: true }, { bytes: changed, cuts: other, isShared: flipped === null }] as const; // prettier-ignore
    const [a, b] = versions.map(({ bytes, cuts: places, isShared }, side) => {
      const chunks = new Map<string, Uint8Array>([[toHex(idOf(1)), whole]]);
      const bounds = [0, ...places.toSorted((x, y) => x - y), bytes.length];
      const extents = bounds.slice(0, -1).map((start, index): Extent => {
        const end = bounds[index + 1] ?? bytes.length;
        const part = bytes.subarray(start, end);
        if (part.every((byte) => byte === 0)) return extent(null, 0, part.length);
        if (isShared && index % 2 === 0) return extent(1, start, part.length);
        const number = 10 + side * 20 + index;
        chunks.set(toHex(idOf(number)), part);
        return extent(number, 0, part.length);
      });
      const entry = plainFile({ directory: joinPath([]), name, sizeBytes: bytes.length, extents });
      const read = (id: ChunkId): Promise<Uint8Array> => Promise.resolve(chunks.get(toHex(id)) ?? assert.fail());
      return { entry, source: { catalog: catalogOf(new NodeStore(), [entry]), read } };
    });
    assert.ok(a !== undefined && b !== undefined);
    assert.equal(await sameContent(a, b), flipped === null);
  });
  await fc.assert(property, { numRuns: 200 });
});
