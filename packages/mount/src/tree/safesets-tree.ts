/*
 * The folder that a mount shows: computer / job / safeset / path. A safeset is opened when somebody looks into it.
 *
 * Invariant: names of folders are unique, and none leads elsewhere: a slash in a computer's or job's name is shown as another sign.
 */
import { primitives, toHex, utf8Encode } from '@twinvault/std';
import type { RecordDigest, RecordPublic } from '@twinvault/format';
import type { SafeReader } from '@twinvault/seal';
import { CatalogNode, folderStat, OpenSafeset } from './catalog-node.ts';
import { ChunkCache } from './chunk-cache.ts';
import { nameKey, nodeTypes } from './file-tree.ts';
import type { FileTree, NodeStat, NodeXattr, TreeChild, TreeNode } from './file-tree.ts';

export interface MountedSafeset {
  readonly digest: RecordDigest;
  readonly public: RecordPublic;
}

export interface TreeOptions {
  readonly reader: SafeReader;
  readonly safesets: readonly MountedSafeset[];
  /** `2026-11-22_06-15-00`, in the time zone that people expect. */
  readonly formatTime: (ms: number) => string;
}

/** All of them. */
export function safesetsTree({ reader, safesets, formatTime }: TreeOptions): FileTree {
  const chunks = new ChunkCache();
  const computers = new Map<string, Map<string, [string, TreeNode][]>>();
  for (const safeset of safesets) {
    const { computerName, computer, job, endMs, safeset: id } = safeset.public;
    const others = safesets.filter((other) => other.public.computerName === computerName);
    const isOne = others.every((other) => toHex(other.public.computer) === toHex(computer));
    const shown = plain(isOne ? computerName : `${computerName} ${toHex(computer).slice(0, 8)}`);
    const jobs = computers.get(shown) ?? new Map<string, [string, TreeNode][]>();
    const list = jobs.get(plain(job)) ?? [];
    list.push([`${formatTime(endMs)}_${toHex(id).slice(0, 8)}`, new SafesetNode(reader, safeset, chunks)]);
    jobs.set(plain(job), list);
    computers.set(shown, jobs);
  }
  const newestMs = Math.max(0, ...safesets.map((safeset) => safeset.public.endMs));
  const folders = Array.from(computers, ([name, jobs]): [string, TreeNode] => {
    const below = Array.from(jobs, ([job, list]): [string, TreeNode] => [job, new Folder(`${name}/${job}`, list, newestMs)]);
    return [name, new Folder(name, below, newestMs)];
  });
  return { root: new Folder('', folders, newestMs), files: safesets.reduce((sum, each) => sum + each.public.counts.files, 0) };
}

/** One of them alone. */
export function safesetTree({ reader, safesets }: TreeOptions): FileTree {
  const [safeset] = safesets;
  if (safeset === undefined) return { root: new Folder('', [], 0), files: 0 };
  return { root: new SafesetNode(reader, safeset, new ChunkCache()), files: safeset.public.counts.files };
}

function plain(name: string): string {
  const shown = name.replaceAll(/[/\0]/gu, '_');
  return shown === '' || shown === '.' || shown === '..' ? `_${shown}` : shown;
}

/** A folder without content of its own. */
abstract class FolderNode implements TreeNode {
  readonly type = nodeTypes.directory;

  abstract stat(): Promise<NodeStat>;
  abstract children(): Promise<ReadonlyMap<string, TreeChild>>;
  abstract child(name: Uint8Array): Promise<TreeNode | null>;

  readLink(): Uint8Array {
    return new Uint8Array(0);
  }

  read(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(0));
  }

  seek(): Promise<null> {
    return Promise.resolve(null);
  }

  xattrs(): Promise<readonly NodeXattr[]> {
    return Promise.resolve([]);
  }
}

class Folder extends FolderNode {
  readonly #children = new Map<string, TreeChild>();
  readonly #stat: NodeStat;

  constructor(path: string, children: readonly (readonly [string, TreeNode])[], timeMs: number) {
    super();
    const { buffer, byteOffset } = primitives.sha256(utf8Encode(`folder ${path}`));
    this.#stat = folderStat(new DataView(buffer, byteOffset).getBigUint64(0), timeMs);
    for (const [text, node] of children) {
      const name = utf8Encode(text);
      this.#children.set(nameKey(name), { name, node });
    }
  }

  stat(): Promise<NodeStat> {
    return Promise.resolve(this.#stat);
  }

  children(): Promise<ReadonlyMap<string, TreeChild>> {
    return Promise.resolve(this.#children);
  }

  child(name: Uint8Array): Promise<TreeNode | null> {
    return Promise.resolve(this.#children.get(nameKey(name))?.node ?? null);
  }
}

/** The top of a safeset that may not be open yet. */
class SafesetNode extends FolderNode {
  readonly #reader: SafeReader;
  readonly #safeset: MountedSafeset;
  readonly #chunks: ChunkCache;
  #opening: Promise<CatalogNode> | null = null;

  constructor(reader: SafeReader, safeset: MountedSafeset, chunks: ChunkCache) {
    super();
    this.#reader = reader;
    this.#safeset = safeset;
    this.#chunks = chunks;
  }

  stat(): Promise<NodeStat> {
    const { safeset, endMs } = this.#safeset.public;
    return Promise.resolve(folderStat(new DataView(safeset.buffer, safeset.byteOffset).getBigUint64(0), endMs));
  }

  async children(): Promise<ReadonlyMap<string, TreeChild>> {
    return await (await this.#top()).children();
  }

  async child(name: Uint8Array): Promise<TreeNode | null> {
    return await (await this.#top()).child(name);
  }

  /** Tried again at the next look when it fails. Its lease ends with the process: a mount lasts as long. */
  async #top(): Promise<CatalogNode> {
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }

  async #open(): Promise<CatalogNode> {
    return new CatalogNode(new OpenSafeset(await this.#reader.open(this.#safeset.digest), this.#chunks), null);
  }
}
