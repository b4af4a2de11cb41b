/*
 * Reading entries on Linux: the module that worker threads import by its address.
 *
 * Nothing is followed below a root: directories are opened step by step, entries with O_NOFOLLOW. Access times stay where
 * the system allows it. Links, FIFOs, sockets, devices and directories are looked at by name and never opened: opening a
 * FIFO waits, opening a tape winds it.
 */
import type { DataRange, EntryDetails, EntryError, EntryStat, OpenedEntry, ScannedEntry, SourceReader } from '@twinvault/engine';
import { SourceReadError } from '../errors.ts';
import { joinName, keyOf } from '../paths.ts';
import { AT_FDCWD, errnos, openFlags, SEEK_DATA, SEEK_HOLE } from './constants.ts';
import { DirectoryCache } from './directory-cache.ts';
import { readError, readFailureCode } from './failures.ts';
import { OwnerNames } from './owners.ts';
import { keysAboveRoots } from './roots.ts';
import { decodeStatus, entryTypes, isSameStatus, newStatusBuffer, typeOf } from './status.ts';
import { system } from './system.ts';
import type { At, System } from './system.ts';
import { XattrReader } from './xattrs.ts';
import type { XattrPlace } from './xattrs.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NOATIME, O_NONBLOCK, O_NOCTTY } = openFlags;
const fileFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
const rootPath = new Uint8Array([0x2f]);
const noName = new Uint8Array(0);
/** The kernel cuts link targets at PATH_MAX. */
const linkTargetBytesMax = 4096;

/** Plain data: it is posted to workers. */
export interface SourceReaderConfig {
  readonly roots: readonly Uint8Array[];
  /** Directories may be reached through links wherever they stand: for looking at what was protected, never for protecting. */
  readonly anyLinks?: true;
}

/** From this size on the system is asked for holes in any case. */
const askedBytesMin = 1024 * 1024;

/** A reader for one thread. Throws SourcesError `platform-unsupported`. */
export function openSourceReader(config: SourceReaderConfig): SourceReader {
  return openSourceReaderOver(system(), config);
}

/** The same with other system calls, for tests of what the system may answer. */
export function openSourceReaderOver(calls: System, config: SourceReaderConfig): SourceReader {
  return new LinuxReader(calls, config);
}

/** Where an entry stands; its path is put together for errors alone. */
interface EntryKey {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
}

/** What all entries of one reader share. */
interface Shared {
  readonly system: System;
  readonly owners: OwnerNames;
  readonly xattrs: XattrReader;
  readonly status: ReturnType<typeof newStatusBuffer>;
  readonly linkTarget: Uint8Array;
}

class LinuxReader implements SourceReader {
  readonly #shared: Shared;
  readonly #directories: DirectoryCache;
  readonly #above: ReadonlySet<string>;

