/*
 * A source of files in memory: a tree that tests build and edit, with faults for single paths. Paths are text with "/", bytes in
 * them that are not UTF-8 are U+DC80 to U+DCFF;
 * every edit gets a later time and every entry an inode number of its own, as on a real file system.
 *
 * Workers import the reader by the address of this module; since memory threads run in the same thread, the reader finds
 * its tree by number in a registry.
 */
import { isDeepStrictEqual } from 'node:util';
import { assert, compareBytes, concatBytes, utf8Decode, utf8Encode } from '@twinvault/std';
import { entryTypes, packEntries } from '@twinvault/engine';
import type {
  AclPart,
  DataRange,
  EntryDetails,
  EntryErrorCode,
  EntryStat,
  EntryType,
  FileSource,
  OpenedEntry,
  ScanEvent,
  ScannedEntries,
  ScannedEntry,
  SourceReader,
  Xattr,
} from '@twinvault/engine';
import { TreeRegistry } from './tree-registry.ts';

/** Numbers of the file system that all memory trees pretend to be. */
const deviceNumber = 77;
const blockBytes = 512;
const pageBytes = 4096;
const batchEvents = 16;

export interface MemoryNode {
  type: EntryType;
  /** Of files. */
  content: Uint8Array;
  /** Offsets where the file has data; null: all of it. The bytes between are zero. */
  data: readonly DataRange[] | null;
  target: Uint8Array | null;
  mode: number;
  uid: number;
  gid: number;
  user: string | null;
  group: string | null;
  xattrs: readonly Xattr[];
  acls: readonly AclPart[];
  /** Of device nodes. */
  device: { readonly major: number; readonly minor: number };
  mtimeMs: number;
  ctimeMs: number;
  inode: number;
  links: number;
}

export interface MemoryFault {
  /** Where the fault strikes: the status while scanning, the listing of a directory, opening, or reading. */
  readonly at: 'stat' | 'list' | 'open' | 'read';
  readonly code: EntryErrorCode;
}

export class MemoryFaultError extends Error {
  readonly code: EntryErrorCode;
  readonly detail = 'memory source';

  constructor(code: EntryErrorCode) {
    super(code);
    this.code = code;
  }
}

const registry: TreeRegistry<MemoryTree> = new TreeRegistry();

/** A tree below one root, "root". Times advance by a second with each edit. */
export class MemoryTree {
  readonly number: number;
  readonly nodes: Map<string, MemoryNode> = new Map();
  readonly faults: Map<string, MemoryFault> = new Map();
  /** Called when the content of a file is about to be read, once per opening: the place for a file that changes meanwhile. */
  readonly whileRead: Map<string, () => void> = new Map();
  nowMs: number;
  /** Paths that were opened for reading since this was emptied. */
  opened: string[] = [];
  private inodes = 1000;

  constructor(startMs = 1_600_000_000_000) {
    this.number = registry.add(this);
    this.nowMs = startMs;
    this.directory('root');
  }

  private tick(): number {
    this.nowMs += 1000;
    return this.nowMs;
  }

  private add(path: string, fields: Partial<MemoryNode> & { readonly type: EntryType }): MemoryNode {
    const timeMs = this.tick();
    this.inodes += 1;
    const node: MemoryNode = {
      content: new Uint8Array(0),
      data: null,
      target: null,
      mode: 0o644,
      uid: 1000,
      gid: 1000,
      user: 'someone',
      group: 'people',
      xattrs: [],
      acls: [],
      device: { major: 0, minor: 0 },
      mtimeMs: timeMs,
      ctimeMs: timeMs,
      inode: this.inodes,
      links: 1,
      ...fields,
    };
    this.nodes.set(path, node);
    const parent = this.nodes.get(parentOf(path));
    if (parent !== undefined) parent.mtimeMs = parent.ctimeMs = timeMs;
    return node;
  }

  directory(path: string): void {
    if (!this.nodes.has(path)) this.add(path, { type: entryTypes.directory, mode: 0o755 });
  }

  /** A new file, or new content of one that is there. */
  file(path: string, content: Uint8Array | string, fields: Partial<MemoryNode> = {}): void {
    const bytes = typeof content === 'string' ? utf8Encode(content) : content;
    const node = this.nodes.get(path);
    if (node === undefined || node.type !== entryTypes.file) {
      this.add(path, { type: entryTypes.file, content: bytes, ...fields });
      return;
    }
    const timeMs = this.tick();
    Object.assign(node, { content: bytes, data: null, mtimeMs: timeMs, ctimeMs: timeMs, ...fields });
  }

