/*
 * System calls of Linux on files, as functions on bytes and descriptors.
 *
 * A call answers 0, a count or a descriptor, or `-errno`; it is repeated on EINTR, and on what may be another's errno. Names are bytes without terminator:
 * they are copied into a scratch buffer with a NUL. A NUL inside would cut a name short, so callers check components.
 * One instance belongs to one thread; nothing here is kept between calls but the scratch buffers.
 */
import { utf8Encode } from '@twinvault/std';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  errnos,
  openFlags,
  pathMax,
  processor,
  STATX_BASIC_STATS,
  UTIME_OMIT,
} from './constants.ts';
import { lastErrno, libc } from './libc.ts';
import type { NamePart } from './name-part.ts';
import type { Call, Libc } from './libc.ts';
import type { StatusBuffer } from './status.ts';

export interface FileSystemStatus {
  /** f_type, the magic number of the file system, as 32 bits. */
  readonly magic: number;
  /** Free for this user. */
  readonly freeBytes: number;
}

/** A name in the directory that a descriptor stands for; with the empty name the descriptor's own object. */
export interface At {
  readonly directoryFd: number;
  readonly name: Uint8Array;
}

/** Whole seconds, may be negative; nanoseconds from 0 to 999,999,999. */
export interface Time {
  readonly seconds: number;
  readonly nanos: number;
}

const emptyName = new Uint8Array(0);
/** Linux 6.13; one number on all processors. Through /proc/self/fd a list takes eight times as long. */
const listxattrat = 465;
const scratchBytes = pathMax + 256;
/** For errnos that may be somebody else's. */
const attemptsMax = 3;

let instance: System | null = null;

/** The thread's own instance. Throws SourcesError `platform-unsupported`. */
export function system(): System {
  instance ??= new System(libc());
  return instance;
}

export class System {
  readonly #libc: Libc;
  readonly #first: Uint8Array = new Uint8Array(scratchBytes);
  readonly #second: Uint8Array = new Uint8Array(scratchBytes);
  readonly #times: BigInt64Array = new BigInt64Array(4);
  #hasListxattrat = true;
  readonly #numbers: { readonly statx: number; readonly getdents64: number; readonly renameat2: number };

  constructor(functions: Libc) {
    this.#libc = functions;
    this.#numbers = processor ?? { statx: 0, getdents64: 0, renameat2: 0 };
  }

  /** `mode`: of a file that is made. */
  openAt(directoryFd: number, name: Uint8Array, flags: number, mode = 0o600): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    const { openat } = this.#libc;
    for (let attempt = 1; ; attempt += 1) {
      const fd = openat(directoryFd, this.#first, flags | openFlags.O_CLOEXEC, mode);
      if (fd >= 0) return fd;
      const errno = lastErrno();
      if (isAnswer(errno, attempt)) return -errno;
    }
  }

  /** Never fails as far as this package is concerned; on Linux the descriptor is gone even after EINTR. */
  close(fd: number): void {
    this.#libc.close(fd);
  }

