/* The files port on a MemoryDisk (memory-disk.ts), step by step as node:fs would do it. */

import {
  concatBytes,
  type FileEntry,
  type Files,
  type FileStat,
  type OpenFile,
  type Overwritten,
  type SpaceInfo,
  StdError,
  type StdErrorCode,
  type WriteOptions,
} from '@twinvault/std';
import {
  type MemoryDirectory,
  type DiskState,
  type MemoryFile,
  type MemoryNode,
  newDirectory,
  type Steps,
} from './memory-nodes.ts';

/** Where a path points: the directory that holds the last name, and what the name stands for now. */
interface Place {
  readonly directory: MemoryDirectory;
  readonly name: string;
  readonly node: MemoryNode | null;
}

function namesOf(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}

function failure(code: StdErrorCode, path: string): StdError {
  return new StdError(code, { context: { localPath: path } });
}

type Run = <T>(operation: Steps<T>) => Promise<T>;

interface ReadAt {
  readonly node: MemoryFile;
  readonly path: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

function* readAt({ node, path, offsetBytes, lengthBytes }: ReadAt): Steps<Uint8Array> {
  yield 'read';
  if (offsetBytes + lengthBytes > node.current.length) throw failure('file-failed', path);
  return node.current.slice(offsetBytes, offsetBytes + lengthBytes);
}

/** The operations of the port, each cut at the points where a real one waits for the disk. */
class Operations {
  readonly #disk: DiskState;
  readonly #run: Run;

  constructor(disk: DiskState, run: Run) {
    this.#disk = disk;
    this.#run = run;
  }

  *stat(path: string): Steps<FileStat | null> {
    yield 'stat';
    const node = this.#nodeAt(path);
    if (node === null) return null;
    const sizeBytes = node.kind === 'file' ? node.current.length : 0;
    return { kind: node.kind, sizeBytes, modifiedMs: node.modifiedMs, mode: node.mode };
  }

  *list(path: string): Steps<FileEntry[]> {
    yield 'list';
    const node = this.#nodeAt(path);
    if (node?.kind !== 'directory') return [];
    return [...node.current].map(([name, { kind }]) => ({ name, kind }));
  }

