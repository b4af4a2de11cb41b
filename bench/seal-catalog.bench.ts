/*
 * How many entries of a catalog a core writes, walks and compares in a second: a listing as a source tree has it, 200,000
 * files of small size in bundles, three nodes deep. Nodes are named by HMAC-SHA-256 and kept in memory; sealing is not in it.
 */

import { chunkId } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { CatalogReader, CatalogWriter, comparePlaces, diffCatalogs, entryTypes, joinPath } from '@twinvault/seal';
import type { CatalogEntry, NodeSink, NodeSource, WrittenCatalog } from '@twinvault/seal';
import { Prng, primitives, toHex } from '@twinvault/std';
import { measure, printTable } from './support/cpu.ts';

const prng = new Prng('catalog bench');
const idKey = primitives.secretKey(prng.bytes(32));
const cutterKey = prng.bytes(16);
const count = 200_000;

class Nodes implements NodeSink, NodeSource {
  readonly all = new Map<string, Uint8Array>();

  put(plaintext: Uint8Array): ChunkId {
    const id = chunkId(primitives.hmacSha256(idKey, plaintext));
    this.all.set(toHex(id), plaintext);
    return id;
  }

  async node(id: ChunkId): Promise<Uint8Array> {
    const plaintext = this.all.get(toHex(id));
    if (plaintext === undefined) throw new RangeError('no such node');
    return await Promise.resolve(plaintext);
  }
}

function listing(): CatalogEntry[] {
  const letters = (length: number): Uint8Array => prng.bytes(length).map((byte) => 0x61 + (byte % 26));
  const entries: CatalogEntry[] = [];
  while (entries.length < count) {
    const directory = joinPath([letters(3), letters(7), letters(8), letters(10), letters(9)]);
    for (let left = prng.between(1, 40); left > 0; left -= 1) {
      const sizeBytes = prng.between(1, 20_000);
      const chunk = chunkId(primitives.sha256(Uint8Array.of(entries.length >> 13, entries.length >> 5)));
      entries.push({
        directory,
        name: letters(prng.between(6, 24)),
        type: entryTypes.file,
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        user: 'anna',
        group: 'users',
        mtimeSeconds: 1_700_000_000 + prng.below(10_000_000),
        mtimeNanos: prng.below(1_000_000_000),
        sizeBytes,
        extents: [{ chunk, offsetBytes: prng.below(1_000_000), lengthBytes: sizeBytes }],
      });
    }
  }
  return entries.sort(comparePlaces);
}

function write(nodes: Nodes, entries: readonly CatalogEntry[]): WrittenCatalog {
  const writer = new CatalogWriter({ cutterKey, sink: nodes });
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

async function drain<T>(items: AsyncIterable<T>): Promise<number> {
  let seen = 0;
  for await (const _ of items) seen += 1;
  return seen;
}

const entries = listing();
const nodes = new Nodes();
const root = write(nodes, entries);
const reader = new CatalogReader(nodes, root);
const changed = entries.map((entry, index) => (index % 20_000 === 0 ? { ...entry, mode: 0o600 } : entry));
const other = new CatalogReader(nodes, write(nodes, changed));

const rate = (seconds: number): string => Math.round(entries.length / seconds).toLocaleString('en');
const writing = await measure(5, () => write(new Nodes(), entries));
const walking = await measure(5, async () => await drain(reader.walk()));
const batches = await measure(5, async () => await drain(reader.batches()));
const comparing = await measure(5, async () => await drain(diffCatalogs(reader, other)));
printTable([
  ['', 'entries per CPU second'],
  ['written', rate(writing.cpuSeconds)],
  ['walked one by one', rate(walking.cpuSeconds)],
  ['walked in batches', rate(batches.cpuSeconds)],
]);
printTable([
  ['', 'ms'],
  [`comparison, 10 of ${entries.length.toLocaleString('en')} differ`, (comparing.cpuSeconds * 1e3).toFixed(1)],
]);
