/*
 * Attributes of an entry in the order of the format, and out of line where they are large: docs/format/catalog.md,
 * "Attributes".
 */

import type { ChunkId } from '@twinvault/format';
import { compareBytes } from '@twinvault/std';
import { aclCost, streamCost, xattrCost } from './attribute-items.ts';
import { attributesCostMax, nodeCostMax } from './catalog-limits.ts';
import { entryDefect } from './check-entry.ts';
import type { AclPart, Attributes, CatalogEntry, NamedStream, Xattr } from './entry.ts';
import type { NodeSink } from './node-sink.ts';
import { encodeAttributes } from './small-nodes.ts';

/** An entry's attributes sorted, each name once (else `catalog-entry-invalid`); null if it has none. */
export function sortedAttributes(entry: CatalogEntry): Attributes | null {
  const acls = sorted(entry.acls ?? [], (a, b) => (a.kind < b.kind ? -1 : Number(a.kind > b.kind)), 'acl');
  const streams = sorted(entry.streams ?? [], (a, b) => compareBytes(a.name, b.name), 'streams');
  const xattrs = sorted(entry.xattrs ?? [], (a, b) => compareBytes(a.name, b.name), 'xattrs');
  return acls.length + streams.length + xattrs.length === 0 ? null : { acls, streams, xattrs };
}

function sorted<T>(list: readonly T[], compare: (a: T, b: T) => number, field: string): readonly T[] {
  if (list.length < 2) return list;
  const copy = [...list].sort(compare);
  for (let index = 1; index < copy.length; index += 1) {
    if (compare(copy[index - 1] as T, copy[index] as T) === 0) throw entryDefect(field);
  }
  return copy;
}

/** Attribute nodes, each filled in order up to the cost of a node; one item may cost more by itself. */
export function storeAttributes(sink: NodeSink, { acls, streams, xattrs }: Attributes): ChunkId[] {
  const ids: ChunkId[] = [];
  const page = new AttributePage();
  const step = (cost: number): void => {
    if (page.cost + cost > nodeCostMax && page.cost > 0) ids.push(sink.put(page.finish()));
    page.cost += cost;
  };
  let total = 0;
  for (const acl of acls) {
    step(aclCost(acl));
    page.acls.push(acl);
    total += aclCost(acl);
  }
  for (const stream of streams) {
    step(streamCost(stream));
    page.streams.push(stream);
    total += streamCost(stream);
  }
  for (const xattr of xattrs) {
    step(xattrCost(xattr));
    page.xattrs.push(xattr);
    total += xattrCost(xattr);
  }
  if (total > attributesCostMax) throw entryDefect('attributes');
  ids.push(sink.put(page.finish()));
  return ids;
}

class AttributePage {
  cost = 0;
  acls: AclPart[] = [];
  streams: NamedStream[] = [];
  xattrs: Xattr[] = [];

  finish(): Uint8Array {
    const plaintext = encodeAttributes(this);
    this.cost = 0;
    this.acls = [];
    this.streams = [];
    this.xattrs = [];
    return plaintext;
  }
}
