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
import type { EntryError, EntryErrorCode, LastEntries, ScanEvent, ScanRules } from '@twinvault/engine';
import { utf8Encode } from '@twinvault/std';
import { compareNames, joinName, keyOf, pathBytesMax } from '../paths.ts';
import { parseExcludes } from '../rules/gitignore.ts';
import type { ExcludeRules } from '../rules/gitignore.ts';
import { AT_FDCWD, errnos, openFlags } from './constants.ts';
import { failureDetail, readError, readFailureCode } from './failures.ts';
import { isLeftOut, keepsTimesOfNames } from './file-systems.ts';
import { EntryPacker, isSameAsBody } from './entry-packer.ts';
import { DirectoryLister, listedKinds, Listing } from './listing.ts';
import type { NamePart } from './name-part.ts';
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

export interface ScannerParts {
  readonly system: System;
  readonly rules: ScanRules;
  readonly last: LastEntries | null;
}

/** A directory that waits to be gone through. */
export interface Waiting {
  readonly name: Uint8Array;
  /** Where it lies above the roots, or is one; null below. */
  readonly node: RootNode | null;
  readonly device: number;
  readonly inode: number | string;
  /** Its own entry is that of the last run, and its times tell that its names are (decision 0055), if its file system keeps them. */
  readonly unchanged: boolean;
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
  /** Its entries are being taken from the last run. */
  known: boolean;
  partial: boolean;
}

/** Of a frame when the walk comes to it. */
const entered = { listed: nothing, nextListed: 0, nextWaiting: 0, known: false, partial: false };

export class Scanner {
  readonly #system: System;
  readonly #rules: ScanRules;
  readonly #excludes: ExcludeRules;
  readonly #lister: DirectoryLister;
  readonly #status: ReturnType<typeof newStatusBuffer> = newStatusBuffer();
  readonly #stack: Frame[] = [];
  readonly #entries: EntryPacker = new EntryPacker();
  readonly #last: LastEntries | null;
  /** The name of the last run's present entry. */
  readonly #name: NamePart = { bytes: rootPath, start: 0, end: 0 };
  /** By device, whether its file system keeps the times of directories. */
  readonly #keepsTimes = new Map<number, boolean>();
  #events: ScanEvent[] = [];
  #entriesKnown = 0;

  /** Goes through what waits on the way, the last step's first. `last`: a cursor before what lies there. */
  constructor({ system, rules, last }: ScannerParts, way: readonly Step[]) {
    this.#system = system;
    this.#rules = rules;
    this.#last = last;
    this.#excludes = parseExcludes(rules.excludes);
    this.#lister = new DirectoryLister(system);
    for (const step of way) {
      const above = this.#stack.at(-1);
      const path = above === undefined ? step.name : joinName(above.path, step.name);
      this.#stack.push({ ...step, path, waiting: [...step.waiting], ...entered, fd: -1 });
    }
  }

  /** From the top, through the roots. */
  static ofRoots(parts: ScannerParts, tree: RootNode): Scanner {
    const scanner = new Scanner(parts, []);
    scanner.#begin(tree);
    return scanner;
  }

  #begin(tree: RootNode): void {
    const system = this.#system;
    const fd = system.openAt(AT_FDCWD, rootPath, O_RDONLY | O_DIRECTORY);
    if (fd < 0) throw readError('openat', fd);
    system.statFd(fd, this.#status);
    const top = {
      name: new Uint8Array(0),
      node: tree,
      device: deviceOf(this.#status),
      inode: inodeOf(this.#status),
      unchanged: false,
    };
    this.#enter(top, { fd, path: new Uint8Array(0), parent: null });
  }

  /** Whether `rest` may be called: not within a directory. */
  get canStop(): boolean {
    const frame = this.#stack.at(-1);
    return frame === undefined || (!frame.known && frame.nextListed >= frame.listed.count);
  }

  /** It can go on when more of the last run is loaded. */
  get waits(): boolean {
    return this.#last?.isReady === false;
  }

  /** Entries whose names were taken from the last run. */
  get entriesKnown(): number {
    return this.#entriesKnown;
  }

  /** Ends the walk here; what is left of it, empty at the end. */
  rest(): Step[] {
    const way = this.#stack.map(({ name, node, device, inode, unchanged, relative, rootDevice, waiting, nextWaiting }) => {
      return { name, node, device, inode, unchanged, relative, rootDevice, waiting: waiting.slice(nextWaiting) };
    });
    this.close();
    while (way.at(-1)?.waiting.length === 0) way.pop();
    return way;
  }