  link(path: string, target: string): void {
    this.add(path, { type: entryTypes.link, target: utf8Encode(target), mode: 0o777 });
  }

  /** A FIFO, socket or device node. */
  special(path: string, type: EntryType, fields: Partial<MemoryNode> = {}): void {
    this.add(path, { type, ...fields });
  }

  hardLink(path: string, existing: string): void {
    const node = this.nodes.get(existing);
    assert(node !== undefined, 'the linked file is there');
    node.links += 1;
    node.ctimeMs = this.tick();
    this.nodes.set(path, node);
  }

  touch(path: string): void {
    const node = this.nodes.get(path);
    assert(node !== undefined, 'the touched entry is there');
    node.mtimeMs = node.ctimeMs = this.tick();
  }

  chmod(path: string, mode: number): void {
    const node = this.nodes.get(path);
    assert(node !== undefined, 'the entry is there');
    node.mode = mode;
    node.ctimeMs = this.tick();
  }

  /** With all below it. Inode and mtime stay, as a rename leaves them. */
  rename(from: string, to: string): void {
    const moved = [...this.nodes].filter(([path]) => path === from || path.startsWith(`${from}/`));
    for (const [path, node] of moved) {
      this.nodes.delete(path);
      this.nodes.set(to + path.slice(from.length), node);
    }
    const top = this.nodes.get(to);
    if (top !== undefined) top.ctimeMs = this.tick();
  }

  remove(path: string): void {
    for (const other of this.nodes.keys()) {
      if (other !== path && !other.startsWith(`${path}/`)) continue;
      const node = this.nodes.get(other);
      if (node !== undefined) node.links -= 1;
      this.nodes.delete(other);
    }
  }

  stat(path: string): EntryStat | null {
    const node = this.nodes.get(path);
    return node === undefined ? null : statOf(node);
  }

  /** As it is now, for a comparison later; names of one inode share their node in the copy too. */
  copy(): MemoryTree {
    const copy = new MemoryTree(this.nowMs);
    copy.nodes.clear();
    const copied = new Map<MemoryNode, MemoryNode>();
    for (const [path, node] of this.nodes) {
      const twin = copied.get(node) ?? { ...node };
      copied.set(node, twin);
      copy.nodes.set(path, twin);
    }
    return copy;
  }

  /** Paths of entries in key order. */
  paths(): string[] {
    return [...this.nodes.keys()].sort((a, b) => comparePaths(a, b));
  }
}

function statOf(node: MemoryNode): EntryStat {
  const dataBytes = node.data?.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) ?? node.content.length;
  return {
    type: node.type,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    sizeBytes: node.type === entryTypes.file ? node.content.length : (node.target?.length ?? 0),
    blocks: Math.ceil(dataBytes / pageBytes) * (pageBytes / blockBytes),
    mtimeSeconds: Math.floor(node.mtimeMs / 1000),
    mtimeNanos: nanosOf(node.mtimeMs),
    ctimeSeconds: Math.floor(node.ctimeMs / 1000),
    ctimeNanos: nanosOf(node.ctimeMs),
    device: deviceNumber,
    inode: node.inode,
    linkCount: node.links,
    deviceMajor: node.device.major,
    deviceMinor: node.device.minor,
  };
}

/** Of the second that has begun, also before 1970. */
function nanosOf(timeMs: number): number {
  return (timeMs - Math.floor(timeMs / 1000) * 1000) * 1_000_000;
}

export function memorySource(tree: MemoryTree): FileSource {
  return {
    roots: [utf8Encode('root')],
    reader: { module: import.meta.url, config: { tree: tree.number } },
    granularityNanos: 1,
    scan: (signal) => scan(tree, signal),
  };
}

async function* scan(tree: MemoryTree, signal: AbortSignal): AsyncIterable<readonly ScanEvent[]> {
  let entries: ScannedEntry[] = [];
  for (const found of findings(tree)) {
    signal.throwIfAborted();
    const isEntry = 'stat' in found;
    if (isEntry) entries.push(found);
    if (isEntry && entries.length < batchEvents) continue;
    yield isEntry ? [packEntries(entries)] : [packEntries(entries), found];
    entries = [];
    await Promise.resolve();
  }
  yield [packEntries(entries)];
}

