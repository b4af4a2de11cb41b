/*
 * The file source on Linux: what the engine's scan listens to, and where workers find the reader.
 */
import type { FileSource, ScanEvent, ScanRules } from '@twinvault/engine';
import type { Platform } from '@twinvault/std';
import { SourcesError } from '../errors.ts';
import { componentsOf, keyOf, parseAbsolutePath } from '../paths.ts';
import { AT_FDCWD, errnos, openFlags } from './constants.ts';
import { DirectoryCache } from './directory-cache.ts';
import { granularityNanos, granularityOfType } from './file-systems.ts';
import { errnoName } from './libc.ts';
import { readMounts } from './mounts.ts';
import type { SourceReaderConfig } from './reader.ts';
import { orderedScan } from './ordered-scan.ts';
import type { OrderedScanOptions } from './ordered-scan.ts';
import { keysAboveRoots } from './roots.ts';
import { decodeStatus, newStatusBuffer } from './status.ts';
import { system } from './system.ts';

const { O_RDONLY, O_DIRECTORY, O_PATH, O_NOFOLLOW } = openFlags;
const rootPath = new Uint8Array([0x2f]);

export interface LinuxFileSourceOptions {
  /** Absolute paths of the file system, as bytes: "/usr/share". At least one. */
  readonly roots: readonly Uint8Array[];
  readonly rules: ScanRules;
  /** A scan that lasts goes on in threads; without them all is scanned where it is asked for. */
  readonly platform?: Pick<Platform, 'threads' | 'clock'>;
}

/**
 * A source over these roots. Throws SourcesError `root-invalid` for a path that is not absolute or holds "." or "..",
 * `root-missing` and `root-denied` for one that is not there or cannot be reached, `platform-unsupported`.
 *
 * The walk is synchronous between two batches: who needs the event loop to turn while it lasts lets it turn there.
 */
export function linuxFileSource({ roots: paths, rules, platform }: LinuxFileSourceOptions): FileSource {
  const roots = paths.map((path) => {
    const root = parseAbsolutePath(path);
    if (root === null) throw new SourcesError('root-invalid', { localPath: Buffer.from(path).toString() });
    return root;
  });
  if (roots.length === 0) throw new SourcesError('root-invalid', { roots: 0 });
  const config: SourceReaderConfig = { roots };
  return {
    roots,
    granularityNanos: Math.max(checkRoots(roots), rules.oneFileSystem ? 0 : granularityOfMounts(roots)),
    reader: { module: new URL('reader.ts', import.meta.url).href, config },
    scan: (signal, last = null) => scan({ roots, rules, platform: platform ?? null, last }, signal),
  };
}

/** Reads files wherever they lie, for comparing them with what was stored: roots are not known then. */
export function linuxFileReader(): FileSource['reader'] {
  const config: SourceReaderConfig = { roots: [], anyLinks: true };
  return { module: new URL('reader.ts', import.meta.url).href, config };
}

async function* scan(options: OrderedScanOptions, signal: AbortSignal): AsyncIterable<readonly ScanEvent[]> {
  signal.throwIfAborted();
  checkRoots(options.roots);
  yield* orderedScan(options, signal);
}

/** That each root is there. The coarsest granularity of the file systems that they lie on, in ns. */
function checkRoots(roots: readonly Uint8Array[]): number {
  const calls = system();
  const baseFd = calls.openAt(AT_FDCWD, rootPath, O_RDONLY | O_DIRECTORY);
  const above = keysAboveRoots(roots);
  const directories = new DirectoryCache(calls, { baseFd, mayFollow: (key) => above.has(key) });
  try {
    return Math.max(...roots.map((root) => checkRoot(directories, root)));
  } finally {
    directories.close();
  }
}

/** The coarsest granularity of what is mounted below the roots, in ns. */
function granularityOfMounts(roots: readonly Uint8Array[]): number {
  const keys = roots.map((root) => (root.length === 0 ? '' : `${keyOf(root)}\0`));
  const below = readMounts(system()).filter(({ path }) => keys.some((key) => keyOf(path).startsWith(key)));
  return Math.max(0, ...below.map(({ type }) => granularityOfType(type)));
}

function checkRoot(directories: DirectoryCache, root: Uint8Array): number {
  const calls = system();
  const name = (componentsOf(root) ?? []).at(-1) ?? new Uint8Array([0x2e]);
  const directoryFd = directories.open(root.subarray(0, Math.max(0, root.length - name.length - 1)));
  const fd = directoryFd < 0 ? directoryFd : calls.openAt(directoryFd, name, O_PATH | O_NOFOLLOW);
  if (fd < 0) {
    const denied = fd === -errnos.EACCES || fd === -errnos.EPERM;
    const localPath = `/${Buffer.from(root).toString().replaceAll('\0', '/')}`;
    throw new SourcesError(denied ? 'root-denied' : 'root-missing', { errno: errnoName(-fd), localPath });
  }
  try {
    const status = newStatusBuffer();
    const { ctimeNanos } = calls.statFd(fd, status) < 0 ? { ctimeNanos: 0 } : decodeStatus(status);
    return granularityNanos(calls.fileSystem(fd)?.magic ?? 0, ctimeNanos);
  } finally {
    calls.close(fd);
  }
}