  *makeDirectory(path: string, { mode = 0o700 }: WriteOptions = {}): Steps<void> {
    let directory = this.#disk.root;
    for (const name of namesOf(path)) {
      yield 'makeDirectory';
      const node = directory.current.get(name);
      if (node?.kind === 'file') throw failure('file-exists', path);
      if (node === undefined) {
        const made = newDirectory(mode, this.#disk.clock.nowMs());
        this.#disk.change({ directory, name, node: made });
        yield 'makeDirectory: sync';
        this.#disk.syncDirectory(directory);
        directory = made;
      } else directory = node;
    }
  }

  *read(path: string, maxBytes: number): Steps<Uint8Array | null> {
    yield 'read';
    const node = this.#nodeAt(path);
    if (node === null) return null;
    if (node.kind !== 'file') throw failure('file-failed', path);
    if (node.current.length > maxBytes) throw failure('file-too-large', path);
    return node.current.slice();
  }

  *open(path: string): Steps<OpenFile | null> {
    yield 'open';
    const node = this.#nodeAt(path);
    if (node === null) return null;
    if (node.kind !== 'file') throw failure('file-failed', path);
    return {
      sizeBytes: node.current.length,
      read: (offsetBytes, lengthBytes) => this.#run(readAt({ node, path, offsetBytes, lengthBytes })),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  *create(path: string, parts: readonly Uint8Array[], options: WriteOptions = {}): Steps<boolean> {
    const temporary = yield* this.#writeTemporary(path, parts, options);
    yield 'create: name';
    const { directory, name, node } = this.#placeOf(path);
    if (node !== null) {
      this.#disk.change({ directory: temporary.directory, name: temporary.name, node: null });
      yield 'create: sync directory';
      this.#disk.syncDirectory(directory);
      return false;
    }
    this.#disk.change({ directory, name, node: temporary.file });
    this.#disk.change({ directory: temporary.directory, name: temporary.name, node: null });
    yield 'create: sync directory';
    this.#disk.syncDirectory(directory);
    return true;
  }

  *replace(path: string, parts: readonly Uint8Array[], options: WriteOptions = {}): Steps<void> {
    const temporary = yield* this.#writeTemporary(path, parts, options);
    yield 'replace: name';
    const { directory, name, node } = this.#placeOf(path);
    const gone = { directory: temporary.directory, name: temporary.name, node: null };
    if (node?.kind === 'directory') {
      this.#disk.change(gone);
      throw failure('file-failed', path);
    }
    this.#disk.change({ directory, name, node: temporary.file }, gone);
    yield 'replace: sync directory';
    this.#disk.syncDirectory(directory);
  }

  *append(path: string, bytes: Uint8Array): Steps<void> {
    yield 'append';
    const { directory, name, node } = this.#placeOf(path);
    if (node?.kind === 'directory') throw failure('file-failed', path);
    this.#disk.reserve(bytes.length, path);
    const file = node ?? this.#newFile(0o600);
    if (node === null) this.#disk.change({ directory, name, node: file });
    file.current = concatBytes(file.current, bytes);
    file.modifiedMs = this.#disk.clock.nowMs();
    yield 'append: sync';
    file.durable = file.current;
    if (node !== null) return;
    yield 'append: sync directory';
    this.#disk.syncDirectory(directory);
  }

  *rename(from: string, to: string): Steps<boolean> {
    yield 'rename';
    const source = this.#placeOrNull(from);
    if (source === null || source.node === null) return false;
    const target = this.#placeOf(to);
    if (target.node === source.node) return true;
    if (`${to}/`.startsWith(`${from}/`)) throw failure('file-failed', to);
    if (target.node?.kind === 'directory') {
      if (source.node.kind === 'file') throw failure('file-failed', to);
      if (target.node.current.size > 0) throw failure('file-exists', to);
    }
    this.#disk.change(
      { directory: target.directory, name: target.name, node: source.node },
      { directory: source.directory, name: source.name, node: null },
    );
    yield 'rename: sync directory';
    this.#disk.syncDirectory(target.directory);
    return true;
  }

  *remove(path: string): Steps<boolean> {
    yield 'remove';
    const place = this.#placeOrNull(path);
    if (place === null || place.node === null) return false;
    if (place.node.kind === 'directory' && place.node.current.size > 0) throw failure('file-exists', path);
    this.#disk.change({ ...place, node: null });
    return true;
  }

  *removeTree(path: string): Steps<void> {
    yield 'removeTree';
    const place = this.#placeOrNull(path);
    if (place === null || place.node === null) return;
    if (place.node.kind === 'directory') {
      for (const name of place.node.current.keys()) yield* this.removeTree(`${path}/${name}`);
    }
    this.#disk.change({ ...place, node: null });
  }

  *overwrite(path: string, patterns: readonly Uint8Array[]): Steps<Overwritten | null> {
    yield 'overwrite';
    const node = this.#nodeAt(path);
    if (node === null) return null;
    if (node.kind !== 'file') throw failure('file-failed', path);
    for (const pattern of patterns) {
      yield 'overwrite: data';
      node.current = Uint8Array.from(node.current, (_, index) => pattern[index % pattern.length] ?? 0);
      yield 'overwrite: sync';
      node.durable = node.current;
    }
    return { sizeBytes: node.current.length, readBack: 'disk' };
  }

  *touch(path: string): Steps<boolean> {
    yield 'touch';
    const node = this.#nodeAt(path);
    if (node === null) return false;
    node.modifiedMs = this.#disk.clock.nowMs();
    return true;
  }

  *space(path: string): Steps<SpaceInfo> {
    yield 'space';
    if (this.#nodeAt(path) === null) throw failure('file-missing', path);
    return { freeBytes: this.#disk.freeBytes, totalBytes: this.#disk.totalBytes, type: this.#disk.type };
  }

  /** Data under a temporary name beside the path, synced. */
  *#writeTemporary(
    path: string,
    parts: readonly Uint8Array[],
    { mode = 0o600 }: WriteOptions,
  ): Steps<{ readonly directory: MemoryDirectory; readonly name: string; readonly file: MemoryFile }> {
    const bytes = concatBytes(...parts);
    yield 'write: temporary';
    const { directory } = this.#placeOf(path);
    const name = this.#disk.temporaryName();
    this.#disk.reserve(bytes.length, path);
    const file = this.#newFile(mode);
    this.#disk.change({ directory, name, node: file });
    yield 'write: data';
    file.current = bytes;
    yield 'write: sync';
    file.durable = bytes;
    return { directory, name, file };
  }

  #newFile(mode: number): MemoryFile {
    const empty = new Uint8Array(0);
    return { kind: 'file', current: empty, durable: empty, modifiedMs: this.#disk.clock.nowMs(), mode };
  }

  /** Null when a directory on the way is missing. */
  #placeOrNull(path: string): Place | null {
    const names = namesOf(path);
    const name = names.pop() ?? '';
    let directory = this.#disk.root;
    for (const parent of names) {
      const node = directory.current.get(parent);
      if (node?.kind !== 'directory') return null;
      directory = node;
    }
    return { directory, name, node: name === '' ? directory : (directory.current.get(name) ?? null) };
  }

  #placeOf(path: string): Place {
    const place = this.#placeOrNull(path);
    if (place === null) throw failure('file-missing', path);
    return place;
  }

  #nodeAt(path: string): MemoryNode | null {
    return this.#placeOrNull(path)?.node ?? null;
  }
}

/** `run` drives an operation step by step; it decides about crashes. */
export function memoryFiles(disk: DiskState, run: Run): Files {
  const operations = new Operations(disk, run);
  return {
    stat: (...inputs) => run(operations.stat(...inputs)),
    list: (...inputs) => run(operations.list(...inputs)),
    makeDirectory: (...inputs) => run(operations.makeDirectory(...inputs)),
    read: (...inputs) => run(operations.read(...inputs)),
    open: (...inputs) => run(operations.open(...inputs)),
    create: (...inputs) => run(operations.create(...inputs)),
    replace: (...inputs) => run(operations.replace(...inputs)),
    append: (...inputs) => run(operations.append(...inputs)),
    rename: (...inputs) => run(operations.rename(...inputs)),
    remove: (...inputs) => run(operations.remove(...inputs)),
    removeTree: (...inputs) => run(operations.removeTree(...inputs)),
    overwrite: (...inputs) => run(operations.overwrite(...inputs)),
    touch: (...inputs) => run(operations.touch(...inputs)),
    space: (...inputs) => run(operations.space(...inputs)),
  };
}
