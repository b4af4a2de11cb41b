/* A decoded node back into bytes: decoders accept only what encoders write, so these are the bytes that were decoded. */

import type { CatalogEntry } from '../src/catalog/entry.ts';
import { LeafEncoder } from '../src/catalog/leaf-encoder.ts';
import type { DecodedNode } from '../src/catalog/node-decoder.ts';
import { encodeAttributes, encodeInner, encodeRopeInner, encodeRopeLeaf } from '../src/catalog/small-nodes.ts';

export function encodeAgain(node: DecodedNode): Uint8Array {
  switch (node.type) {
    case 'leaf':
      return encodeLeaf(node.entries);
    case 'inner':
      return encodeInner(node.level, node.children);
    case 'ropeLeaf':
      return encodeRopeLeaf(node.extents);
    case 'ropeInner':
      return encodeRopeInner(node.level, node.children);
    case 'attributes':
      return encodeAttributes(node.attributes);
  }
}

/** One leaf of these entries, whatever they cost. Attributes are taken as they are. */
export function encodeLeaf(entries: readonly CatalogEntry[]): Uint8Array {
  const encoder = new LeafEncoder();
  let last: CatalogEntry | null = null;
  for (const entry of entries) {
    const { extents, rope = null, acls = [], streams = [], xattrs = [], attributes = [] } = entry;
    const hasInline = acls.length + streams.length + xattrs.length > 0;
    const content = {
      extents,
      rope,
      inline: hasInline ? { acls, streams, xattrs } : null,
      attributeNodes: attributes.length > 0 ? attributes : null,
    };
    encoder.add(entry, content, last === null || String(last.directory) !== String(entry.directory));
    last = entry;
  }
  return encoder.finish();
}
