/*
 * Nodes of every type, ways to damage them, and what must hold for whatever comes out: the decoder refuses it with
 * `catalog-invalid`, or gives what encodes to the same bytes again.
 */

import assert from 'node:assert/strict';
import { Prng, concatBytes, equalBytes } from '@twinvault/std';
import { decodeNode } from '../src/catalog/node-decoder.ts';
import { CatalogWriter, SealError } from '../src/index.ts';
import { encodeAgain } from './encode-again.ts';
import { NodeStore } from './node-store.ts';
import { manyExtents, plainFile, randomListing } from './random-entries.ts';

const cutterKey = new Prng('fuzz').bytes(16);
const noPath = new Uint8Array(0);

/** Nodes of every type, small and large. */
function sampleNodes(): Uint8Array[] {
  const prng = new Prng('fuzz samples');
  const store = new NodeStore();
  for (const count of [0, 1, 3, 40, 1500]) {
    const writer = new CatalogWriter({ cutterKey, sink: store });
    for (const entry of randomListing(prng, count)) writer.add(entry);
    writer.finish();
  }
  const writer = new CatalogWriter({ cutterKey, sink: store });
  const value = prng.bytes(17_000);
  const xattrs = ['a', 'b', 'c'].map((name) => ({ name: Buffer.from(name), value }));
  const content = writer.content(manyExtents(prng, 3000));
  writer.add({ ...plainFile({ directory: noPath, name: Uint8Array.of(0x61) }), ...content, xattrs });
  writer.finish();
  const nodes = [...store.nodes.values()];
  const types = new Set(nodes.map((node) => decodeNode(node).type));
  assert.deepEqual([...types].sort(), ['attributes', 'inner', 'leaf', 'ropeInner', 'ropeLeaf']);
  return nodes.sort((a, b) => a.length - b.length);
}

export const samples: readonly Uint8Array[] = sampleNodes();

/** What the decoder makes of any bytes: true if it took them. */
export function decodes(plaintext: Uint8Array): boolean {
  try {
    const node = decodeNode(plaintext);
    assert.ok(equalBytes(encodeAgain(node), plaintext), 'accepted, but not what the encoder makes');
    return true;
  } catch (error) {
    assert.ok(error instanceof SealError && error.code === 'catalog-invalid', String(error));
    return false;
  }
}

type Damage = (prng: Prng, node: Uint8Array) => Uint8Array;

const damages: readonly Damage[] = [
  (prng, node) => {
    const damaged = node.slice();
    const at = prng.below(node.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << prng.below(8));
    return damaged;
  },
  (prng, node) => {
    const damaged = node.slice();
    damaged[prng.below(node.length)] = prng.pick([0, 1, 0x18, 0x1b, 0x3b, 0x5b, 0x7b, 0x7f, 0x80, 0x9b, 0xbb, 0xf5, 0xf6, 0xff]);
    return damaged;
  },
  (prng, node) => node.slice(0, prng.below(node.length)),
  (prng, node) => spliced(node, prng.below(node.length), prng.between(1, 9), noPath),
  (prng, node) => spliced(node, prng.below(node.length), 0, prng.bytes(prng.between(1, 9))),
  (prng, node) => {
    const other = prng.pick(samples);
    return spliced(node, prng.below(node.length), prng.below(40), other.slice(prng.below(other.length)).subarray(0, 60));
  },
  (prng, node) => {
    const count = prng.between(1, 40);
    const from = prng.below(node.length);
    return spliced(node, prng.below(node.length), count, node.slice(from, from + count));
  },
];

function spliced(node: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return concatBytes(node.subarray(0, at), added, node.subarray(at + removed));
}

/** One of the samples, damaged in one to three places. */
export function damagedNode(prng: Prng): Uint8Array {
  let node = prng.pick(samples);
  for (let hits = prng.between(1, 3); hits > 0 && node.length > 0; hits -= 1) node = prng.pick(damages)(prng, node);
  return node;
}