  constructor(calls: System, { roots, anyLinks }: SourceReaderConfig) {
    this.#shared = {
      system: calls,
      owners: new OwnerNames(),
      xattrs: new XattrReader(calls),
      status: newStatusBuffer(),
      linkTarget: new Uint8Array(linkTargetBytesMax),
    };
    const baseFd = calls.openAt(AT_FDCWD, rootPath, O_RDONLY | O_DIRECTORY);
    if (baseFd < 0) throw readError('openat', baseFd);
    this.#above = keysAboveRoots(roots);
    const mayFollow = (key: string): boolean => anyLinks === true || this.#above.has(key);
    this.#directories = new DirectoryCache(calls, { baseFd, mayFollow });
  }

  open(directory: Uint8Array, name: Uint8Array, stat: EntryStat): OpenedEntry {
    const directoryFd = this.#directories.open(directory);
    if (directoryFd < 0) throw readError('openat', directoryFd);
    const key: EntryKey = { directory, name };
    if (stat.type === entryTypes.file) return this.#openFile(directoryFd, key);
    if (stat.type === entryTypes.directory) {
      const path = joinName(directory, name);
      if (this.#above.has(keyOf(path))) {
        const fd = this.#directories.open(path);
        if (fd < 0) throw readError('openat', fd);
        return new NamedEntry(this.#shared, { place: { directoryFd: fd, name: noName }, key, type: stat.type });
      }
    }
    return new NamedEntry(this.#shared, { place: { directoryFd, name }, key, type: stat.type });
  }

  /** Four calls for most files: opened, read, asked for xattrs and for its status. */
  readAsScanned({ directory, name, stat }: ScannedEntry, into: Uint8Array): EntryDetails | null {
    const directoryFd = this.#directories.open(directory);
    if (directoryFd < 0) return null;
    const { system: calls, xattrs, status, owners } = this.#shared;
    const fd = this.#openFd(directoryFd, name);
    if (fd < 0) return null;
    const isSame =
      calls.read(fd, into, 0) === into.length &&
      xattrs.hasNone(fd) &&
      calls.statFd(fd, status) === 0 &&
      isSameStatus(status, stat);
    calls.close(fd);
    return isSame ? owners.detailsOf(stat.uid, stat.gid) : null;
  }

  /** A descriptor, or `-errno`. */
  #openFd(directoryFd: number, name: Uint8Array): number {
    const calls = this.#shared.system;
    let fd = calls.openAt(directoryFd, name, fileFlags | O_NOATIME);
    // Only the owner and root may ask to leave the access time alone.
    if (fd === -errnos.EPERM) fd = calls.openAt(directoryFd, name, fileFlags);
    // Another program holds a lease on the file (a file server's oplock): without O_NONBLOCK the kernel has it broken.
    if (fd === -errnos.EAGAIN) fd = calls.openAt(directoryFd, name, fileFlags & ~O_NONBLOCK);
    return fd;
  }

  #openFile(directoryFd: number, key: EntryKey): OpenedEntry {
    const fd = this.#openFd(directoryFd, key.name);
    if (fd < 0) throw readError('openat', fd);
    try {
      return new OpenedFile(this.#shared, fd, key);
    } catch (error) {
      this.#shared.system.close(fd);
      throw error;
    }
  }

  close(): void {
    this.#directories.close();
  }
}

/** Status of a name or, with the empty name, of the descriptor itself. */
function statOf({ system: calls, status }: Shared, { directoryFd, name }: At, type: number): EntryStat {
  const answer = name.length === 0 ? calls.statFd(directoryFd, status) : calls.statAt(directoryFd, name, status);
  if (answer < 0) throw readError('statx', answer);
  if (typeOf(status) !== type) throw new SourceReadError('entry-changed', { call: 'another type of entry', errno: '' });
  return decodeStatus(status);
}

function readDetails(
  { owners, xattrs }: Shared,
  entry: { readonly place: XattrPlace; readonly key: EntryKey; readonly stat: EntryStat },
): { details: EntryDetails; errors: EntryError[] } {
  const { place, key, stat } = entry;
  const read = xattrs.read(place);
  const details: EntryDetails = { ...owners.detailsOf(stat.uid, stat.gid), xattrs: read.xattrs, acls: read.acls };
  if (read.failures.length === 0) return { details, errors: [] };
  const path = joinName(key.directory, key.name);
  const errors = read.failures.map(({ errno, detail }) => ({ path, code: readFailureCode(errno), detail }));
  return { details, errors };
}

class OpenedFile implements OpenedEntry {
  readonly stat: EntryStat;
  readonly #shared: Shared;
  readonly #at: At;
  readonly #key: EntryKey;
  #isOpen = true;