  /** The next events, of so many entries at most, fewer where a directory ends or more of the last run is needed; null at the end. */
  nextBatch(entriesMax: number = batchEntries): readonly ScanEvent[] | null {
    const knownBefore = this.#entriesKnown;
    while (!this.waits) {
      const frame = this.#stack.at(-1);
      const count = this.#entries.count + this.#entriesKnown - knownBefore;
      if (frame === undefined || count >= entriesMax || this.#events.length >= batchEvents) break;
      if (count * 2 >= entriesMax && this.canStop) break;
      if (frame.known) this.#visitKnown(frame);
      else if (frame.nextListed < frame.listed.count) this.#visit(frame);
      else if (frame.nextWaiting < frame.waiting.length) this.#descend(frame);
      else this.#leave();
    }
    this.#endList();
    if (this.#events.length === 0 && !this.waits) return null;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Entries that were gathered, of the one kind or the other, become events before anything that comes after them. */
  #endList(): void {
    this.#endPacked();
    this.#endSame();
  }

  #endPacked(): void {
    if (this.#entries.count > 0) this.#events.push(this.#entries.flush());
  }

  #endSame(): void {
    if (this.#last !== null) this.#events.push(...this.#last.takeSame());
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
    const kind = listed.kind(index);
    const part = listed.partOf(index);
    const mayBeDirectory = kind === listedKinds.unknown || kind === listedKinds.directory;
    if (mayBeDirectory && this.#last?.seek(frame.path, part) === false) return;
    frame.nextListed += 1;
    if (frame.path.length + 1 + part.end - part.start > pathBytesMax) {
      this.#unstated(frame, listed.name(index), { code: 'entry-name-invalid', detail: `path longer than ${pathBytesMax} bytes` });
      return;
    }
    // Before asking for its status, which may hang on a dead network mount that somebody excluded.
    if (kind !== listedKinds.unknown && this.#isExcluded(frame, part, kind === listedKinds.directory)) return;
    const node = frame.node === null ? null : childNode(frame.node, listed.name(index));
    const isAbove = node !== null && !node.isRoot;
    const answer = isAbove
      ? this.#system.statFollowing(frame.fd, listed.name(index), this.#status)
      : this.#system.statAtPart(frame.fd, part, this.#status);
    if (!this.#isStated(frame, part, answer)) return;
    const type = typeOf(this.#status);
    if (kind === listedKinds.unknown && this.#isExcluded(frame, part, type === entryTypes.directory)) return;
    this.#endSame();
    this.#entries.add(frame.path, part, this.#status);
    if (type === entryTypes.directory) {
      this.#wait(frame, { name: listed.name(index), node, unchanged: mayBeDirectory && this.#isUnchanged(frame, part) });
    } else if (isAbove) this.#unlisted(joinName(frame.path, listed.name(index)), 'entry-changed', 'not a directory');
  }

  /** The last run's next entry, if it lies in the directory. */
  #visitKnown(frame: Frame): void {
    const last = this.#last;
    if (last?.isIn(frame.path) !== true) {
      frame.known = false;
      return;
    }
    const { view, bodyStart } = last;
    const part = this.#name;
    part.bytes = last.bytes;
    part.start = last.nameStart;
    part.end = bodyStart;
    this.#entriesKnown += 1;
    const passesBy =
      this.#isExcluded(frame, part, view.getUint8(bodyStart) === entryTypes.directory) ||
      !this.#isStated(frame, part, this.#system.statAtPart(frame.fd, part, this.#status));
    if (passesBy) {
      last.step();
      return;
    }
    const same = isSameAsBody(this.#status, view, bodyStart) && last.isTrusted;
    if (typeOf(this.#status) === entryTypes.directory) {
      this.#wait(frame, { name: part.bytes.slice(part.start, part.end), node: null, unchanged: same });
    }
    if (same) {
      this.#endPacked();
      last.same();
    } else {
      this.#endSame();
      this.#entries.add(frame.path, part, this.#status);
      last.step();
    }
  }

  /** Whether a listed directory, whose status was just asked for, is as the last run had it. */
  #isUnchanged(frame: Frame, part: NamePart): boolean {
    const last = this.#last;
    if (last?.isAt(frame.path, part) !== true) return false;
    return isSameAsBody(this.#status, last.view, last.bodyStart) && last.isTrusted;
  }

  /** Whether a status was told, of a type that there is. */
  #isStated(frame: Frame, part: NamePart, answer: number): boolean {
    if (answer === 0 && typeOf(this.#status) !== 0) return true;
    const problem: Omit<EntryError, 'path'> =
      answer < 0
        ? { code: readFailureCode(-answer), detail: failureDetail('statx', answer) }
        : { code: 'entry-unsupported', detail: 'unknown type of entry' };
    this.#unstated(frame, part.bytes.slice(part.start, part.end), problem);
    return false;
  }

  /** A directory whose status was just asked for is gone through later. */
  #wait(frame: Frame, { name, node, unchanged }: Pick<Waiting, 'name' | 'node' | 'unchanged'>): void {
    const device = deviceOf(this.#status);
    if (this.#rules.oneFileSystem && frame.node === null && device !== frame.rootDevice) {
      this.#partial(joinName(frame.path, name));
    } else frame.waiting.push({ name, node, device, inode: inodeOf(this.#status), unchanged });
  }

  #isExcluded(frame: Frame, { bytes, start, end }: NamePart, isDirectory: boolean): boolean {
    if (this.#excludes.isEmpty || frame.node !== null) return false;
    const key = keyOf(bytes.subarray(start, end));
    const excluded = this.#excludes.excludes(frame.relative === '' ? key : `${frame.relative}/${key}`, key, isDirectory);
    if (excluded && !frame.partial) this.#partial(frame.path);
    if (excluded) frame.partial = true;
    return excluded;
  }

  #descend(frame: Frame): void {
    const next = frame.waiting[frame.nextWaiting] as Waiting;
    const path = joinName(frame.path, next.name);
    if (next.unchanged && this.#last?.seek(path, null) === false) return;
    frame.nextWaiting += 1;
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
      this.#partial(path);
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
    const known = !isAbove && this.#isKnown(directory, fd, path);
    const names = known ? nothing : this.#namesIn(directory, fd, path);
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
      waiting: [],
      ...entered,
      listed: names,
      known,
    });
    this.#closeShallow();
  }

  /** Whether the names in a directory are those of the last run, where the cursor stands. */
  #isKnown({ unchanged, device }: Waiting, fd: number, path: Uint8Array): boolean {
    if (!unchanged || this.#last?.isWhole(path) !== true) return false;
    let keepsTimes = this.#keepsTimes.get(device);
    if (keepsTimes === undefined) {
      keepsTimes = keepsTimesOfNames(this.#system.fileSystem(fd)?.magic ?? 0);
      this.#keepsTimes.set(device, keepsTimes);
    }
    return keepsTimes;
  }

  /** Sorted, less what is not to be looked at; or `-errno`. */
  #namesIn({ node }: Waiting, fd: number, path: Uint8Array): Listing | number {
    if (node?.isRoot === false) {
      this.#partial(path);
      return Listing.ofDirectories(node.children.map(({ name }) => name));
    }
    const names = this.#lister.list(fd);
    if (typeof names === 'number') return names;
    const tag = names.find(cacheTagName);
    if (tag < 0) return names;
    // What stands in the tag may change, and no time of the directory tells.
    this.#partial(path);
    return node?.isRoot === true ? names : this.#withoutCache(fd, names, tag);
  }

  /** Of a directory that is marked as a cache only the mark. A root is never taken for one: somebody named it. */
  #withoutCache(fd: number, names: Listing, tag: number): Listing {
    if (!this.#rules.skipCaches || (names.kind(tag) !== listedKinds.file && names.kind(tag) !== listedKinds.unknown))
      return names;
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

  #partial(directory: Uint8Array): void {
    this.#events.push({ type: 'partial', directory });
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
