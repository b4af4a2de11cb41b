/*
 * What tests need of the system and cannot have everywhere: small file systems of their own, and another user. Without the
 * rights for it a test is skipped with a sentence that says why.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launcher } from './command.ts';

/** "nobody" everywhere. */
export const otherUser = 65_534;

const isRoot = process.getuid?.() === 0;

function works(command: string, words: readonly string[]): boolean {
  return spawnSync(command, words, { stdio: 'ignore' }).status === 0;
}

/** False, or why no file system can be mounted here. */
export function cannotMount(): false | string {
  if (process.platform !== 'linux') return 'mounting is tested on Linux';
  if (!isRoot) return 'mounting needs root';
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-mount-'));
  try {
    if (!works('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'twinvault-test', folder]))
      return 'this system does not let tests mount anything';
    execFileSync('umount', [folder]);
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** False, or why nothing can be run as another user. */
export function cannotSwitchUser(): false | string {
  if (process.platform !== 'linux') return 'switching users is tested on Linux';
  if (!isRoot) return 'switching users needs root';
  const id = String(otherUser);
  const words = ['--reuid', id, '--regid', id, '--clear-groups', launcher, '--version'];
  return works('setpriv', words) ? false : 'the repository is not readable for other users, or setpriv is missing';
}

export class SmallDisk {
  readonly path: string;

  /** A file system in memory, mounted at this new directory. */
  constructor(path: string, mebibytes: number) {
    this.path = path;
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0755`, 'twinvault-test', path]);
  }

  remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.path]);
  }

  unmount(): void {
    execFileSync('umount', [this.path]);
  }
}

/** So that another user can reach what lies below a place of tests. */
export function openForOthers(path: string): void {
  chmodSync(path, 0o755);
}
