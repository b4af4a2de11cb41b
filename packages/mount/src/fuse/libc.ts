/*
 * The system calls that mounting takes and that Node lacks, through koffi from the process's own C library (works with glibc and musl).
 * Numbers: x64 and arm64.
 */
import koffi from 'koffi';
import { MountError } from '../errors.ts';

const declarations = {
  open: 'int open(void *, int)',
  close: 'int close(int)',
  read: 'long read(int, void *, size_t)',
  write: 'long write(int, void *, size_t)',
  mount: 'int mount(void *, void *, void *, uint64, void *)',
  umount2: 'int umount2(void *, int)',
  socketpair: 'int socketpair(int, int, int, void *)',
  recvmsg: 'long recvmsg(int, void *, int)',
  geteuid: 'uint geteuid()',
  getegid: 'uint getegid()',
} as const;

type Argument = number | bigint | Uint8Array | null;
/** koffi takes typed arrays as pointers to their bytes, valid during the call. */
export interface Call {
  (...args: readonly Argument[]): number;
  async(...args: readonly (Argument | ((error: Error | null, answer: number) => void))[]): void;
}

export type Libc = { readonly [name in keyof typeof declarations]: Call };

let loaded: Libc | null = null;

/** Loaded at the first call in each thread. Throws `mount-unsupported` elsewhere than on Linux. */
export function libc(): Libc {
  if (loaded !== null) return loaded;
  if (process.platform !== 'linux') throw new MountError('mount-unsupported');
  const library = koffi.load(null);
  const functions = Object.entries(declarations).map(([name, text]) => [name, library.func(text)] as const);
  loaded = Object.fromEntries(functions) as unknown as Libc;
  return loaded;
}

/** Only right after a failed call of this thread. */
export function lastErrno(): number {
  return koffi.errno();
}

/** For example "EPERM". */
export function errnoName(errno: number): string {
  return Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
}

/** With the NUL that ends it. */
export function cString(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${text}\0`));
}

export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/** Runs a call on another thread, so that a mount can be served while it lasts. `-errno` when it fails. */
export function callAside(call: Call, ...args: readonly Argument[]): Promise<number> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, answer: number) => {
      if (error !== null) reject(error);
      else resolve(answer < 0 ? -lastErrno() : answer);
    });
  });
}
