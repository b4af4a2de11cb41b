/*
 * Vectors of whole catalogs: nodes under the keys of a write secret, from the root down. The invalid ones are honest node by
 * node; what is wrong is what a node says of another.
 */

import { CatalogWriter, chunkSecret, entryTypes, joinPath, kindKeys } from '@twinvault/seal';
import type { CatalogEntry, Extent, WriteSecret } from '@twinvault/seal';
import { chunkId, decodeCbor, encodeCbor, packKinds } from '@twinvault/format';
import type { CborValue, ChunkId } from '@twinvault/format';
import { concatBytes, toHex, utf8Encode } from '@twinvault/std';
import type { VectorFile } from '../src/index.ts';
import { SealedCollector } from './sealed-collect.ts';
import { fill } from './world.ts';

const writeSecret = fill('write secret of catalogs', 32);
const keys = kindKeys(writeSecret as WriteSecret, packKinds.catalog);

class Nodes {
  readonly all = new Map<string, Uint8Array>();

  put(plaintext: Uint8Array): ChunkId {
    const { id } = chunkSecret(keys, plaintext);
    this.all.set(toHex(id), plaintext);
    return id;
  }
}

interface Tree {
  readonly root: ChunkId;
  readonly level: number;
  readonly nodes: Nodes;
}

function write(entries: readonly CatalogEntry[]): Tree {
  const nodes = new Nodes();
  const writer = new CatalogWriter({ cutterKey: keys.cutterKey, sink: nodes });
  for (const entry of entries) writer.add(entry);
  const { root, level } = writer.finish();
  return { root, level, nodes };
}

const owner = { mode: 0o644, uid: 1000, gid: 1000, user: 'anna', group: 'users', mtimeSeconds: 1_700_000_000, mtimeNanos: 5 };

function file(path: readonly string[], extents: readonly Extent[] = []): CatalogEntry {
  const directory = joinPath(path.slice(0, -1).map(utf8Encode));
  const name = utf8Encode(path.at(-1) ?? '');
  let sizeBytes = 0;
  for (const { lengthBytes } of extents) sizeBytes += lengthBytes;
  return { directory, name, type: entryTypes.file, sizeBytes, extents, ...owner };
}

/** Extents of as many chunks. */
function manyExtents(count: number): Extent[] {
  return Array.from({ length: count }, (_, index) => ({
    chunk: index % 5 === 4 ? null : chunkId(fill(`content ${index % 40}`, 32)),
    offsetBytes: 0,
    lengthBytes: 100 + index,
  }));
}

/** 400 small files in seven directories. */
const flat = Array.from({ length: 400 }, (_, index) => {
  const chunk = chunkId(fill(`bundle ${index >> 5}`, 32));
  return file(['srv', `d${Math.floor(index / 60)}`, `f${1000 + index}`], [{ chunk, offsetBytes: 0, lengthBytes: index + 1 }]);
});

/** Nodes that several vectors have. */
const shared: readonly string[] = [write(flat), ropeTree()].flatMap(({ nodes }) => [...nodes.all.values()].map(toHex));

function contextOf({ nodes }: Tree): Record<string, string | string[]> {
  const references = [...nodes.all.values()].map((node) => {
    const hex = toHex(node);
    const place = shared.indexOf(hex);
    return place === -1 ? hex : `@node${place}`;
  });
  return { writeSecret: toHex(writeSecret), nodes: references.sort() };
}

function bytesOf({ root, level }: Tree): Uint8Array {
  return concatBytes(root, Uint8Array.of(level));
}

export async function catalogVectors(): Promise<VectorFile> {
  const about =
    'A catalog: bytes are the id of its root and u8 level, nodes all its nodes in no order, their ids follow from writeSecret. ' +
    'The value holds level, sum of sizes, ids of the nodes, and per entry key, size, number of extents, number of xattrs. ' +
    'Written again from its entries, extents and attributes a catalog has the same nodes.';
  const collector = new SealedCollector({
    about,
    parser: 'catalog',
    shared: Object.fromEntries(shared.map((hex, index) => [`node${index}`, hex])),
  });
  const trees: readonly (readonly [string, Tree])[] = [
    ['empty', write([])],
    ['one file', write([file(['a'])])],
    ['400 files', write(flat)],
    ['a file with a rope', write([file(['large'], manyExtents(900))])],
    ['63 and 64 extents', write([file(['a'], manyExtents(63)), file(['b'], manyExtents(64))])],
    ['attributes out of line', write([{ ...file(['a']), xattrs: largeXattrs() }])],
  ];
  for (const [name, tree] of trees) await collector.valid(name, bytesOf(tree), contextOf(tree));
  for (const [name, tree, defect] of liars()) {
    await collector.invalid(name, bytesOf(tree), { code: 'catalog-invalid', defect, context: contextOf(tree) });
  }
  return collector.finish();
}

