/*
 * Any node of a catalog, docs/format/catalog.md: `[type, level, ids, body…]`. Never hangs and never allocates more than a
 * small multiple of the node's bytes, whatever they are; throws `catalog-invalid` and nothing else.
 */

import { catalogLevelMax, catalogNodeBytesMax } from '@twinvault/format';
import { CborReader } from './cbor-reader.ts';
import { nodeDefect } from './column-reader.ts';
import { IdUses } from './id-table.ts';
import { readLeaf } from './leaf-decoder.ts';
import type { DecodedLeaf } from './leaf-decoder.ts';
import { nodeTypes, readAttributes, readInner, readRopeInner, readRopeLeaf } from './small-nodes.ts';
import type { DecodedAttributes, DecodedInner, DecodedRopeInner, DecodedRopeLeaf } from './small-nodes.ts';

export type DecodedNode = DecodedLeaf | DecodedInner | DecodedRopeLeaf | DecodedRopeInner | DecodedAttributes;

/** All bytes in what it gives are views of `plaintext`. */
export function decodeNode(plaintext: Uint8Array): DecodedNode {
  if (plaintext.length > catalogNodeBytesMax) throw nodeDefect('node too large');
  const cbor = new CborReader(plaintext);
  const items = cbor.array();
  const type = cbor.uint();
  const level = cbor.uint();
  const ids = new IdUses(cbor.bytes(catalogNodeBytesMax));
  const isInner = type === nodeTypes.inner || type === nodeTypes.ropeInner;
  if (level > catalogLevelMax || isInner !== level > 0) throw nodeDefect('level does not fit the type');
  if (items !== (type === nodeTypes.leaf ? 7 : 4)) throw nodeDefect('node has another number of items');
  if (type === nodeTypes.leaf) return readLeaf(cbor, ids, catalogNodeBytesMax);
  const node = readSmallNode({ cbor, ids, type, level });
  cbor.end();
  ids.end();
  return node;
}

interface SmallNodeInput {
  readonly cbor: CborReader;
  readonly ids: IdUses;
  readonly type: number;
  readonly level: number;
}

function readSmallNode({ cbor, ids, type, level }: SmallNodeInput): DecodedNode {
  switch (type) {
    case nodeTypes.inner:
      return readInner(cbor, ids, level);
    case nodeTypes.ropeLeaf:
      return readRopeLeaf(cbor, ids);
    case nodeTypes.ropeInner:
      return readRopeInner(cbor, ids, level);
    case nodeTypes.attributes:
      return readAttributes(cbor, ids);
    default:
      throw nodeDefect('unknown type of node');
  }
}
