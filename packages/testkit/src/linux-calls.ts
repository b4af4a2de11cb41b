/*
 * The few system calls that tests need beside node:fs to make and to look at Linux files. On purpose not those of the
 * sources package: a mistake there must not hide itself from the tests.
 *
 * A file is given as a `Place`: a directory's descriptor and a name in it, which also works where no path is short enough.
 */
import { closeSync, constants, openSync } from 'node:fs';
import koffi from 'koffi';

type Call = (...args: unknown[]) => number;

let functions: Record<string, Call> | null = null;

function call(name: string, ...args: unknown[]): number {
  functions ??= load();
  const answer = (functions[name] as Call)(...args);
  if (answer >= 0) return answer;
  const errno = koffi.errno();
  const code = Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
  throw Object.assign(new Error(`${code}: ${name}`), { code });
}

function load(): Record<string, Call> {
  const library = koffi.load(null);
  const texts = [
    'int mknod(void *path, uint mode, uint64 device)',
    'int utimensat(int, void *path, void *times, int flags)',
    'int64 lseek(int, int64 offset, int whence)',
    'long llistxattr(void *path, void *list, size_t)',
    'long lgetxattr(void *path, void *name, void *value, size_t)',
    'int lsetxattr(void *path, void *name, void *value, size_t, int)',
    'int lchown(void *path, uint, uint)',
  ];
  return Object.fromEntries(texts.map((text) => [/(\w+)\(/.exec(text)?.[1] ?? '', library.func(text) as unknown as Call]));
}

/** An open directory: everything in it is reached below its descriptor. Close it. */
export class OpenDirectory {
  readonly fd: number;

  constructor(path: string | Buffer) {
    this.fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | 0o1000000);
  }

  /** A path to the name that the kernel resolves from the descriptor. */
  path(name: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.fd}/`), Buffer.from(name)]);
  }

  /** A path to the directory itself. */
  get self(): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}/.`);
  }

  /** For listing, which needs no right to search it. */
  get listing(): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}`);
  }

  open(name: string | Buffer): OpenDirectory {
    return new OpenDirectory(this.path(name));
  }

  close(): void {
    closeSync(this.fd);
  }
}

function ended(bytes: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(bytes), Buffer.alloc(1)]);
}

/** `device`: major and minor as the kernel packs them. */
export function mknod(path: Buffer, mode: number, [major, minor]: readonly [number, number] = [0, 0]): void {
  const device = (minor & 0xff) + major * 256 + Math.floor(minor / 256) * 2 ** 20;
  call('mknod', ended(path), mode, device);
}

/** Both times, a link's own. */
export function setTimes(path: Buffer, nanos: bigint): void {
  const billion = 1_000_000_000n;
  const rest = ((nanos % billion) + billion) % billion;
  const seconds = (nanos - rest) / billion;
  call('utimensat', -100, ended(path), new BigInt64Array([seconds, rest, seconds, rest]), 0x100);
}

export function changeOwner(path: Buffer, uid: number, gid: number): void {
  call('lchown', ended(path), uid, gid);
}

export function setXattr(path: Buffer, name: string, value: Uint8Array): void {
  call('lsetxattr', ended(path), ended(name), value, value.length, 0);
}

/** Name (one char per byte) to value, in hexadecimal; of a link its own. */
export function xattrsOf(path: Buffer): Map<string, string> {
  const list = Buffer.alloc(65_536);
  const length = call('llistxattr', ended(path), list, list.length);
  const names = list.subarray(0, length).toString('latin1').split('\0').slice(0, -1).sort();
  const value = Buffer.alloc(65_536);
  return new Map(
    names.map((name) => {
      const count = call('lgetxattr', ended(path), ended(Buffer.from(name, 'latin1')), value, value.length);
      return [name, value.subarray(0, count).toString('hex')];
    }),
  );
}

/** Ranges with data as [start, end), by SEEK_DATA and SEEK_HOLE. */
export function dataRangesOf(fd: number, sizeBytes: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let offset = 0; offset < sizeBytes;) {
    let start: number;
    try {
      start = call('lseek', fd, offset, 3);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENXIO') break;
      throw error;
    }
    const end = call('lseek', fd, start, 4);
    ranges.push([start, end]);
    offset = end;
  }
  return ranges;
}
