/*
 * The restore side on Linux: the module that the engine imports by its address.
 *
 * All names are reached step by step from the target's own descriptor, never through a link: whoever swaps a directory
 * for a link while a restore runs makes it fail there, and nothing else. New objects are made exclusively and get their
 * metadata through a descriptor, so that it cannot land on something else that took their name.
 */
import type {
  ConflictRule,
  EntryError,
  EntryMetadata,
  EntryStat,
  Placed,
  Target,
  TargetFile,
  TargetModule,
} from '@twinvault/engine';
import { SourcesError, TargetWriteError } from '../errors.ts';
import { componentsOf, isComponent, joinName, keyOf, parseAbsolutePath } from '../paths.ts';
import { AT_FDCWD, errnos, fileTypeBits, openFlags } from './constants.ts';
import { DirectoryCache } from './directory-cache.ts';
import { writeError } from './failures.ts';
import { errnoName } from './libc.ts';
import { defaultAclName, MetadataWriter } from './metadata.ts';
import { OwnerNames } from './owners.ts';
import { directoryInTheWay, place, renamed, renameExisting } from './placing.ts';
import { decodeStatus, entryTypes, newStatusBuffer, typeOf } from './status.ts';
import type { StatusBuffer } from './status.ts';
import { system } from './system.ts';
import type { System } from './system.ts';
import { newFileInPlace, newTargetFile, unfinishedFileMode, writeAt } from './target-file.ts';
import type { FileHome, Inherited } from './target-file.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_PATH } = openFlags;
const rootPath = new Uint8Array([0x2f]);
const openMode = 0o700;
/**
 * What directories have until they are finished: the sticky bit, which does nothing there and which nobody sets on such a
 * directory, says that a restore made it and was broken off. The next one then finishes it under every rule.
 */
const unfinishedMode = 0o1700;
/** New directories take it over from the one that they are made in. */
const setGroupId = 0o2000;
/** Directories of which it is remembered what they are. */
const factsMax = 4096;

/** Plain data: it is posted to workers. */
export interface LinuxTargetConfig {
  /** Components joined by 0x00. */
  readonly root: Uint8Array;
  /** `names`: by name where this machine knows it, else by number. `numbers`: by number. */
  readonly owners: 'names' | 'numbers';
}

/** The target below an absolute path, which is made if it is missing. Throws SourcesError `target-invalid`. */
export function linuxTarget(options: { readonly root: Uint8Array; readonly owners?: 'names' | 'numbers' }): TargetModule {
  const root = parseAbsolutePath(options.root);
  if (root === null) throw new SourcesError('target-invalid', { localPath: Buffer.from(options.root).toString() });
  const config: LinuxTargetConfig = { root, owners: options.owners ?? 'names' };
  return { module: new URL('target.ts', import.meta.url).href, config };
}

/** Throws SourcesError `target-invalid`, `target-denied`, `platform-unsupported`. */
export function openTarget(config: LinuxTargetConfig): Target {
  return openTargetOver(system(), config);
}

/** The same with other system calls, for tests of what the system may answer. */
export function openTargetOver(calls: System, config: LinuxTargetConfig): Target {
  return new LinuxTarget(calls, openRoot(calls, config.root), config);
}

/** Links on the way to the target's own directory are the caller's wish and are followed. */
function openRoot(calls: System, root: Uint8Array): number {
  let fd = calls.openAt(AT_FDCWD, rootPath, O_RDONLY | O_DIRECTORY);
  for (const name of componentsOf(root) ?? []) {
    let next = calls.openAt(fd, name, O_RDONLY | O_DIRECTORY);
    if (next === -errnos.ENOENT) {
      const made = calls.makeDirectory(fd, name, 0o777);
      next = made < 0 && made !== -errnos.EEXIST ? made : calls.openAt(fd, name, O_RDONLY | O_DIRECTORY);
    }
    if (fd >= 0) calls.close(fd);
    fd = next;
    if (fd < 0) break;
  }
  if (fd >= 0) return fd;
  const localPath = `/${Buffer.from(root).toString().replaceAll('\0', '/')}`;
  throw new SourcesError(fd === -errnos.ENOTDIR ? 'target-invalid' : 'target-denied', { errno: errnoName(-fd), localPath });
}

