/*
 * Damaged and hostile nodes. Invariants: the decoder gives a node or throws `catalog-invalid`, nothing else; what it gives
 * encodes to the same bytes again; it is done within milliseconds; it never makes more objects than a node may hold. The
 * reader never gives an entry out of a node that is not where its parent says. A failure prints its seed, which alone makes
 * the same nodes again.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catalogNodeBytesMax } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { Prng, fromHex, toHex } from '@twinvault/std';
import fc from 'fast-check';
import { CborWriter } from '../src/catalog/cbor-writer.ts';
import { decodeNode } from '../src/catalog/node-decoder.ts';
import { CatalogReader, CatalogWriter, SealError } from '../src/index.ts';
import type { CatalogEntry } from '../src/index.ts';
import { damagedNode, decodes, samples } from './damaged-nodes.ts';
import { encodeLeaf } from './encode-again.ts';
import { NodeStore } from './node-store.ts';
import { plainFile, randomChunkId } from './random-entries.ts';

const cutterKey = new Prng('fuzz').bytes(16);
const noPath = new Uint8Array(0);

test('damaged nodes are refused, or are what an encoder would have written', () => {
  const property = fc.property(fc.string(), (seed) => {
    const prng = new Prng(seed);
    for (let count = 0; count < 100; count += 1) {
      decodes(damagedNode(prng));
    }
  });
  fc.assert(property, { numRuns: 150 });
});

test('every flipped bit of small nodes of each type', () => {
  const byType = new Map(samples.toReversed().map((node) => [decodeNode(node).type, node]));
  let taken = 0;
  for (const node of byType.values()) {
    for (let bit = 0; bit < 8 * Math.min(node.length, 1500); bit += 1) {
      const damaged = node.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (decodes(damaged)) taken += 1;
    }
  }
  assert.ok(taken > 0);
});

test('any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      assert.equal(decodes(bytes), false);
    }),
    { numRuns: 2000 },
  );
});

test('huge counts and lengths are refused before anything is made for them', () => {
  const head = (type: number, level: number, ids: Uint8Array = noPath): CborWriter => {
    const cbor = new CborWriter();
    cbor.array(type === 1 ? 7 : 4);
    cbor.uint(type);
    cbor.uint(level);
    cbor.bytes(ids);
    return cbor;
  };
  const hostile: Uint8Array[] = [];
  for (const count of [1025, 2 ** 16, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    const directories = head(1, 0);
    directories.array(1);
    directories.array(2);
    directories.bytes(noPath);
    directories.uint(count);
    directories.bytes(new Uint8Array(2000));
    directories.map(0);
    directories.map(0);
    hostile.push(directories.column.copy());
    for (const [type, level] of [
      [1, 0],
      [2, 1],
      [4, 1],
      [5, 0],
    ] as const) {
      const lists = head(type, level);
      lists.array(count);
      hostile.push(lists.column.copy());
    }
    const rope = head(3, 0);
    const column = new CborWriter().column;
    column.varint(count);
    rope.bytes(column.copy());
    hostile.push(rope.column.copy());
  }
  for (const node of hostile) assert.equal(decodes(node), false);
  const started = process.cpuUsage();
  assert.equal(decodes(new Uint8Array(catalogNodeBytesMax + 1)), false);
  assert.equal(decodes(new Uint8Array(64 * 1024 * 1024)), false);
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000);
});

test('a node in the place of another is noticed wherever it stands', async () => {
  const prng = new Prng('exchanged nodes');
  const store = new NodeStore();
  const entries: CatalogEntry[] = [];
  for (let index = 0; index < 5000; index += 1) {
    const chunk = randomChunkId(prng);
    const extents = [{ chunk, offsetBytes: 0, lengthBytes: 100 }];
    entries.push(plainFile({ directory: noPath, name: Buffer.from(`${10_000 + index}`), sizeBytes: 100, extents }));
  }
  const rope = Array.from({ length: 2000 }, (_, index) => ({
    chunk: randomChunkId(prng),
    offsetBytes: 0,
    lengthBytes: 50 + (index % 3),
  }));
  const writer = new CatalogWriter({ cutterKey, sink: store });
  for (const entry of entries) writer.add(entry);
  const content = writer.content(rope);
  writer.add({ ...plainFile({ directory: noPath, name: Buffer.from('zz') }), ...content });
  const root = writer.finish();
  const honest = await listed(store, root);
  const ids = [...store.nodes.keys()].filter((id) => id !== toHex(root.root));
  for (let round = 0; round < 60; round += 1) {
    const [at, other] = [prng.pick(ids), prng.pick(ids)];
    const lying = new NodeStore();
    for (const [id, node] of store.nodes) lying.nodes.set(id, node);
    lying.nodes.set(at, store.nodes.get(other) ?? assert.fail());
    try {
      assert.deepEqual(await listed(lying, root), honest, `${at} for ${other}`);
      assert.equal(at, other);
    } catch (error) {
      assert.ok(error instanceof SealError && error.code === 'catalog-invalid', String(error));
    }
  }
});

/** Names, sizes and lengths of extents, all that a catalog leads to. */
async function listed(store: NodeStore, root: { root: ChunkId; level: number }): Promise<string[]> {
  const reader = new CatalogReader(store, root);
  const lines: string[] = [];
  for await (const batch of reader.batches()) {
    for (const entry of batch) {
      let line = `${toHex(entry.name)} ${entry.sizeBytes}`;
      for await (const extents of reader.extentBatches(entry)) {
        for (const { chunk, lengthBytes } of extents) line += ` ${chunk === null ? 'hole' : toHex(chunk)}+${lengthBytes}`;
      }
      lines.push(line);
    }
  }
  return lines;
}