function largeXattrs(): { name: Uint8Array; value: Uint8Array }[] {
  return ['a', 'b', 'c', 'd'].map((name) => ({ name: utf8Encode(`user.${name}`), value: new Uint8Array(6000).fill(0x61) }));
}

const another = 'node is not the one that its parent describes';

/** The tree of `flat` or of a rope, with its root changed. */
function liars(): (readonly [string, Tree, string])[] {
  const tree = write(flat);
  const children = childrenOf(tree);
  const [first, second, ...rest] = children;
  if (first === undefined || second === undefined) throw new RangeError('too few nodes');
  const [, id0, entries0, bytes0] = first;
  const [key1, id1, entries1, bytes1] = second;
  const others = [second, ...rest];
  return [
    ['first child has fewer entries', withRoot(tree, [[first[0], id0, Number(entries0) + 1, bytes0], ...others]), another],
    ['first child has more bytes', withRoot(tree, [[first[0], id0, entries0, Number(bytes0) - 1], ...others]), another],
    [
      'first child begins with another key',
      withRoot(tree, [[Uint8Array.of(0, 0, 1), id0, entries0, bytes0], ...others]),
      another,
    ],
    ['first child reaches beyond the second', withRoot(tree, [first, [earlier(key1), id1, entries1, bytes1], ...rest]), another],
    [
      'two children exchanged',
      withRoot(tree, [[first[0], id1, entries0, bytes0], [key1, id0, entries1, bytes1], ...rest]),
      another,
    ],
    ['level of the root too high', { ...tree, level: tree.level + 1 }, 'inner node of this level expected'],
    ['level of the root too low', { ...tree, level: 0 }, 'leaf expected'],
    ['a rope in the place of the root', ropeAsRoot(), 'leaf expected'],
    ['a rope longer than its file', ropeWith(1), 'rope is not as long as its file'],
  ];
}

type ChildRow = readonly [CborValue, Uint8Array, CborValue, CborValue];

function childrenOf({ root, nodes }: Tree): ChildRow[] {
  const [, , table, children] = decodeCbor(nodes.all.get(toHex(root)) ?? new Uint8Array(), { bytesMax: 131_072 }) as [
    number,
    number,
    Uint8Array,
    [CborValue, number, CborValue, CborValue][],
  ];
  return children.map(([key, index, entries, bytes]) => [key, table.slice(32 * index, 32 * index + 32), entries, bytes]);
}

function withRoot(tree: Tree, children: readonly ChildRow[]): Tree {
  const nodes = new Nodes();
  for (const [id, node] of tree.nodes.all) if (id !== toHex(tree.root)) nodes.all.set(id, node);
  const table = concatBytes(...children.map(([, id]) => id));
  const rows = children.map(([key, , entries, bytes], index) => [key, index, entries, bytes]);
  const root = nodes.put(encodeCbor([2, tree.level, table, rows]));
  return { root, level: tree.level, nodes };
}

/** A key that is below, but above those of the directory before. */
function earlier(key: CborValue): Uint8Array {
  if (!(key instanceof Uint8Array)) throw new TypeError('no key');
  const before = key.slice();
  before[before.length - 1] = (before.at(-1) ?? 1) - 1;
  return before;
}

function ropeTree(): Tree {
  return write([file(['large'], manyExtents(900))]);
}

function ropeAsRoot(): Tree {
  const { nodes } = ropeTree();
  const node = [...nodes.all.values()].find((plaintext) => plaintext[1] === 3);
  if (node === undefined) throw new RangeError('no rope leaf');
  const alone = new Nodes();
  return { root: alone.put(node), level: 0, nodes: alone };
}

/** The same rope under a file that is so many bytes shorter. */
function ropeWith(shorterBytes: number): Tree {
  const nodes = new Nodes();
  const writer = new CatalogWriter({ cutterKey: keys.cutterKey, sink: nodes });
  const content = writer.content(manyExtents(900));
  writer.add({ ...file(['large']), ...content, sizeBytes: content.sizeBytes - shorterBytes });
  const { root, level } = writer.finish();
  return { root, level, nodes };
}