  /** Status of a name; a link's own. Mounts nothing. */
  statAt(directoryFd: number, name: Uint8Array, into: StatusBuffer): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    return this.#statx(directoryFd, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, into);
  }

  /** As `statAt`; the name is part of more bytes. */
  statAtPart(directoryFd: number, { bytes, start, end }: NamePart, into: StatusBuffer): number {
    const first = this.#first;
    if (end - start >= first.length) return -errnos.ENAMETOOLONG;
    for (let index = start; index < end; index += 1) first[index - start] = bytes[index] as number;
    first[end - start] = 0;
    return this.#statx(directoryFd, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, into);
  }

  statFollowing(directoryFd: number, name: Uint8Array, into: StatusBuffer): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    return this.#statx(directoryFd, 0, into);
  }

  statFd(fd: number, into: StatusBuffer): number {
    this.#first[0] = 0;
    return this.#statx(fd, AT_EMPTY_PATH, into);
  }

  #statx(directoryFd: number, flags: number, into: StatusBuffer): number {
    const { syscallStatx } = this.#libc;
    const number = this.#numbers.statx;
    for (let attempt = 1; ; attempt += 1) {
      if (syscallStatx(number, directoryFd, this.#first, flags, STATX_BASIC_STATS, into.bytes) === 0) return 0;
      const errno = lastErrno();
      if (isAnswer(errno, attempt)) return -errno;
    }
  }

  /** Bytes of directory entries written into `into`; 0 at the end. */
  getDirectoryEntries(fd: number, into: Uint8Array): number {
    return again(this.#libc.syscallGetdents64, this.#numbers.getdents64, fd, into, into.length);
  }

  read(fd: number, into: Uint8Array, fileOffsetBytes: number): number {
    return again(this.#libc.pread, fd, into, into.length, fileOffsetBytes);
  }

  /** 0 when all bytes are written. */
  write(fd: number, bytes: Uint8Array, fileOffsetBytes: number): number {
    let written = 0;
    while (written < bytes.length) {
      const rest = written === 0 ? bytes : bytes.subarray(written);
      const count = again(this.#libc.pwrite, fd, rest, rest.length, fileOffsetBytes + written);
      if (count < 0) return count;
      if (count === 0) return -errnos.EIO;
      written += count;
    }
    return 0;
  }

  /** The offset found, or `-errno`. `whence` is SEEK_DATA or SEEK_HOLE. */
  seek(fd: number, offsetBytes: number, whence: number): number {
    return again(this.#libc.lseek, fd, offsetBytes, whence);
  }

  truncate(fd: number, sizeBytes: number): number {
    return again(this.#libc.ftruncate, fd, sizeBytes);
  }

  makeDirectory(directoryFd: number, name: Uint8Array, mode: number): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    return again(this.#libc.mkdirat, directoryFd, this.#first, mode);
  }

  /** `modeAndType` as st_mode has them; the umask takes bits away. Device numbers as the kernel's 32 bits. */
  makeNode({ directoryFd, name }: At, modeAndType: number, device: { major: number; minor: number }): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    const { major, minor } = device;
    if (major > 0xfff || minor > 0xfffff) return -errnos.EINVAL;
    const encoded = (minor & 0xff) + major * 0x100 + Math.floor(minor / 0x100) * 0x100000;
    return again(this.#libc.mknodat, directoryFd, this.#first, modeAndType, encoded);
  }

  makeLink({ directoryFd, name }: At, linkTarget: Uint8Array): number {
    if (!fill(this.#first, linkTarget) || !fill(this.#second, name)) return -errnos.ENAMETOOLONG;
    return again(this.#libc.symlinkat, this.#first, directoryFd, this.#second);
  }

  /** A further name for what `from` names; a link is not followed. */
  hardLink(from: At, to: At): number {
    if (!fill(this.#first, from.name) || !fill(this.#second, to.name)) return -errnos.ENAMETOOLONG;
    return again(this.#libc.linkat, from.directoryFd, this.#first, to.directoryFd, this.#second, 0);
  }

  rename(from: At, to: At, flags = 0): number {
    if (!fill(this.#first, from.name) || !fill(this.#second, to.name)) return -errnos.ENAMETOOLONG;
    const { syscallRenameat2 } = this.#libc;
    const number = this.#numbers.renameat2;
    return again(syscallRenameat2, number, from.directoryFd, this.#first, to.directoryFd, this.#second, flags);
  }

  unlink(directoryFd: number, name: Uint8Array, flags = 0): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    return again(this.#libc.unlinkat, directoryFd, this.#first, flags);
  }

  /** Length of the target, which may be cut off at the end of `into`. */
  readLink(directoryFd: number, name: Uint8Array, into: Uint8Array): number {
    if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
    return again(this.#libc.readlinkat, directoryFd, this.#first, into, into.length);
  }

  /** The object of the descriptor, one opened with O_PATH too. */
  changeOwner(fd: number, uid: number, gid: number): number {
    this.#first[0] = 0;
    return again(this.#libc.fchownat, fd, this.#first, uid, gid, AT_EMPTY_PATH);
  }

  /** The descriptor must be open for reading or writing. */
  changeMode(fd: number, mode: number): number {
    return again(this.#libc.fchmod, fd, mode);
  }

  /** Sets mtime and leaves atime. The descriptor must be open for reading or writing. */
  setTimes(fd: number, modified: Time): number {
    return again(this.#libc.futimens, fd, this.#timespecs(modified));
  }

  #timespecs({ seconds, nanos }: Time): BigInt64Array {
    this.#times[1] = BigInt(UTIME_OMIT);
    this.#times[2] = BigInt(seconds);
    this.#times[3] = BigInt(nanos);
    return this.#times;
  }

  /** Bytes of the list of names, each ended by NUL. ERANGE when `into` is too small. */
  listXattrs(fd: number, into: Uint8Array): number {
    return again(this.#libc.flistxattr, fd, into, into.length);
  }

  getXattr(fd: number, name: Uint8Array, into: Uint8Array): number {
    if (!fill(this.#first, name)) return -errnos.ERANGE;
    return again(this.#libc.fgetxattr, fd, this.#first, into, into.length);
  }

  setXattr(fd: number, name: Uint8Array, value: Uint8Array): number {
    if (!fill(this.#first, name)) return -errnos.ERANGE;
    return again(this.#libc.fsetxattr, fd, this.#first, value, value.length, 0);
  }

  removeXattr(fd: number, name: Uint8Array): number {
    if (!fill(this.#first, name)) return -errnos.ERANGE;
    return again(this.#libc.fremovexattr, fd, this.#first);
  }

  /** As `listXattrs`, of a name that cannot or should not be opened, a link's own. */
  listXattrsAt({ directoryFd, name }: At, into: Uint8Array): number {
    if (this.#hasListxattrat) {
      if (!fill(this.#first, name)) return -errnos.ENAMETOOLONG;
      const flags = AT_SYMLINK_NOFOLLOW | (name.length === 0 ? AT_EMPTY_PATH : 0);
      const length = again(this.#libc.syscallListxattrat, listxattrat, directoryFd, this.#first, flags, into, into.length);
      if (length !== -errnos.ENOSYS && length !== -errnos.EPERM) return length;
      // An older kernel, or a filter of system calls that does not know the number.
      this.#hasListxattrat = false;
    }
    if (!fill(this.#first, procPath(directoryFd, name))) return -errnos.ENAMETOOLONG;
    return again(this.#libc.llistxattr, this.#first, into, into.length);
  }

  getXattrAt({ directoryFd, name }: At, xattr: Uint8Array, into: Uint8Array): number {
    if (!fill(this.#first, procPath(directoryFd, name)) || !fill(this.#second, xattr)) return -errnos.ENAMETOOLONG;
    return again(this.#libc.lgetxattr, this.#first, this.#second, into, into.length);
  }

  /*
   * The object of a descriptor opened with O_PATH, a link too: the kernel goes from /proc/self/fd/N straight to it, and
   * follows no further.
   */

  changeModeOfPath(fd: number, mode: number): number {
    fill(this.#first, procPath(fd, emptyName));
    return again(this.#libc.fchmodat, AT_FDCWD, this.#first, mode, 0);
  }

  setTimesOfPath(fd: number, modified: Time): number {
    fill(this.#first, procPath(fd, emptyName));
    return again(this.#libc.utimensat, AT_FDCWD, this.#first, this.#timespecs(modified), 0);
  }

  setXattrOfPath(fd: number, name: Uint8Array, value: Uint8Array): number {
    fill(this.#first, procPath(fd, emptyName));
    if (!fill(this.#second, name)) return -errnos.ERANGE;
    return again(this.#libc.setxattr, this.#first, this.#second, value, value.length, 0);
  }

  removeXattrOfPath(fd: number, name: Uint8Array): number {
    fill(this.#first, procPath(fd, emptyName));
    if (!fill(this.#second, name)) return -errnos.ERANGE;
    return again(this.#libc.removexattr, this.#first, this.#second);
  }

  /** A further name for the object of a descriptor; one made with O_TMPFILE, or opened with O_PATH. */
  hardLinkFd(fd: number, to: At): number {
    fill(this.#first, procPath(fd, emptyName));
    if (!fill(this.#second, to.name)) return -errnos.ENAMETOOLONG;
    const { linkat } = this.#libc;
    const answer = again(linkat, AT_FDCWD, this.#first, to.directoryFd, this.#second, AT_SYMLINK_FOLLOW);
    if (answer !== -errnos.ENOENT) return answer;
    // Without /proc root can still do it directly.
    this.#first[0] = 0;
    return again(linkat, fd, this.#first, to.directoryFd, this.#second, AT_EMPTY_PATH);
  }

  /** Null with the errno lost: used where no answer means "assume the usual". */
  fileSystem(fd: number): FileSystemStatus | null {
    // struct statfs of 64-bit Linux: eight-byte f_type, f_bsize, f_blocks, f_bfree, f_bavail, ...; 120 bytes.
    const status = new BigUint64Array(16);
    if (again(this.#libc.fstatfs, fd, new Uint8Array(status.buffer)) < 0) return null;
    const [magic = 0n, blockBytes = 0n, , , available = 0n] = status;
    return { magic: Number(magic & 0xffffffffn), freeBytes: Number(blockBytes * available) };
  }

  effectiveUser(): number {
    return this.#libc.geteuid();
  }

  effectiveGroup(): number {
    return this.#libc.getegid();
  }
}

/**
 * Whether this is what the call failed with. V8's threads wait for one another, and what their waiting leaves in errno may stand there when a collection
 * falls between a call and the look at it: then the call is made again, which fails as it did.
 */
function isAnswer(errno: number, attempt: number): boolean {
  if (errno === errnos.EINTR) return false;
  return attempt >= attemptsMax || (errno !== errnos.EAGAIN && errno !== errnos.ETIMEDOUT);
}

function again(call: Call, ...args: Parameters<Call>): number {
  for (let attempt = 1; ; attempt += 1) {
    const answer = call(...args);
    if (answer >= 0) return answer;
    const errno = lastErrno();
    if (isAnswer(errno, attempt)) return -errno;
  }
}

/** False when the name is too long for any call. */
function fill(scratch: Uint8Array, name: Uint8Array): boolean {
  const { length } = name;
  if (length >= scratch.length) return false;
  if (length > 48) scratch.set(name);
  else for (let index = 0; index < length; index += 1) scratch[index] = name[index] as number;
  scratch[length] = 0;
  return true;
}

/** `/proc/self/fd/7/name`: reaches a name below a descriptor for calls that know only paths. */
function procPath(fd: number, name: Uint8Array): Uint8Array {
  const prefix = utf8Encode(`/proc/self/fd/${fd}`);
  if (name.length === 0) return prefix;
  const path = new Uint8Array(prefix.length + 1 + name.length);
  path.set(prefix);
  path[prefix.length] = 0x2f;
  path.set(name, prefix.length + 1);
  return path;
}
