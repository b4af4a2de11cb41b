/*
 * A new file system to restore into. On ext4, files are made up to ten times slower after many were deleted, and a file system that
 * several programs used in turn is never the same twice. So each restore gets a new ext4 on a sparse image in memory, mounted by
 * loop; without root, or where loop is not to be had, a new folder in memory or on disk, and the table says which.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import type { TreeSize } from '../inputs/input.ts';

export interface FreshFileSystem extends Disposable {
  /** An empty folder. */
  readonly path: string;
  /** For the reader of the table. */
  readonly kind: string;
}

const memoryFolder = '/dev/shm';

/** Room for the contents, block by block, for inodes and for the journal. */
function neededBytes({ bytes, files }: TreeSize): number {
  return Math.round(bytes * 1.15 + files * 6000 + 160e6);
}

/** `folder`: on disk, for what does not fit into memory. */
export function freshFileSystem(folder: string, size: TreeSize): FreshFileSystem {
  const bytes = neededBytes(size);
  const fits = existsSync(memoryFolder) && availableBytes(memoryFolder) > 2 * bytes && freemem() > 2 * bytes;
  const base = mkdtempSync(join(fits ? memoryFolder : folder, 'twinvault-bench-'));
  const place = fits ? 'in memory' : 'on disk';
  if (process.getuid?.() === 0) {
    const image = join(base, 'image');
    const path = join(base, 'mounted');
    if (mountImage({ image, path, bytes, files: size.files })) {
      return { path, kind: `ext4 ${place}`, [Symbol.dispose]: () => unmount(base, path) };
    }
    rmSync(image, { force: true });
  }
  const path = join(base, 'folder');
  mkdirSync(path);
  const kind = fits ? 'tmpfs' : 'folder on disk';
  return { path, kind, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}

function availableBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

interface Image {
  readonly image: string;
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
}

function mountImage({ image, path, bytes, files }: Image): boolean {
  writeFileSync(image, '');
  truncateSync(image, bytes);
  mkdirSync(path, { recursive: true });
  // Nothing is left to be initialised in the background, while a restore is measured.
  const extended = 'lazy_itable_init=0,lazy_journal_init=0,nodiscard';
  const inodes = String(Math.round(files * 1.5) + 4096);
  const made = spawnSync('mkfs.ext4', ['-q', '-F', '-E', extended, '-N', inodes, image], { stdio: 'ignore' });
  return made.status === 0 && spawnSync('mount', ['-o', 'loop', image, path], { stdio: 'ignore' }).status === 0;
}

function unmount(base: string, path: string): void {
  execFileSync('umount', [path], { stdio: 'pipe' });
  rmSync(base, { recursive: true, force: true });
}