test('values and nodes beyond their limits are refused', () => {
  const entry = plainFile({ directory: noPath, name: Uint8Array.of(0x61) });
  const withValue = (length: number): Uint8Array =>
    encodeLeaf([{ ...entry, xattrs: [{ name: Uint8Array.of(1), value: new Uint8Array(length) }] }]);
  assert.equal(decodes(withValue(65_536)), true);
  assert.equal(decodes(withValue(65_537)), false);
  const large = encodeLeaf([
    { ...entry, xattrs: [1, 2, 3].map((name) => ({ name: Uint8Array.of(name), value: new Uint8Array(50_000) })) },
  ]);
  assert.equal(decodes(large), false);
});

test('named defects of small leaves are each refused', () => {
  const names = Uint8Array.of(1, 0x61, 1, 0x62);
  const good = { directories: [[noPath, 2]], names, type: [5, 5], mode: [1, 1], uid: [0, 0], gid: [0, 0], mtime: [0, 0, 0, 0] };
  assert.equal(decodes(leafOf(good)), true);
  const defects = {
    'names not in order': { names: Uint8Array.of(1, 0x62, 1, 0x61) },
    'name twice': { names: Uint8Array.of(1, 0x61, 1, 0x61) },
    'name with a slash': { names: Uint8Array.of(1, 0x2f, 1, 0x61) },
    'name with zero': { names: Uint8Array.of(1, 0x00, 1, 0x61) },
    'name dot': { names: Uint8Array.of(1, 0x2e, 1, 0x61) },
    'name dot dot': { names: Uint8Array.of(2, 0x2e, 0x2e, 1, 0x61) },
    'empty name': { names: Uint8Array.of(0, 1, 0x61) },
    'names too short': { names: Uint8Array.of(1, 0x61, 1) },
    'names too long': { names: Uint8Array.of(1, 0x61, 1, 0x62, 1, 0x63) },
    'varint not shortest': { names: Uint8Array.of(0x81, 0, 0x61, 1, 0x62) },
    'type 0': { type: [0, 5] },
    'type 8': { type: [5, 8] },
    'link without target': { type: [3, 5] },
    'device without numbers': { type: [6, 5] },
    'file without size': { type: [1, 5] },
    'column too short': { uid: [0] },
    'column too long': { gid: [0, 0, 0] },
    'mode too large': { mode: [0x80, 0x20, 1] },
    'nanoseconds too many': { mtime: [0, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0, 0] },
    'directory without entries': {
      directories: [
        [noPath, 2],
        [Uint8Array.of(0x61), 0],
      ],
    },
    'directory with an empty component': { directories: [[Uint8Array.of(0), 2]] },
    'directories not in order': {
      directories: [
        [Uint8Array.of(0x62), 1],
        [Uint8Array.of(0x61), 1],
      ],
    },
    'count of entries too small': { directories: [[noPath, 1]] },
  };
  for (const [name, defect] of Object.entries(defects)) assert.equal(decodes(leafOf({ ...good, ...defect })), false, name);
});

type LeafParts = Readonly<Record<string, unknown>>;

function leafOf(parts: LeafParts): Uint8Array {
  const cbor = new CborWriter();
  cbor.array(7);
  cbor.uint(1);
  cbor.uint(0);
  cbor.bytes(noPath);
  const directories = parts['directories'] as readonly (readonly [Uint8Array, number])[];
  cbor.array(directories.length);
  for (const [path, count] of directories) {
    cbor.array(2);
    cbor.bytes(path);
    cbor.uint(count);
  }
  cbor.bytes(parts['names'] as Uint8Array);
  const columns = ['gid', 'uid', 'mode', 'type', 'mtime'];
  cbor.map(columns.length);
  for (const name of columns) {
    cbor.text(name);
    cbor.bytes(Uint8Array.from(parts[name] as number[]));
  }
  cbor.map(0);
  return cbor.column.copy();
}

test('nodes that decoders once took for others stay refused', () => {
  for (const hex of ['', '80', '8701', '87010040804040a0a0', '8401014080', '84020040804000', '840500408380808000']) {
    assert.equal(decodes(fromHex(hex) ?? assert.fail()), false, hex);
  }
});
