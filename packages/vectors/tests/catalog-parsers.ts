/*
 * Which functions of seal the files of vectors of cutting and catalogs are for, with their context. Isomorphic, so that
 * browsers run the same.
 */

import {
  bundleTag,
  CatalogReader,
  CatalogWriter,
  chunkBytesMax,
  chunkSecret,
  Cutter,
  decodeNode,
  endsBundle,
  entryKey,
  gearTable,
  kindKeys,
  sipHash24,
} from '@twinvault/seal';
import type { CatalogEntry, WriteSecret } from '@twinvault/seal';
import { chunkId, packKinds } from '@twinvault/format';
import { concatBytes, primitives, toHex } from '@twinvault/std';
import type { Vector, VectorFile } from '../src/index.ts';
import { bytesOfHex, contextBytes, contextList } from './parsers.ts';
import type { VectorParser } from './parsers.ts';

const hashBytes = 32;

function u64Of(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}

export function u64Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** SHA-256(seed | u64 0) | SHA-256(seed | u64 1) | …, cut off at this length. */
export function streamOf(seed: Uint8Array, lengthBytes: number): Uint8Array {
  const stream = new Uint8Array(lengthBytes);
  const block = concatBytes(seed, u64Bytes(0));
  const counter = new DataView(block.buffer, seed.length);
  for (let offset = 0; offset < lengthBytes; offset += hashBytes) {
    counter.setUint32(0, offset / hashBytes, true);
    const hash = primitives.sha256(block);
    stream.set(hash.subarray(0, lengthBytes - offset), offset);
  }
  return stream;
}

/** End of each chunk, the data being read in pieces of this length. */
function cutsOf(key: Uint8Array, data: Uint8Array, pieceBytes: number): number[] {
  const cutter = new Cutter(key);
  const cuts: number[] = [];
  let [base, end] = [0, 0];
  while (base < data.length) {
    const cut = end === 0 ? -1 : cutter.findCut(0, end, base + end === data.length);
    if (cut === -1) {
      const piece = data.subarray(base + end, base + Math.min(end + pieceBytes, chunkBytesMax));
      cutter.buffer.set(piece, end);
      end += piece.length;
    } else {
      cutter.buffer.copyWithin(0, cut, end);
      base += cut;
      end -= cut;
      cuts.push(base);
    }
  }
  return cuts;
}

const pieces = [chunkBytesMax, 1_000_003, 65_536];

const parsers: Readonly<Record<string, VectorParser>> = {
  gear: () => [...gearTable()],
  siphash: (file, vector) => {
    const { high, low } = sipHash24(contextBytes(file, vector, 'key'), bytesOfHex(vector.bytes));
    return { high, low };
  },
  cutting: (file, vector) => {
    const [stream, zeros] = ['streamBytes', 'zeroBytes'].map((key) => u64Of(contextBytes(file, vector, key)));
    const data = concatBytes(streamOf(bytesOfHex(vector.bytes), stream ?? 0), new Uint8Array(zeros ?? 0));
    const key = contextBytes(file, vector, 'cutterKey');
    const [whole, ...parts] = pieces.map((pieceBytes) => cutsOf(key, data, pieceBytes));
    for (const part of parts) if (String(part) !== String(whole)) throw new RangeError('cuts depend on how data is read');
    return whole;
  },
  bundle: (file, vector) => {
    const key = primitives.secretKey(contextBytes(file, vector, 'bundleKey'));
    const tag = bundleTag(key, bytesOfHex(vector.bytes));
    return { tag, endsBundle: endsBundle(tag) };
  },
  node: (_, vector) => decodeNode(bytesOfHex(vector.bytes)),
  catalog: async (file, vector) => await catalogOf(file, vector),
};

/** Everything a catalog leads to, after it was written again from its entries and came out as the same nodes. */
async function catalogOf(file: VectorFile, vector: Vector): Promise<unknown> {
  const keys = kindKeys(contextBytes(file, vector, 'writeSecret') as WriteSecret, packKinds.catalog);
  const nodes = new Map(contextList(file, vector, 'nodes').map((node) => [toHex(chunkSecret(keys, node).id), node]));
  const node = async (id: Uint8Array): Promise<Uint8Array> => {
    const plaintext = nodes.get(toHex(id));
    if (plaintext === undefined) throw new RangeError('no such node');
    return await Promise.resolve(plaintext);
  };
  const bytes = bytesOfHex(vector.bytes);
  const reader = new CatalogReader({ node }, { root: chunkId(bytes.subarray(0, hashBytes)), level: bytes[hashBytes] ?? 0 });
  const written = new Set<string>();
  const put = (plaintext: Uint8Array): ReturnType<typeof chunkId> => {
    const { id } = chunkSecret(keys, plaintext);
    written.add(toHex(id));
    return id;
  };
  const writer = new CatalogWriter({ cutterKey: keys.cutterKey, sink: { put } });
  const entries: unknown[] = [];
  for await (const entry of reader.walk()) {
    entries.push(await summaryOf(reader, entry));
    writer.add(await wholeOf(reader, entry));
  }
  const again = writer.finish();
  if (toHex(again.root) !== toHex(reader.root.root)) throw new RangeError('written again it has another root');
  if (written.size !== nodes.size) throw new RangeError('nodes that the catalog does not need');
  return { level: again.level, bytes: again.bytes, nodes: [...written].sort(), entries };
}

async function wholeOf(reader: CatalogReader, entry: CatalogEntry): Promise<CatalogEntry> {
  const extents = [];
  for await (const batch of reader.extentBatches(entry)) extents.push(...batch);
  return { ...entry, extents, rope: null, attributes: [], ...(await reader.attributesOf(entry)) };
}

async function summaryOf(reader: CatalogReader, entry: CatalogEntry): Promise<unknown> {
  const { extents, xattrs = [] } = await wholeOf(reader, entry);
  return [toHex(entryKey(entry.directory, entry.name)), entry.sizeBytes, extents.length, xattrs.length];
}

/** By the name in a file's `parser`; null: none of these. That of catalogs gives a promise. */
export function catalogParserNamed(name: string): VectorParser | null {
  return parsers[name] ?? null;
}