interface DirectoryFacts {
  /** A restore made it, this one or one that was broken off, and has not finished it: what lies in it is the restore's. */
  readonly isUnfinished: boolean;
  readonly hasDefaultAcl: boolean;
  /** Known once a file was made in it. */
  inherited: Inherited | null;
}

interface PlacedWithErrors {
  readonly placed: Placed;
  readonly errors: readonly EntryError[];
}

class LinuxTarget implements Target, FileHome {
  readonly system: System;
  readonly metadata: MetadataWriter;
  readonly #baseFd: number;
  readonly #directories: DirectoryCache;
  readonly #status: StatusBuffer = newStatusBuffer();
  readonly #facts = new Map<string, DirectoryFacts>();
  #lastFacts: { readonly directory: Uint8Array; readonly facts: DirectoryFacts } | null = null;
  /** Directories that were there before, under rules that change nothing that is there: their modes, which they keep. */
  readonly #kept = new Map<string, number>();

  constructor(calls: System, baseFd: number, { owners }: LinuxTargetConfig) {
    this.system = calls;
    this.metadata = new MetadataWriter(calls, new OwnerNames(), owners === 'names');
    this.#baseFd = baseFd;
    this.#directories = new DirectoryCache(calls, { baseFd, mayFollow: () => false });
  }

  directoryFd(directory: Uint8Array): number {
    const fd = this.#directories.open(directory);
    if (fd >= 0) return fd;
    if (componentsOf(directory) === null) throw invalidName();
    throw writeError('openat', fd);
  }