  constructor(shared: Shared, fd: number, key: EntryKey) {
    this.#shared = shared;
    this.#at = { directoryFd: fd, name: noName };
    this.#key = key;
    this.stat = statOf(shared, this.#at, entryTypes.file);
  }

  details(): { details: EntryDetails; errors: EntryError[] } {
    return readDetails(this.#shared, { place: this.#at.directoryFd, key: this.#key, stat: this.stat });
  }

  dataRanges(): readonly DataRange[] {
    const { sizeBytes, blocks } = this.stat;
    if (sizeBytes === 0) return [];
    // As many blocks as the size asks for: no hole. Most files take this way, without a call. A large file may have blocks
    // that were reserved and never written, as disk images do; they count as holes, and asking costs little beside reading.
    if (blocks * 512 >= sizeBytes && sizeBytes < askedBytesMin) return [{ offsetBytes: 0, lengthBytes: sizeBytes }];
    return this.#findRanges(sizeBytes);
  }

  #findRanges(sizeBytes: number): readonly DataRange[] {
    const { system: calls } = this.#shared;
    const ranges: DataRange[] = [];
    let offset = 0;
    while (offset < sizeBytes) {
      const start = calls.seek(this.#at.directoryFd, offset, SEEK_DATA);
      // ENXIO: no data from here to the end. The file may also have been cut since.
      if (start === -errnos.ENXIO) break;
      if (start < 0) return [{ offsetBytes: 0, lengthBytes: sizeBytes }];
      if (start >= sizeBytes) break;
      const found = calls.seek(this.#at.directoryFd, start, SEEK_HOLE);
      if (found < 0 && found !== -errnos.ENXIO) return [{ offsetBytes: 0, lengthBytes: sizeBytes }];
      const end = found <= start ? sizeBytes : Math.min(found, sizeBytes);
      ranges.push({ offsetBytes: start, lengthBytes: end - start });
      offset = end;
    }
    return ranges;
  }

  read(into: Uint8Array, intoOffset: number, lengthBytes: number, fileOffsetBytes: number): number {
    const view = into.subarray(intoOffset, intoOffset + lengthBytes);
    const count = this.#shared.system.read(this.#at.directoryFd, view, fileOffsetBytes);
    if (count < 0) throw readError('pread', count);
    return count;
  }

  statAgain(): EntryStat {
    return statOf(this.#shared, this.#at, entryTypes.file);
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#shared.system.close(this.#at.directoryFd);
  }
}

/** An entry that is not opened. It lives until the reader opens the next one. */
class NamedEntry implements OpenedEntry {
  readonly stat: EntryStat;
  readonly #shared: Shared;
  readonly #place: At;
  readonly #key: EntryKey;

  constructor(shared: Shared, entry: { readonly place: At; readonly key: EntryKey; readonly type: number }) {
    this.#shared = shared;
    this.#place = entry.place;
    this.#key = entry.key;
    this.stat = statOf(shared, entry.place, entry.type);
  }

  details(): { details: EntryDetails; errors: EntryError[] } {
    const { stat } = this;
    const place = this.#place.name.length === 0 ? this.#place.directoryFd : this.#place;
    const read = readDetails(this.#shared, { place, key: this.#key, stat });
    if (stat.type !== entryTypes.link) return read;
    return { details: { ...read.details, linkTarget: this.#readLink() }, errors: read.errors };
  }

  #readLink(): Uint8Array {
    const { system: calls, linkTarget } = this.#shared;
    const length = calls.readLink(this.#place.directoryFd, this.#place.name, linkTarget);
    // EINVAL: it is no link any more.
    if (length === -errnos.EINVAL) throw new SourceReadError('entry-changed', { call: 'readlinkat', errno: 'EINVAL' });
    if (length < 0) throw readError('readlinkat', length);
    return linkTarget.slice(0, length);
  }

  dataRanges(): readonly DataRange[] {
    return [];
  }

  read(): number {
    return 0;
  }

  statAgain(): EntryStat {
    return statOf(this.#shared, this.#place, this.stat.type);
  }

  [Symbol.dispose](): void {
    // Nothing was opened.
  }
}
