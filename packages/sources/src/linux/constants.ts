/*
 * Numbers of the Linux kernel's interface that this package uses, for the processors x64 and arm64 (64 bits, little
 * endian). From the kernel's uapi headers: asm/unistd.h, asm/fcntl.h, asm-generic/errno.h, linux/fcntl.h, linux/stat.h.
 */

interface ProcessorNumbers {
  readonly getdents64: number;
  readonly statx: number;
  readonly renameat2: number;
  readonly O_DIRECTORY: number;
  readonly O_NOFOLLOW: number;
}

/** What differs by processor: call numbers, and bits of open(2) that arm64 took over from 32-bit ARM. */
const processors: Readonly<Record<string, ProcessorNumbers>> = {
  x64: { getdents64: 217, statx: 332, renameat2: 316, O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000 },
  arm64: { getdents64: 61, statx: 291, renameat2: 276, O_DIRECTORY: 0o40000, O_NOFOLLOW: 0o100000 },
};

/** Null on a processor that is not supported. */
export const processor: ProcessorNumbers | null = processors[process.arch] ?? null;

type OpenFlag =
  | 'O_RDONLY'
  | 'O_WRONLY'
  | 'O_RDWR'
  | 'O_CREAT'
  | 'O_EXCL'
  | 'O_NOCTTY'
  | 'O_NONBLOCK'
  | 'O_NOATIME'
  | 'O_CLOEXEC'
  | 'O_PATH'
  | 'O_DIRECTORY'
  | 'O_NOFOLLOW'
  | 'O_TMPFILE';

const directoryFlag: number = processor?.O_DIRECTORY ?? 0;
const noFollowFlag: number = processor?.O_NOFOLLOW ?? 0;

export const openFlags: Readonly<Record<OpenFlag, number>> = {
  O_RDONLY: 0,
  O_WRONLY: 0o1,
  O_RDWR: 0o2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_NONBLOCK: 0o4000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
  O_DIRECTORY: directoryFlag,
  O_NOFOLLOW: noFollowFlag,
  /** The kernel's O_TMPFILE includes O_DIRECTORY. */
  O_TMPFILE: 0o20000000 | directoryFlag,
};

export const fileTypeBits = {
  mask: 0o170000,
  file: 0o100000,
  directory: 0o040000,
  link: 0o120000,
  fifo: 0o010000,
  socket: 0o140000,
  character: 0o020000,
  block: 0o060000,
} as const;

/** The errnos that code here decides by; names of all come from koffi. */
export const errnos = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EAGAIN: 11,
  EACCES: 13,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EMLINK: 31,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
  ESTALE: 116,
  EDQUOT: 122,
} as const;

/** For a directory descriptor: a relative name belongs to the working directory. Used with absolute paths only. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_EMPTY_PATH = 0x1000;
/** All that stat(2) tells; the birth time is not asked for. */
export const STATX_BASIC_STATS = 0x7ff;
export const RENAME_NOREPLACE = 1;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;
/** As the nanoseconds of a timespec: leave this time as it is. */
export const UTIME_OMIT = 0x3ffffffe;

/** Size of struct statx on every processor. */
export const statusBytes = 256;
/** XATTR_SIZE_MAX and XATTR_LIST_MAX of linux/limits.h. */
export const xattrBytesMax = 65_536;
/** PATH_MAX of linux/limits.h, with its NUL. */
export const pathMax = 4096;
/** NAME_MAX of linux/limits.h. */
export const nameMax = 255;
