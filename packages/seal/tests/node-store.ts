/* Nodes in memory, named by a keyed hash of their plaintext, with counts of what went in and out. */

import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { primitives, toHex, utf8Encode } from '@twinvault/std';
import type { NodeSink, NodeSource } from '../src/catalog/node-sink.ts';

const key = primitives.secretKey(utf8Encode('key of the node store of tests!!'));

export class NodeStore implements NodeSink, NodeSource {
  readonly nodes = new Map<string, Uint8Array>();
  puts = 0;
  opened = 0;

  put(plaintext: Uint8Array): ChunkId {
    this.puts += 1;
    const id = chunkId(primitives.hmacSha256(key, plaintext));
    this.nodes.set(toHex(id), plaintext);
    return id;
  }

  node(id: ChunkId): Promise<Uint8Array> {
    this.opened += 1;
    const plaintext = this.nodes.get(toHex(id));
    return plaintext === undefined ? Promise.reject(new Error('node is not in the store')) : Promise.resolve(plaintext);
  }
}

export async function collectBatches<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
