/* Files and folders of one safeset, out of its catalog as they are asked for. */
import { primitives, utf8Encode } from '@twinvault/std';
import { packKinds } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { entryPath } from '@twinvault/seal';
import type { CatalogEntry, SafesetReader } from '@twinvault/seal';
import type { ChunkCache } from './chunk-cache.ts';
import { FileContent } from './file-content.ts';
import { nameKey, nodeTypes } from './file-tree.ts';
import type { NodeStat, NodeType, NodeXattr, TreeChild, TreeNode } from './file-tree.ts';

const blockBytes = 512;
const aclNames: Readonly<Record<string, string>> = {
  'posix-access': 'system.posix_acl_access',
  'posix-default': 'system.posix_acl_default',
};

/** One opened safeset. */
export class OpenSafeset {
  readonly reader: SafesetReader;
  readonly #chunks: ChunkCache;
  #linkCounts: Promise<ReadonlyMap<string, number>> | null = null;

  constructor(reader: SafesetReader, chunks: ChunkCache) {
    this.reader = reader;
    this.#chunks = chunks;
  }

  readonly readChunk = async (id: ChunkId): Promise<Uint8Array> =>
    await this.#chunks.get(id, async (wanted) => await this.reader.chunks.read(wanted, packKinds.data));

  /** Names in this safeset of the file that the entry is one of; found by one walk over all entries, at the first question. */
  async linkCount(entry: CatalogEntry): Promise<number> {
    this.#linkCounts ??= this.#countLinks();
    return (await this.#linkCounts).get(linkKey(entry)) ?? 1;
  }

  /** 64 bits that stand for the file in this safeset. */
  inodeOf(entry: CatalogEntry, path: Uint8Array): bigint {
    const { safeset } = this.reader.record.public;
    const rest = entry.hardlink ? utf8Encode(`link ${linkKey(entry)}`) : path;
    const text = new Uint8Array(safeset.length + rest.length);
    text.set(safeset);
    text.set(rest, safeset.length);
    const { buffer, byteOffset } = primitives.sha256(text);
    return new DataView(buffer, byteOffset).getBigUint64(0);
  }

  async #countLinks(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for await (const batch of this.reader.catalog.batches()) {
      for (const entry of batch) if (entry.hardlink) counts.set(linkKey(entry), 1 + (counts.get(linkKey(entry)) ?? 0));
    }
    return counts;
  }
}

function linkKey({ hardlink }: CatalogEntry): string {
  return `${hardlink?.device}:${hardlink?.inode}`;
}

export class CatalogNode implements TreeNode {
  readonly type: NodeType;
  readonly #safeset: OpenSafeset;
  /** Null: the top of the safeset, which no entry tells of. */
  readonly #entry: CatalogEntry | null;
  readonly #path: Uint8Array;
  #content: Promise<FileContent> | null = null;

  constructor(safeset: OpenSafeset, entry: CatalogEntry | null) {
    this.#safeset = safeset;
    this.#entry = entry;
    this.#path = entry === null ? new Uint8Array(0) : entryPath(entry.directory, entry.name);
    this.type = entry?.type ?? nodeTypes.directory;
  }

  async stat(): Promise<NodeStat> {
    const entry = this.#entry;
    if (entry === null) return topStat(this.#safeset);
    const isFile = entry.type === nodeTypes.file;
    const dataBytes = isFile ? await this.#dataBytes(entry) : 0;
    const { mode, uid, gid, mtimeSeconds, mtimeNanos, device } = entry;
    return {
      inode: this.#safeset.inodeOf(entry, this.#path),
      type: entry.type,
      mode,
      uid,
      gid,
      sizeBytes: entry.link?.length ?? (isFile ? entry.sizeBytes : 0),
      blocks: Math.ceil(dataBytes / blockBytes),
      mtimeSeconds,
      mtimeNanos,
      linkCount: entry.hardlink ? await this.#safeset.linkCount(entry) : 1,
      deviceMajor: device?.major ?? 0,
      deviceMinor: device?.minor ?? 0,
    };
  }

  async children(): Promise<ReadonlyMap<string, TreeChild>> {
    const children = new Map<string, TreeChild>();
    for await (const entry of this.#safeset.reader.catalog.list(this.#path)) {
      children.set(nameKey(entry.name), { name: entry.name, node: new CatalogNode(this.#safeset, entry) });
    }
    return children;
  }

  async child(name: Uint8Array): Promise<TreeNode | null> {
    const entry = await this.#safeset.reader.catalog.entry(this.#path, name);
    return entry === null ? null : new CatalogNode(this.#safeset, entry);
  }

  readLink(): Uint8Array {
    return this.#entry?.link ?? new Uint8Array(0);
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    if (this.#entry === null) return new Uint8Array(0);
    return await (await this.#contentOf(this.#entry)).read(offsetBytes, lengthBytes, this.#safeset.readChunk);
  }

  async seek(offsetBytes: number, what: 'data' | 'hole'): Promise<number | null> {
    return this.#entry === null ? null : (await this.#contentOf(this.#entry)).seek(offsetBytes, what);
  }

  async xattrs(): Promise<readonly NodeXattr[]> {
    if (this.#entry === null) return [];
    const { xattrs, acls } = await this.#safeset.reader.catalog.attributesOf(this.#entry);
    const asXattrs = acls.flatMap(({ kind, value }) => {
      const name = aclNames[kind];
      return name === undefined ? [] : [{ name: utf8Encode(name), value }];
    });
    return [...xattrs, ...asXattrs];
  }

  /** Without the file's content being laid out, where its list is short. */
  async #dataBytes(entry: CatalogEntry): Promise<number> {
    if (entry.rope) return (await this.#contentOf(entry)).dataBytes;
    let sum = 0;
    for (const { chunk, lengthBytes } of entry.extents) if (chunk !== null) sum += lengthBytes;
    return sum;
  }

  #contentOf(entry: CatalogEntry): Promise<FileContent> {
    this.#content ??= FileContent.of(this.#safeset.reader.catalog, entry);
    return this.#content;
  }
}

function topStat({ reader }: OpenSafeset): NodeStat {
  const { safeset, endMs } = reader.record.public;
  return folderStat(new DataView(safeset.buffer, safeset.byteOffset).getBigUint64(0), endMs);
}

/** A folder of the mount's own: the user's, and nobody else's. */
export function folderStat(inode: bigint, timeMs: number): NodeStat {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const times = { mtimeSeconds: Math.floor(timeMs / 1000), mtimeNanos: (timeMs % 1000) * 1_000_000 };
  return {
    inode,
    type: nodeTypes.directory,
    mode: 0o555,
    uid,
    gid,
    sizeBytes: 0,
    blocks: 0,
    ...times,
    linkCount: 1,
    deviceMajor: 0,
    deviceMinor: 0,
  };
}
