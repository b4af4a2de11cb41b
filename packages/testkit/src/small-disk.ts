/* A real disk (tmpfs) of a size of the test's own, to be filled up. Needs the right to mount; Linux alone. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';

export interface SmallDisk {
  readonly path: string;
  /** Takes all room but so many bytes, until `free`. */
  fill(leftBytes: number): void;
  free(): void;
  /** Also while files are open there. */
  unmount(): void;
}

/** At `path`, which is made. Null where this user may not mount. */
export function mountSmallDisk(path: string, bytes: number): SmallDisk | null {
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'pipe' });
  } catch {
    rmSync(path, { recursive: true });
    return null;
  }
  const ballast = `${path}/ballast`;
  return {
    path,
    fill: (leftBytes) => {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(ballast, new Uint8Array(Math.max(0, bavail * bsize - leftBytes)));
    },
    free: () => rmSync(ballast),
    unmount: () => {
      execFileSync('umount', ['--lazy', path]);
    },
  };
}
