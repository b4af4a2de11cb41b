/*
 * A target of restores in memory: what stands there is a tree that tests prepare and look at, with faults for single paths. Paths are text
 * with "/" below the target.
 *
 * Threads import the target by the address of this module; since memory threads run in the same thread, each finds its tree by number in a
 * registry. Everything that a target must be asked in order (a directory before what lies in it, its metadata after that) is asserted.
 */
import { assert, CodedError, equalBytes, utf8Encode } from '@twinvault/std';
import { entryTypes } from '@twinvault/engine';
import type {
  ConflictRule,
  DataRange,
  EntryError,
  EntryMetadata,
  EntryStat,
  EntryType,
  Placed,
  Target,
  TargetFile,
  TargetModule,
} from '@twinvault/engine';
import { TreeRegistry } from './tree-registry.ts';

export interface MemoryTargetNode {
  readonly type: EntryType;
  content: Uint8Array;
  /** Ranges that were written, in order, joined where they touch: the rest of a file is holes. */
  data: DataRange[];
  /** Null until it is set. */
  metadata: EntryMetadata | null;
  /** It was there before the restore. */
  readonly isOlder: boolean;
  /** When its status changed: `nowMs` of the tree. */
  readonly changedMs: number;
  readonly inode: number;
}

/** `denied`: no right to make it. `unfinished`: its metadata cannot be set. `bug`: the target throws what is no error of the world. */
export type MemoryTargetFault = 'denied' | 'unfinished' | 'bug';

const errorCodes = {
  'entry-denied': { retry: 'never', meaning: 'no right' },
  'entry-name-invalid': { retry: 'never', meaning: 'a name is refused' },
  'entry-not-restored': { retry: 'never', meaning: 'something is in the way, or missing' },
  'target-full': { retry: 'later', meaning: 'no space' },
} as const;

export class MemoryTargetError extends CodedError<keyof typeof errorCodes> {
  override name = 'MemoryTargetError';

  constructor(code: keyof typeof errorCodes) {
    super(errorCodes, code);
  }
}

const registry: TreeRegistry<MemoryTargetTree> = new TreeRegistry();

export class MemoryTargetTree {
  readonly number: number;
  readonly nodes: Map<string, MemoryTargetNode> = new Map();
  readonly faults: Map<string, MemoryTargetFault> = new Map();
  /** Bytes of content that may still be written. */
  freeBytes: number = Number.MAX_SAFE_INTEGER;
  /** Called before a file is made. */
  beforeFile: (path: string) => void = () => undefined;
  /** Files that were begun and neither finished nor given up. */
  readonly begun: Set<string> = new Set();
  /** The same files, for `writeInto`. */
  readonly handles: Map<number, TargetFile> = new Map();
  readonly finishedDirectories: Set<string> = new Set();
  /** What is made changes at this time. */
  nowMs = 0;
  #nodesMade = 0;
  /** Targets that were opened and not closed. */
  openTargets = 0;

  constructor() {
    this.number = registry.add(this);
  }

  get module(): TargetModule {
    return { module: import.meta.url, config: { tree: this.number } };
  }

  /** Stood there before the restore. */
  older(path: string, content: string | null): void {
    const type = content === null ? entryTypes.directory : entryTypes.file;
    this.nodes.set(path, { ...this.newNode(type), content: utf8Encode(content ?? ''), isOlder: true });
  }

  newNode(type: EntryType): MemoryTargetNode {
    this.#nodesMade += 1;
    const [changedMs, inode] = [this.nowMs, this.#nodesMade];
    return { type, content: new Uint8Array(0), data: [], metadata: null, isOlder: false, changedMs, inode };
  }

  paths(): string[] {
    return [...this.nodes.keys()].sort();
  }
}

export function openTarget(config: unknown): Target {
  return new MemoryTarget(registry.get(config));
}

class MemoryTarget implements Target {
  readonly #tree: MemoryTargetTree;

  constructor(tree: MemoryTargetTree) {
    this.#tree = tree;
    tree.openTargets += 1;
  }

