/*
 * The C library of the running process, through koffi: every foreign function that this package calls is declared here.
 *
 * Why not node:fs: it has no directory descriptors, xattrs, SEEK_DATA or mknod, loses digits of times and stops at paths
 * of 4096 bytes; and koffi is the faster one where both can do a thing (November 2026, Node 24.21, 2 cores: a call that
 * does nothing 0.25 us; statx of one path 1.57 us, lstatSync 1.93; open, read and close 4.3 us, node:fs 4.9).
 *
 * Symbols come from the process itself, which works with glibc and with musl. Calls that some C libraries lack go
 * through `syscall` with the processor's number.
 */
import koffi from 'koffi';
import { SourcesError } from '../errors.ts';
import { processor } from './constants.ts';

/** koffi takes typed arrays as pointers to their bytes, valid during the call. */
export type Call = (...args: (number | Uint8Array | BigInt64Array | null)[]) => number;

// Variadic functions are declared without "...": on x64 and arm64 their arguments travel in the same registers.
const declarations = {
  openat: 'int openat(int, void *, int, uint)',
  close: 'int close(int)',
  syscallStatx: 'long syscall(long, int, void *, int, uint, void *)',
  syscallGetdents64: 'long syscall(long, int, void *, size_t)',
  syscallRenameat2: 'long syscall(long, int, void *, int, void *, uint)',
  syscallListxattrat: 'long syscall(long, int, void *, uint, void *, size_t)',
  pread: 'long pread(int, void *, size_t, int64)',
  pwrite: 'long pwrite(int, void *, size_t, int64)',
  lseek: 'int64 lseek(int, int64, int)',
  ftruncate: 'int ftruncate(int, int64)',
  mkdirat: 'int mkdirat(int, void *, uint)',
  mknodat: 'int mknodat(int, void *, uint, uint64)',
  symlinkat: 'int symlinkat(void *, int, void *)',
  linkat: 'int linkat(int, void *, int, void *, int)',
  unlinkat: 'int unlinkat(int, void *, int)',
  readlinkat: 'long readlinkat(int, void *, void *, size_t)',
  fchownat: 'int fchownat(int, void *, uint, uint, int)',
  fchmod: 'int fchmod(int, uint)',
  fchmodat: 'int fchmodat(int, void *, uint, int)',
  futimens: 'int futimens(int, void *)',
  utimensat: 'int utimensat(int, void *, void *, int)',
  flistxattr: 'long flistxattr(int, void *, size_t)',
  llistxattr: 'long llistxattr(void *, void *, size_t)',
  fgetxattr: 'long fgetxattr(int, void *, void *, size_t)',
  lgetxattr: 'long lgetxattr(void *, void *, void *, size_t)',
  fsetxattr: 'int fsetxattr(int, void *, void *, size_t, int)',
  setxattr: 'int setxattr(void *, void *, void *, size_t, int)',
  fremovexattr: 'int fremovexattr(int, void *)',
  removexattr: 'int removexattr(void *, void *)',
  fstatfs: 'int fstatfs(int, void *)',
  geteuid: 'uint geteuid()',
  getegid: 'uint getegid()',
  getpwuid_r: 'int getpwuid_r(uint, void *, void *, size_t, void *)',
  getgrgid_r: 'int getgrgid_r(uint, void *, void *, size_t, void *)',
  getpwnam_r: 'int getpwnam_r(void *, void *, void *, size_t, void *)',
  getgrnam_r: 'int getgrnam_r(void *, void *, void *, size_t, void *)',
} as const;

export type Libc = { readonly [name in keyof typeof declarations]: Call };

let loaded: Libc | null = null;
let errnoNames: ReadonlyMap<number, string> | null = null;

/** The functions, loaded at the first call in each thread. Throws SourcesError `platform-unsupported`. */
export function libc(): Libc {
  if (loaded !== null) return loaded;
  if (process.platform !== 'linux' || processor === null) {
    throw new SourcesError('platform-unsupported', { platform: process.platform, processor: process.arch });
  }
  const library = koffi.load(null);
  const functions = Object.entries(declarations).map(([name, text]) => [name, library.func(text)] as const);
  loaded = Object.fromEntries(functions) as Record<string, Call> as Libc;
  return loaded;
}

/** The errno that the last failed call of this thread left. Only right after that call. */
export function lastErrno(): number {
  return koffi.errno();
}

/** For example "EACCES"; the number as text when it has no name. */
export function errnoName(errno: number): string {
  errnoNames ??= new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));
  return errnoNames.get(errno) ?? String(errno);
}

/** Address of a typed array's bytes, for structures that point into it. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}
