/*
 * What a catalog says about one file, directory, link or other thing: docs/format/catalog.md. Entries are plain data; absent
 * fields and null mean the same. Bytes that come out of a reader are views of a node's plaintext: copy what is kept long.
 */

import type { ChunkId } from '@twinvault/format';
import { equalBytes } from '@twinvault/std';

export const entryTypes = { file: 1, directory: 2, link: 3, fifo: 4, socket: 5, character: 6, block: 7 } as const;
export type EntryType = (typeof entryTypes)[keyof typeof entryTypes];

/** A piece of content: `lengthBytes` (above 0) bytes from `offsetBytes` of a chunk's plaintext, or a hole. */
export interface Extent {
  /** Null: a hole; then the offset is 0. */
  readonly chunk: ChunkId | null;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface Xattr {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

export interface AclPart {
  /** 'posix-access' | 'posix-default' | 'nfs4' | 'sddl' */
  readonly kind: string;
  readonly value: Uint8Array;
}

/** A named stream beside a file's content, as NTFS has them. `extents` is empty where `rope` is not null. */
export interface NamedStream {
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  readonly rope?: ChunkId | null;
}

/** Seconds since 1970, negative before, at most `timeSecondsMax` either way; nanoseconds 0 to 999,999,999. */
export interface Time {
  readonly seconds: number;
  readonly nanos: number;
}

/** Attributes of an entry, in the order in which they came: sorted by name only where the format says so (xattrs). */
export interface Attributes {
  readonly acls: readonly AclPart[];
  readonly streams: readonly NamedStream[];
  readonly xattrs: readonly Xattr[];
}

export interface CatalogEntry {
  /** Components joined by 0x00; empty for the root. */
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly type: EntryType;
  /** The lower 12 permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanos: number;
  /** Of files; of anything else it is not stored and reads as 0. */
  readonly sizeBytes: number;
  /** A file's content in order from 0 on. Empty where `rope` is not null. */
  readonly extents: readonly Extent[];
  /** Root node of the rope that holds a long list of extents: a reader's `extentsOf` resolves it. */
  readonly rope?: ChunkId | null;
  /** Owner names; null where the system knows none. */
  readonly user?: string | null;
  readonly group?: string | null;
  /** Target of a symbolic link. */
  readonly link?: Uint8Array | null;
  /** Of character and block devices. */
  readonly device?: { readonly major: number; readonly minor: number } | null;
  /** Entries with equal numbers are one inode. From 2^53 on the inode is decimal text. */
  readonly hardlink?: { readonly device: number; readonly inode: number | string } | null;
  readonly atime?: Time | null;
  readonly btime?: Time | null;
  readonly acls?: readonly AclPart[];
  readonly streams?: readonly NamedStream[];
  readonly xattrs?: readonly Xattr[];
  /** Nodes that hold acls, streams and xattrs where they are large; those three are empty then. See `attributesOf`. */
  readonly attributes?: readonly ChunkId[];
  /** Windows file attributes, u32. */
  readonly windows?: number | null;
  /** Sequence of the safeset from which the entry was taken over. */
  readonly carried?: number | null;
  /** The file changed while it was read. */
  readonly torn?: boolean;
  /** Content or details could not be read: extents may end before the size. */
  readonly unread?: boolean;
}

export function equalExtents(a: readonly Extent[], b: readonly Extent[]): boolean {
  return sameList(a, b, (x, y) => {
    if (x.offsetBytes !== y.offsetBytes || x.lengthBytes !== y.lengthBytes) return false;
    return sameBytes(x.chunk, y.chunk);
  });
}

/** Whether a catalog would hold the same for both. Out-of-line lists compare by the ids of their nodes. */
export function equalEntries(a: CatalogEntry, b: CatalogEntry): boolean {
  return (
    sameBytes(a.name, b.name) &&
    sameBytes(a.directory, b.directory) &&
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.mtimeNanos === b.mtimeNanos &&
    (a.type !== entryTypes.file || a.sizeBytes === b.sizeBytes) &&
    equalExtents(a.extents, b.extents) &&
    sameBytes(a.rope, b.rope) &&
    equalExtras(a, b)
  );
}

function equalExtras(a: CatalogEntry, b: CatalogEntry): boolean {
  return (
    (a.user ?? null) === (b.user ?? null) &&
    (a.group ?? null) === (b.group ?? null) &&
    sameBytes(a.link, b.link) &&
    a.device?.major === b.device?.major &&
    a.device?.minor === b.device?.minor &&
    a.hardlink?.device === b.hardlink?.device &&
    a.hardlink?.inode === b.hardlink?.inode &&
    sameTime(a.atime, b.atime) &&
    sameTime(a.btime, b.btime) &&
    (a.windows ?? null) === (b.windows ?? null) &&
    (a.carried ?? null) === (b.carried ?? null) &&
    (a.torn ?? false) === (b.torn ?? false) &&
    (a.unread ?? false) === (b.unread ?? false) &&
    sameList(a.attributes, b.attributes, equalBytes) &&
    equalAttributes(a, b)
  );
}

function equalAttributes(a: CatalogEntry, b: CatalogEntry): boolean {
  return (
    sameList(a.acls, b.acls, (x, y) => x.kind === y.kind && equalBytes(x.value, y.value)) &&
    sameList(a.xattrs, b.xattrs, (x, y) => equalBytes(x.name, y.name) && equalBytes(x.value, y.value)) &&
    sameList(a.streams, b.streams, equalStreams)
  );
}

function equalStreams(a: NamedStream, b: NamedStream): boolean {
  return (
    equalBytes(a.name, b.name) && a.sizeBytes === b.sizeBytes && equalExtents(a.extents, b.extents) && sameBytes(a.rope, b.rope)
  );
}

function sameBytes(a: Uint8Array | null | undefined, b: Uint8Array | null | undefined): boolean {
  const left = a ?? null;
  const right = b ?? null;
  return left === null || right === null ? left === right : equalBytes(left, right);
}

function sameTime(a: Time | null | undefined, b: Time | null | undefined): boolean {
  return a?.seconds === b?.seconds && a?.nanos === b?.nanos;
}

function sameList<T>(a: readonly T[] | undefined, b: readonly T[] | undefined, same: (x: T, y: T) => boolean): boolean {
  const left = a ?? [];
  const right = b ?? [];
  if (left.length !== right.length) return false;
  for (const [index, item] of left.entries()) {
    const other = right[index];
    if (other === undefined || !same(item, other)) return false;
  }
  return true;
}