  makeDirectory(directory: Uint8Array, name: Uint8Array, rule: ConflictRule): Placed {
    const path = this.#newPath(directory, name);
    const there = this.#tree.nodes.get(path);
    if (there?.type === entryTypes.directory) return { name };
    if (there !== undefined && rule === 'overwrite') this.#tree.nodes.delete(path);
    return { name: this.#give(directory, name, { rule, node: this.#tree.newNode(entryTypes.directory) }) };
  }

  writeInto(handle: number, bytes: Uint8Array, fileOffsetBytes: number): void {
    const file = this.#tree.handles.get(handle);
    assert(file !== undefined, 'the file is neither finished nor abandoned');
    file.write(bytes, fileOffsetBytes);
  }

  // oxlint-disable-next-line max-params -- the port's signature
  createFile(directory: Uint8Array, name: Uint8Array, sizeBytes: number, rule: ConflictRule): TargetFile | null {
    const path = this.#newPath(directory, name);
    this.#tree.beforeFile(path);
    const there = this.#tree.nodes.get(path);
    if (there !== undefined && rule === 'skip') return null;
    if (there?.type === entryTypes.directory && rule === 'overwrite') throw new MemoryTargetError('entry-not-restored');
    return new MemoryTargetFile(this.#tree, { path, sizeBytes }, (node) => this.#give(directory, name, { rule, node }));
  }

  // oxlint-disable-next-line max-params -- the port's signature
  makeSpecial(
    directory: Uint8Array,
    name: Uint8Array,
    metadata: EntryMetadata,
    rule: ConflictRule,
  ): { placed: Placed; errors: readonly EntryError[] } {
    const path = this.#newPath(directory, name);
    const given = this.#give(directory, name, { rule, node: { ...this.#tree.newNode(metadata.type), metadata } });
    return { placed: { name: given }, errors: errorsOf(this.#tree, path) };
  }

  // oxlint-disable-next-line max-params -- the port's signature
  makeHardLink(directory: Uint8Array, name: Uint8Array, toDirectory: Uint8Array, toName: Uint8Array, rule: ConflictRule): Placed {
    this.#newPath(directory, name);
    const node = this.#tree.nodes.get(textPath(toDirectory, toName));
    assert(node !== undefined && !node.isOlder, 'links lead to what this restore placed');
    return { name: this.#give(directory, name, { rule, node }) };
  }

  finishDirectory(directory: Uint8Array, name: Uint8Array, metadata: EntryMetadata): readonly EntryError[] {
    const path = textPath(directory, name);
    const node = this.#tree.nodes.get(path);
    assert(node?.type === entryTypes.directory, 'the directory is there');
    assert(!this.#tree.finishedDirectories.has(path), 'a directory is finished once');
    for (const other of this.#tree.begun) assert(!other.startsWith(`${path}/`), 'all below is finished');
    this.#tree.finishedDirectories.add(path);
    node.metadata = metadata;
    return errorsOf(this.#tree, path);
  }

  freeBytes(): number {
    return this.#tree.freeBytes;
  }

  stat(directory: Uint8Array, name: Uint8Array): EntryStat | null {
    const node = this.#tree.nodes.get(textPath(directory, name));
    return node === undefined ? null : statOf(node);
  }

  otherName(name: Uint8Array, attempt: number): Uint8Array {
    return utf8Encode(`${new TextDecoder().decode(name)} (restored ${attempt})`);
  }

  close(): void {
    this.#tree.openTargets -= 1;
  }

  /** With all that lies below. */
  #moveAside(path: string): void {
    const { nodes } = this.#tree;
    let attempt = 1;
    while (nodes.has(`${path} (before restore ${attempt})`)) attempt += 1;
    for (const [at, node] of nodes) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      nodes.delete(at);
      nodes.set(`${path} (before restore ${attempt})${at.slice(path.length)}`, node);
    }
  }

  #newPath(directory: Uint8Array, name: Uint8Array): string {
    const path = textPath(directory, name);
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const fault = this.#tree.faults.get(path);
    if (fault === 'denied') throw new MemoryTargetError('entry-denied');
    if (fault === 'bug') throw new TypeError('a bug of the target');
    if (name.length === 0 || name.includes(0) || name.includes(0x2f)) throw new MemoryTargetError('entry-name-invalid');
    const node = this.#tree.nodes.get(parent);
    if (parent !== '' && node?.type !== entryTypes.directory) throw new MemoryTargetError('entry-not-restored');
    assert(!this.#tree.finishedDirectories.has(parent), 'nothing is made in a directory that is finished');
    return path;
  }

  #give(
    directory: Uint8Array,
    name: Uint8Array,
    { rule, node }: { readonly rule: ConflictRule; readonly node: MemoryTargetNode },
  ): Uint8Array | null {
    const { nodes } = this.#tree;
    for (let attempt = 0; ; attempt += 1) {
      const wanted = attempt === 0 ? name : this.otherName(name, attempt);
      const path = textPath(directory, wanted);
      const there = nodes.get(path);
      if (there === undefined || (rule === 'overwrite' && there.type !== entryTypes.directory)) {
        nodes.set(path, node);
        return wanted;
      }
      if (rule === 'skip') return null;
      if (rule === 'rename-existing') {
        this.#moveAside(path);
        attempt = -1;
        continue;
      }
      if (rule === 'overwrite') throw new MemoryTargetError('entry-not-restored');
    }
  }
}

class MemoryTargetFile implements TargetFile {
  readonly #tree: MemoryTargetTree;
  readonly #path: string;
  readonly #give: (node: MemoryTargetNode) => Uint8Array | null;
  readonly #node: MemoryTargetNode;
  #name: Uint8Array | null = null;
  readonly handle: number;

  constructor(
    tree: MemoryTargetTree,
    { path, sizeBytes }: { readonly path: string; readonly sizeBytes: number },
    give: (node: MemoryTargetNode) => Uint8Array | null,
  ) {
    assert(!tree.begun.has(path), 'a file is begun once');
    tree.begun.add(path);
    this.#tree = tree;
    this.#path = path;
    this.#give = give;
    this.#node = tree.newNode(entryTypes.file);
    this.#node.content = new Uint8Array(sizeBytes);
    this.handle = this.#node.inode;
    tree.handles.set(this.handle, this);
  }

  get placed(): Placed {
    return { name: this.#name };
  }

  write(bytes: Uint8Array, fileOffsetBytes: number): void {
    assert(this.#tree.begun.has(this.#path), 'a file is written while it is open');
    assert(fileOffsetBytes + bytes.length <= this.#node.content.length, 'nothing is written behind the end');
    if (bytes.length > this.#tree.freeBytes) throw new MemoryTargetError('target-full');
    this.#tree.freeBytes -= bytes.length;
    this.#node.content.set(bytes, fileOffsetBytes);
    const last = this.#node.data.at(-1);
    if (last !== undefined && last.offsetBytes + last.lengthBytes === fileOffsetBytes) {
      this.#node.data[this.#node.data.length - 1] = { ...last, lengthBytes: last.lengthBytes + bytes.length };
    } else this.#node.data.push({ offsetBytes: fileOffsetBytes, lengthBytes: bytes.length });
  }

  finish(metadata: EntryMetadata): readonly EntryError[] {
    assert(this.#tree.begun.delete(this.#path), 'a file is finished once');
    this.#tree.handles.delete(this.handle);
    this.#node.metadata = metadata;
    this.#name = this.#give(this.#node);
    return errorsOf(this.#tree, this.#path);
  }

  abandon(): void {
    this.#tree.handles.delete(this.handle);
    this.#tree.begun.delete(this.#path);
  }
}

function errorsOf(tree: MemoryTargetTree, path: string): EntryError[] {
  if (tree.faults.get(path) !== 'unfinished') return [];
  return [{ path: utf8Encode(path.replaceAll('/', '\0')), code: 'metadata-not-restored', detail: 'memory target' }];
}

function statOf({ type, content, metadata, changedMs, inode }: MemoryTargetNode): EntryStat {
  return {
    type,
    mode: metadata?.mode ?? 0o700,
    uid: metadata?.uid ?? 0,
    gid: metadata?.gid ?? 0,
    sizeBytes: content.length,
    blocks: 0,
    mtimeSeconds: metadata?.mtimeSeconds ?? 0,
    mtimeNanos: metadata?.mtimeNanos ?? 0,
    ctimeSeconds: Math.floor(changedMs / 1000),
    ctimeNanos: (changedMs % 1000) * 1e6,
    device: 1,
    inode,
    linkCount: 1,
    deviceMajor: 0,
    deviceMinor: 0,
  };
}

function textPath(directory: Uint8Array, name: Uint8Array): string {
  const text = (bytes: Uint8Array): string => {
    const decoded = new TextDecoder().decode(bytes).replaceAll('\0', '/');
    assert(equalBytes(utf8Encode(decoded.replaceAll('/', '\0')), bytes), 'names in memory are text');
    return decoded;
  };
  return directory.length === 0 ? text(name) : `${text(directory)}/${text(name)}`;
}