  #parentFd(directory: Uint8Array, name: Uint8Array): number {
    if (!isComponent(name)) throw invalidName();
    return this.directoryFd(directory);
  }

  makeDirectory(directory: Uint8Array, name: Uint8Array, rule: ConflictRule): Placed {
    const directoryFd = this.#parentFd(directory, name);
    for (let attempt = 0; ; attempt += 1) {
      const wanted = attempt === 0 ? name : renamed(name, attempt);
      const answer = this.system.makeDirectory(directoryFd, wanted, unfinishedMode);
      if (answer === 0) return { name: wanted };
      if (answer !== -errnos.EEXIST) throw writeError('mkdirat', answer);
      if (this.#adopt(directoryFd, { directory, name: wanted }, rule)) return { name: wanted };
      if (rule === 'skip') return { name: null };
      if (rule === 'rename-incoming') continue;
      attempt = -1;
      if (rule === 'rename-existing') {
        renameExisting(this.system, directoryFd, wanted);
        continue;
      }
      // A file, link or device is in the way, and the rule says that what is restored wins.
      const removed = this.system.unlink(directoryFd, wanted);
      if (removed < 0 && removed !== -errnos.ENOENT) throw writeError('unlinkat', removed);
    }
  }

  /** Whether what has the name is a directory, which then serves. */
  #adopt(directoryFd: number, { directory, name }: { directory: Uint8Array; name: Uint8Array }, rule: ConflictRule): boolean {
    if (this.system.statAt(directoryFd, name, this.#status) < 0) return false;
    if (typeOf(this.#status) !== entryTypes.directory) return false;
    const { mode } = decodeStatus(this.#status);
    if (rule !== 'overwrite' && (mode & ~setGroupId) !== unfinishedMode) this.#kept.set(keyOf(joinName(directory, name)), mode);
    if ((mode & openMode) !== openMode && this.system.effectiveUser() !== 0) this.#openUp(directoryFd, name, mode | openMode);
    return true;
  }

  /** Where it is somebody else's directory this fails, and so will what is to be written into it. */
  #openUp(directoryFd: number, name: Uint8Array, mode: number): void {
    const fd = this.system.openAt(directoryFd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) return;
    this.system.changeModeOfPath(fd, mode);
    this.system.close(fd);
  }

  writeInto(handle: number, bytes: Uint8Array, fileOffsetBytes: number): void {
    writeAt(this.system, { fd: handle, bytes, fileOffsetBytes });
  }

  // oxlint-disable-next-line max-params -- the port's signature
  createFile(directory: Uint8Array, name: Uint8Array, sizeBytes: number, rule: ConflictRule): TargetFile | null {
    const directoryFd = this.#parentFd(directory, name);
    if (this.#factsOf(directory).isUnfinished) {
      const file = this.#createInPlace(directory, name, sizeBytes);
      if (file !== null) return file;
    }
    // Known before anything is fetched and written; `finish` finds out for certain.
    if ((rule === 'skip' || rule === 'overwrite') && this.system.statAt(directoryFd, name, this.#status) === 0) {
      if (rule === 'skip') return null;
      if (typeOf(this.#status) === entryTypes.directory) throw directoryInTheWay();
    }
    return newTargetFile(this, { directory, name, rule }, sizeBytes);
  }

  /** Null: something has the name. What a restore that was broken off left of a file gives way. */
  #createInPlace(directory: Uint8Array, name: Uint8Array, sizeBytes: number): TargetFile | null {
    const made = newFileInPlace(this, { directory, name, rule: 'skip' }, sizeBytes);
    if (made !== null || !this.#isUnfinishedFile(directory, name)) return made;
    this.system.unlink(this.directoryFd(directory), name);
    return newFileInPlace(this, { directory, name, rule: 'skip' }, sizeBytes);
  }

  #isUnfinishedFile(directory: Uint8Array, name: Uint8Array): boolean {
    if (this.system.statAt(this.directoryFd(directory), name, this.#status) < 0) return false;
    if (typeOf(this.#status) !== entryTypes.file || decodeStatus(this.#status).mode !== unfinishedFileMode) return false;
    return this.#factsOf(directory).isUnfinished;
  }

  // oxlint-disable-next-line max-params -- the port's signature
  makeSpecial(directory: Uint8Array, name: Uint8Array, metadata: EntryMetadata, rule: ConflictRule): PlacedWithErrors {
    const directoryFd = this.#parentFd(directory, name);
    const { call, make } = this.#maker(directoryFd, metadata);
    const placed = place(this.system, { directoryFd, name, rule, call, make });
    if (placed === null) return { placed: { name: null }, errors: [] };
    const fd = this.system.openAt(directoryFd, placed, O_PATH | O_NOFOLLOW);
    if (fd < 0) throw writeError('openat', fd);
    try {
      const path = joinName(directory, placed);
      return {
        placed: { name: placed },
        errors: this.#applyTo({ fd, isPath: true, path, metadata, mayHaveAcls: metadata.type !== entryTypes.link }),
      };
    } finally {
      this.system.close(fd);
    }
  }

  #maker(directoryFd: number, metadata: EntryMetadata): { call: string; make: (name: Uint8Array) => number } {
    const { linkTarget } = metadata.details;
    if (metadata.type === entryTypes.link) {
      if (linkTarget === null || linkTarget.length === 0 || linkTarget.includes(0)) {
        throw new TargetWriteError('entry-not-restored', { call: 'link without a target', errno: '' });
      }
      return { call: 'symlinkat', make: (name) => this.system.makeLink({ directoryFd, name }, linkTarget) };
    }
    const bits = specialBits.get(metadata.type);
    if (bits === undefined) throw new TargetWriteError('entry-not-restored', { call: 'not a special file', errno: '' });
    const device = { major: metadata.deviceMajor, minor: metadata.deviceMinor };
    return { call: 'mknodat', make: (name) => this.system.makeNode({ directoryFd, name }, bits | 0o600, device) };
  }

  /** As `apply` of the writer, for an entry whose owner is to be asked for, and whose type must be as made. */
  #applyTo(options: {
    fd: number;
    isPath: boolean;
    path: Uint8Array;
    metadata: EntryMetadata;
    mayHaveAcls: boolean;
  }): EntryError[] {
    const answer = this.system.statFd(options.fd, this.#status);
    if (answer < 0) throw writeError('statx', answer);
    if (typeOf(this.#status) !== options.metadata.type) {
      throw new TargetWriteError('entry-not-restored', { call: 'replaced by something else', errno: '' });
    }
    const { uid, gid } = decodeStatus(this.#status);
    return this.metadata.apply({ ...options, owner: { uid, gid } });
  }

  // oxlint-disable-next-line max-params -- the port's signature
  makeHardLink(directory: Uint8Array, name: Uint8Array, toDirectory: Uint8Array, toName: Uint8Array, rule: ConflictRule): Placed {
    if (!isComponent(name)) throw invalidName();
    const fd = this.system.openAt(this.#parentFd(toDirectory, toName), toName, O_PATH | O_NOFOLLOW);
    if (fd < 0) throw writeError('openat', fd);
    try {
      const directoryFd = this.#parentFd(directory, name);
      const make = (to: Uint8Array): number => this.system.hardLinkFd(fd, { directoryFd, name: to });
      return { name: place(this.system, { directoryFd, name, rule, call: 'linkat', make }) };
    } finally {
      this.system.close(fd);
    }
  }

  finishDirectory(directory: Uint8Array, name: Uint8Array, metadata: EntryMetadata): readonly EntryError[] {
    if (!isComponent(name)) throw invalidName();
    const path = joinName(directory, name);
    const fd = this.directoryFd(path);
    const keptMode = this.#kept.get(keyOf(path));
    try {
      if (keptMode === undefined) return this.#applyTo({ fd, isPath: false, path, metadata, mayHaveAcls: true });
      if ((keptMode & openMode) !== openMode) this.system.changeMode(fd, keptMode);
      return [];
    } finally {
      this.#directories.forget(path);
      this.#facts.delete(keyOf(path));
      this.#lastFacts = null;
    }
  }

  inherited(directory: Uint8Array, fd: number): Inherited {
    const facts = this.#factsOf(directory);
    if (facts.inherited !== null) return facts.inherited;
    const answer = this.system.statFd(fd, this.#status);
    if (answer < 0) throw writeError('statx', answer);
    const { uid, gid } = decodeStatus(this.#status);
    facts.inherited = { uid, gid, hasDefaultAcl: facts.hasDefaultAcl };
    return facts.inherited;
  }

  #factsOf(directory: Uint8Array): DirectoryFacts {
    // Files come directory by directory, each directory as one object.
    if (this.#lastFacts?.directory === directory) return this.#lastFacts.facts;
    const key = keyOf(directory);
    let facts = this.#facts.get(key);
    if (facts === undefined) {
      facts = this.#askFacts(directory);
      if (this.#facts.size >= factsMax) this.#facts.clear();
      this.#facts.set(key, facts);
    }
    this.#lastFacts = { directory, facts };
    return facts;
  }

  #askFacts(directory: Uint8Array): DirectoryFacts {
    const fd = this.directoryFd(directory);
    const answer = this.system.statFd(fd, this.#status);
    if (answer < 0) throw writeError('statx', answer);
    const { mode, uid } = decodeStatus(this.#status);
    const hasDefaultAcl = this.system.getXattr(fd, defaultAclName, new Uint8Array(0)) >= 0;
    const isUnfinished = (mode & ~setGroupId) === unfinishedMode && uid === this.system.effectiveUser() && !hasDefaultAcl;
    return { isUnfinished, hasDefaultAcl, inherited: null };
  }

  freeBytes(): number {
    return this.system.fileSystem(this.#baseFd)?.freeBytes ?? Number.MAX_SAFE_INTEGER;
  }

  stat(directory: Uint8Array, name: Uint8Array): EntryStat | null {
    const answer = this.system.statAt(this.#parentFd(directory, name), name, this.#status);
    if (answer === -errnos.ENOENT || answer === -errnos.ENOTDIR) return null;
    if (answer < 0) throw writeError('statx', answer);
    if (typeOf(this.#status) === 0) return null;
    const stat = decodeStatus(this.#status);
    return stat.mode === unfinishedFileMode && this.#isUnfinishedFile(directory, name) ? null : stat;
  }

  otherName(name: Uint8Array, attempt: number): Uint8Array {
    return renamed(name, attempt);
  }

  close(): void {
    this.#directories.close();
  }
}

const specialBits: ReadonlyMap<number, number> = new Map([
  [entryTypes.fifo, fileTypeBits.fifo],
  [entryTypes.socket, fileTypeBits.socket],
  [entryTypes.character, fileTypeBits.character],
  [entryTypes.block, fileTypeBits.block],
]);

function invalidName(): TargetWriteError {
  return new TargetWriteError('entry-name-invalid', { call: 'component refused', errno: '' });
}
