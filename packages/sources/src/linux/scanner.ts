/*
 * The walk over the protected roots, in the order of catalog keys: a directory is listed whole, sorted bytewise, then its
 * directories are gone through in that order.
 *
 * Nothing below a root is followed. Paths may be of any length: each directory is opened from its parent's descriptor.
 * The walk can stop between two directories and go on in another thread: what is left then is a way from the top with the directories that
 * wait on each step of it (`rest`).
 *
 * Of the directories on the way down only the deepest `openFramesMax` keep theirs; one that is needed again is opened
 * anew from the nearest, and must still be the same directory (device and inode), or what lies below counts as unlisted.
 */
import type { EntryError, EntryErrorCode, ScanEvent, ScanRules } from '@twinvault/engine';
import { utf8Encode } from '@twinvault/std';
import { compareNames, joinName, keyOf, pathBytesMax } from '../paths.ts';
import { parseExcludes } from '../rules/gitignore.ts';
import type { ExcludeRules } from '../rules/gitignore.ts';
import { AT_FDCWD, errnos, openFlags } from './constants.ts';
import { failureDetail, readError, readFailureCode } from './failures.ts';
import { isLeftOut } from './file-systems.ts';
import { EntryPacker } from './entry-packer.ts';
import { DirectoryLister, listedKinds, Listing } from './listing.ts';
import type { RootNode } from './roots.ts';
import { deviceOf, entryTypes, inodeOf, newStatusBuffer, typeOf } from './status.ts';
import type { System } from './system.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NOATIME, O_NONBLOCK } = openFlags;
const openFramesMax = 64;
/** Entries in one batch, as a rule. */
const batchEntries = 1000;
/** Errors and lists between them in one batch. */
const batchEvents = 100;
const rootPath = new Uint8Array([0x2f]);
const nothing: Listing = new Listing(new Uint8Array(0), []);

const cacheTagName = utf8Encode('CACHEDIR.TAG');
/** The first bytes of a tag file, by the Cache Directory Tagging Specification (bford.info/cachedir). */
const cacheTagSignature = utf8Encode('Signature: 8a477f597d28d172789f06886806bc55');

/** A directory that waits to be gone through. */
export interface Waiting {
  readonly name: Uint8Array;
  /** Where it lies above the roots, or is one; null below. */
  readonly node: RootNode | null;
  readonly device: number;
  readonly inode: number | string;
}

/** A directory on the way from the top to where the walk is, all of its entries gone through: can be sent to a thread. */
export interface Step extends Waiting {
  /** Below the root, components joined by "/", one char per byte. Only kept where there are exclude rules. */
  readonly relative: string;
  readonly rootDevice: number;
  readonly waiting: readonly Waiting[];
}

/** The same while the walk is there. */
interface Frame extends Step {
  /** -1 while closed. */
  fd: number;
  readonly path: Uint8Array;
  readonly listed: Listing;
  nextListed: number;
  readonly waiting: Waiting[];
  nextWaiting: number;
}

export class Scanner {
  readonly #system: System;
  readonly #rules: ScanRules;
  readonly #excludes: ExcludeRules;
  readonly #lister: DirectoryLister;
  readonly #status: ReturnType<typeof newStatusBuffer> = newStatusBuffer();
  readonly #stack: Frame[] = [];
  readonly #entries: EntryPacker = new EntryPacker();
  #events: ScanEvent[] = [];

  /** Goes through what waits on the way, the last step's first. */
  constructor(system: System, rules: ScanRules, way: readonly Step[]) {
    this.#system = system;
    this.#rules = rules;
    this.#excludes = parseExcludes(rules.excludes);
    this.#lister = new DirectoryLister(system);
    for (const step of way) {
      const above = this.#stack.at(-1);
      const path = above === undefined ? step.name : joinName(above.path, step.name);
      this.#stack.push({ ...step, path, waiting: [...step.waiting], fd: -1, listed: nothing, nextListed: 0, nextWaiting: 0 });
    }
  }

  /** From the top, through the roots. */
  static ofRoots(system: System, rules: ScanRules, tree: RootNode): Scanner {
    const scanner = new Scanner(system, rules, []);
    scanner.#begin(tree);
    return scanner;
  }

  #begin(tree: RootNode): void {
    const system = this.#system;
    const fd = system.openAt(AT_FDCWD, rootPath, O_RDONLY | O_DIRECTORY);
    if (fd < 0) throw readError('openat', fd);
    system.statFd(fd, this.#status);
    const top = { name: new Uint8Array(0), node: tree, device: deviceOf(this.#status), inode: inodeOf(this.#status) };
    this.#enter(top, { fd, path: new Uint8Array(0), parent: null });
  }

  /** Whether `rest` may be called: not within a directory. */
  get canStop(): boolean {
    const frame = this.#stack.at(-1);
    return frame === undefined || frame.nextListed >= frame.listed.count;
  }

  /** Ends the walk here; what is left of it, empty at the end. */
  rest(): Step[] {
    const way = this.#stack.map(({ name, node, device, inode, relative, rootDevice, waiting, nextWaiting }) => {
      return { name, node, device, inode, relative, rootDevice, waiting: waiting.slice(nextWaiting) };
    });
    this.close();
    while (way.at(-1)?.waiting.length === 0) way.pop();
    return way;
  }