function* findings(tree: MemoryTree): Iterable<ScannedEntry | Exclude<ScanEvent, ScannedEntries>> {
  const unlisted: string[] = [];
  for (const path of tree.paths()) {
    if (unlisted.some((directory) => path.startsWith(`${directory}/`))) continue;
    const node = tree.nodes.get(path);
    if (node === undefined) continue;
    const fault = tree.faults.get(path);
    const place = { directory: keyPath(parentOf(path)), name: pathBytes(nameOf(path)) };
    if (fault?.at === 'stat') {
      unlisted.push(path);
      yield { type: 'unstated', ...place, error: { path: keyPath(path), code: fault.code, detail: '' } };
      continue;
    }
    yield { ...place, stat: statOf(node) };
    if (fault?.at !== 'list') continue;
    unlisted.push(path);
    yield { type: 'unlisted', directory: keyPath(path), error: { path: keyPath(path), code: fault.code, detail: '' } };
  }
}

/** For workers: the reader of a tree in this process. */
export function openSourceReader(config: unknown): SourceReader {
  const tree = registry.get(config);
  return {
    open: (directory, name) => openEntry(tree, textPath(directory, name)),
    readAsScanned: (file, into) => readAsScanned(tree, file, into),
    close: () => undefined,
  };
}

/** Leaves what goes wrong, or changes meanwhile, to `openEntry`. */
function readAsScanned(tree: MemoryTree, { directory, name, stat }: ScannedEntry, into: Uint8Array): EntryDetails | null {
  const path = textPath(directory, name);
  const node = tree.nodes.get(path);
  if (node === undefined || tree.faults.has(path) || tree.whileRead.has(path) || !isDeepStrictEqual(statOf(node), stat))
    return null;
  if (node.xattrs.length > 0 || node.acls.length > 0) return null;
  tree.opened.push(path);
  into.set(node.content);
  return detailsOf(node);
}

function openEntry(tree: MemoryTree, path: string): OpenedEntry {
  const fault = tree.faults.get(path);
  const node = tree.nodes.get(path);
  if (fault?.at === 'open') throw new MemoryFaultError(fault.code);
  if (node === undefined) throw new MemoryFaultError('entry-vanished');
  tree.opened.push(path);
  let announced = false;
  const stat = statOf(node);
  return {
    stat,
    details: () => ({ details: detailsOf(node), errors: [] }),
    dataRanges: () => node.data ?? [{ offsetBytes: 0, lengthBytes: node.content.length }],
    read(into, intoOffset, lengthBytes, fileOffsetBytes) {
      if (!announced) tree.whileRead.get(path)?.();
      announced = true;
      if (fault?.at === 'read') throw new MemoryFaultError(fault.code);
      const bytes = node.content.subarray(fileOffsetBytes, fileOffsetBytes + lengthBytes);
      into.set(bytes, intoOffset);
      return bytes.length;
    },
    statAgain: () => statOf(node),
    [Symbol.dispose]: () => undefined,
  };
}

function detailsOf({ user, group, target, xattrs, acls }: MemoryNode): EntryDetails {
  return { user, group, linkTarget: target, xattrs, acls };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function keyPath(path: string): Uint8Array {
  return pathBytes(path.replaceAll('/', '\0'));
}

function textPath(directory: Uint8Array, name: Uint8Array): string {
  const parent = textOf(directory).replaceAll('\0', '/');
  return parent === '' ? textOf(name) : `${parent}/${textOf(name)}`;
}

const escapeBase = 0xdc00;

/** UTF-8, but for U+DC80 to U+DCFF, which stand for one byte each (as in Python's surrogateescape). */
function pathBytes(text: string): Uint8Array {
  if (!/[\u{dc80}-\u{dcff}]/u.test(text)) return utf8Encode(text);
  const parts = Array.from(text, (letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? Uint8Array.of(code - escapeBase) : utf8Encode(letter);
  });
  return concatBytes(...parts);
}

/** The opposite; bytes that are not UTF-8 all become such letters, so that every name has one spelling in tests that use them. */
function textOf(bytes: Uint8Array): string {
  const text = utf8Decode(bytes);
  if (text !== null) return text;
  return Array.from(bytes, (byte) => String.fromCodePoint(byte < 0x80 ? byte : escapeBase + byte)).join('');
}

/** Directory paths first, then names (docs/format/catalog.md, "Keys"). */
function comparePaths(a: string, b: string): number {
  return compareBytes(keyPath(parentOf(a)), keyPath(parentOf(b))) || compareBytes(pathBytes(nameOf(a)), pathBytes(nameOf(b)));
}
