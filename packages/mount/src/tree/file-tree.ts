/*
 * What a mount shows: nodes that know what they are, found from the root by their names. Nothing of it ever changes while it is mounted.
 */

export const nodeTypes = { file: 1, directory: 2, link: 3, fifo: 4, socket: 5, character: 6, block: 7 } as const;
export type NodeType = (typeof nodeTypes)[keyof typeof nodeTypes];

export interface NodeStat {
  /** The same for all names of one file, and for the same file at every look. */
  readonly inode: bigint;
  readonly type: NodeType;
  /** The lower 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Of 512 bytes, without holes. */
  readonly blocks: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  readonly linkCount: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** One file, folder or other thing. Methods that do not fit its type are not called. */
export interface TreeNode {
  readonly type: NodeType;
  stat(): Promise<NodeStat>;
  /** Entries by name; each call gives the same nodes or equal ones. */
  children(): Promise<ReadonlyMap<string, TreeChild>>;
  /** One of them; null when there is none. */
  child(name: Uint8Array): Promise<TreeNode | null>;
  readLink(): Uint8Array;
  /** As many bytes as there are up to the end of the file. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
  /** The next byte of data or hole from `offsetBytes` on; null behind the last data. */
  seek(offsetBytes: number, what: 'data' | 'hole'): Promise<number | null>;
  xattrs(): Promise<readonly NodeXattr[]>;
}

export interface TreeChild {
  readonly name: Uint8Array;
  readonly node: TreeNode;
}

export interface NodeXattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

export interface FileTree {
  readonly root: TreeNode;
  /** For statfs. */
  readonly files: number;
}

/** One character for each byte: names are bytes. */
export function nameKey(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