  /** The next events, of so many entries at most, fewer where a directory ends; null at the end. */
  nextBatch(entriesMax: number = batchEntries): readonly ScanEvent[] | null {
    for (;;) {
      const frame = this.#stack.at(-1);
      if (frame === undefined || this.#entries.count >= entriesMax || this.#events.length >= batchEvents) break;
      if (this.#entries.count * 2 >= entriesMax && this.canStop) break;
      if (frame.nextListed < frame.listed.count) this.#visit(frame);
      else if (frame.nextWaiting < frame.waiting.length) this.#descend(frame);
      else this.#leave();
    }
    this.#endList();
    if (this.#events.length === 0) return null;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #endList(): void {
    if (this.#entries.count > 0) this.#events.push(this.#entries.flush());
  }

  close(): void {
    while (this.#stack.length > 0) this.#leave();
  }

  #leave(): void {
    const frame = this.#stack.pop();
    if (frame !== undefined) this.#closeFrame(frame);
  }

  #closeFrame(frame: Frame): void {
    if (frame.fd >= 0) this.#system.close(frame.fd);
    frame.fd = -1;
  }

  #visit(frame: Frame): void {
    const { listed, nextListed: index } = frame;
    frame.nextListed += 1;
    const kind = listed.kind(index);
    const part = listed.partOf(index);
    if (frame.path.length + 1 + part.end - part.start > pathBytesMax) {
      this.#unstated(frame, listed.name(index), { code: 'entry-name-invalid', detail: `path longer than ${pathBytesMax} bytes` });
      return;
    }
    // Before asking for its status, which may hang on a dead network mount that somebody excluded.
    if (kind !== listedKinds.unknown && this.#isExcluded(frame, index, kind === listedKinds.directory)) return;
    const node = frame.node === null ? null : childNode(frame.node, listed.name(index));
    const isAbove = node !== null && !node.isRoot;
    const answer = isAbove
      ? this.#system.statFollowing(frame.fd, listed.name(index), this.#status)
      : this.#system.statAtPart(frame.fd, part, this.#status);
    if (answer < 0) {
      this.#unstated(frame, listed.name(index), { code: readFailureCode(-answer), detail: failureDetail('statx', answer) });
      return;
    }
    const type = typeOf(this.#status);
    if (type === 0) {
      this.#unstated(frame, listed.name(index), { code: 'entry-unsupported', detail: 'unknown type of entry' });
      return;
    }
    if (kind === listedKinds.unknown && this.#isExcluded(frame, index, type === entryTypes.directory)) return;
    this.#entries.add(frame.path, part, this.#status);
    if (type === entryTypes.directory) {
      const device = deviceOf(this.#status);
      if (this.#rules.oneFileSystem && frame.node === null && device !== frame.rootDevice) return;
      frame.waiting.push({ name: listed.name(index), node, device, inode: inodeOf(this.#status) });
    } else if (isAbove) this.#unlisted(joinName(frame.path, listed.name(index)), 'entry-changed', 'not a directory');
  }

  #isExcluded(frame: Frame, index: number, isDirectory: boolean): boolean {
    if (this.#excludes.isEmpty || frame.node !== null) return false;
    const key = keyOf(frame.listed.name(index));
    return this.#excludes.excludes(frame.relative === '' ? key : `${frame.relative}/${key}`, key, isDirectory);
  }

  #descend(frame: Frame): void {
    const next = frame.waiting[frame.nextWaiting] as Waiting;
    frame.nextWaiting += 1;
    const path = joinName(frame.path, next.name);
    const parentFd = frame.fd >= 0 ? frame.fd : this.#reopen(this.#stack.length - 1);
    const fd = parentFd < 0 ? parentFd : this.#openDirectory(parentFd, next);
    // A chain of directories with one child each needs no descriptor but the deepest.
    if (frame.nextWaiting === frame.waiting.length) this.#closeFrame(frame);
    if (fd < 0) {
      this.#unlisted(path, readFailureCode(-fd), failureDetail('openat', fd));
      return;
    }
    const isBelow = next.node === null;
    if (isBelow && next.device !== frame.device && isLeftOut(this.#system.fileSystem(fd)?.magic ?? 0, path)) {
      this.#system.close(fd);
      return;
    }
    this.#enter(next, { fd, path, parent: frame });
  }

  #openDirectory(parentFd: number, { name, node }: Waiting): number {
    const follow = node !== null && !node.isRoot ? 0 : O_NOFOLLOW;
    const flags = O_RDONLY | O_DIRECTORY | follow;
    const fd = this.#system.openAt(parentFd, name, flags | O_NOATIME);
    return fd === -errnos.EPERM ? this.#system.openAt(parentFd, name, flags) : fd;
  }

  #enter(directory: Waiting, at: { readonly fd: number; readonly path: Uint8Array; readonly parent: Frame | null }): void {
    const { fd, path, parent } = at;
    const isAbove = directory.node !== null && !directory.node.isRoot;
    const names = isAbove ? Listing.ofDirectories(directory.node.children.map(({ name }) => name)) : this.#lister.list(fd);
    if (typeof names === 'number') {
      this.#system.close(fd);
      this.#unlisted(path, readFailureCode(-names), failureDetail('getdents64', names));
      return;
    }
    const isRoot = directory.node?.isRoot === true;
    const { name } = directory;
    this.#stack.push({
      ...directory,
      // A root's own frame counts as below: what it holds is as the disk has it.
      node: isAbove ? directory.node : null,
      fd,
      path,
      relative: isRoot || isAbove || this.#excludes.isEmpty ? '' : relativePath(parent, name),
      rootDevice: isRoot ? directory.device : (parent?.rootDevice ?? directory.device),
      listed: isRoot || isAbove ? names : this.#withoutCache(fd, names),
      nextListed: 0,
      waiting: [],
      nextWaiting: 0,
    });
    this.#closeShallow();
  }

  /** Of a directory that is marked as a cache only the mark. A root is never taken for one: somebody named it. */
  #withoutCache(fd: number, names: Listing): Listing {
    if (!this.#rules.skipCaches) return names;
    const tag = names.find(cacheTagName);
    if (tag < 0 || (names.kind(tag) !== listedKinds.file && names.kind(tag) !== listedKinds.unknown)) return names;
    const tagFd = this.#system.openAt(fd, cacheTagName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (tagFd < 0) return names;
    const start = new Uint8Array(cacheTagSignature.length);
    const count = this.#system.read(tagFd, start, 0);
    this.#system.close(tagFd);
    return count === start.length && compareNames(start, cacheTagSignature) === 0 ? names.only(tag) : names;
  }

  #closeShallow(): void {
    const index = this.#stack.length - 1 - openFramesMax;
    const frame = this.#stack[index];
    if (frame !== undefined) this.#closeFrame(frame);
  }

  /** Opens the frame's directory again, and those just above it. Its descriptor, or `-errno`. */
  #reopen(index: number): number {
    let nearest = index - 1;
    while (nearest >= 0 && (this.#stack[nearest] as Frame).fd < 0) nearest -= 1;
    let fd = nearest >= 0 ? (this.#stack[nearest] as Frame).fd : -1;
    for (let step = nearest + 1; step <= index; step += 1) {
      const frame = this.#stack[step] as Frame;
      const parentFd = fd;
      fd = step === 0 ? this.#system.openAt(AT_FDCWD, rootPath, O_RDONLY | O_DIRECTORY) : this.#openDirectory(parentFd, frame);
      if (fd >= 0 && !this.#isSame(fd, frame)) {
        this.#system.close(fd);
        // Not "vanished": it may have been moved with all that it holds.
        fd = -errnos.ENOTDIR;
      }
      const above = this.#stack[step - 1];
      // Those that will be needed next keep their descriptor; the way to them does not.
      if (above !== undefined && step - 1 > nearest && above.fd < 0 && parentFd >= 0) {
        if (step - 1 > index - openFramesMax / 2 && fd >= 0) above.fd = parentFd;
        else this.#system.close(parentFd);
      }
      if (fd < 0) return fd;
    }
    (this.#stack[index] as Frame).fd = fd;
    return fd;
  }

  #isSame(fd: number, { device, inode }: Frame): boolean {
    if (this.#system.statFd(fd, this.#status) < 0) return false;
    return deviceOf(this.#status) === device && inodeOf(this.#status) === inode;
  }

  #unstated({ path }: Frame, name: Uint8Array, { code, detail }: Omit<EntryError, 'path'>): void {
    const error = { path: joinName(path, name), code, detail };
    this.#endList();
    this.#events.push({ type: 'unstated', directory: path, name, error });
  }

  #unlisted(directory: Uint8Array, code: EntryErrorCode, detail: string): void {
    this.#endList();
    this.#events.push({ type: 'unlisted', directory, error: { path: directory, code, detail } });
  }
}

function childNode(node: RootNode | null, name: Uint8Array): RootNode | null {
  if (node === null) return null;
  return node.children.find((child) => compareNames(child.name, name) === 0)?.node ?? null;
}

function relativePath(parent: Frame | null, name: Uint8Array): string {
  const key = keyOf(name);
  return parent === null || parent.relative === '' ? key : `${parent.relative}/${key}`;
}
