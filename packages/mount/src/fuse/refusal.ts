/*
 * What fusermount3 says when it does not mount, as an error with a way out. It speaks English only (libfuse 3.14, util/fusermount.c); what is
 * not known here stays its own words.
 */
import { MountError } from '../errors.ts';
import type { MountErrorCode } from '../errors.ts';

const known: readonly (readonly [RegExp, MountErrorCode])[] = [
  [/\/dev\/fuse: permission denied/iu, 'mount-device-closed'],
  [/user_allow_other/u, 'mount-others-denied'],
  [/no write access to mountpoint|mountpoint .*not owned by user/u, 'mount-folder-denied'],
  [/device not found|\/dev\/fuse: no such (?:file|device)/iu, 'mount-unsupported'],
  [/too many FUSE filesystems/u, 'mount-too-many'],
];

/** `said`: all of its standard error. */
export function refusalOf(said: string, localPath: string): MountError {
  const code = known.find(([words]) => words.test(said))?.[1] ?? 'mount-denied';
  const reason = said.replace(/^fusermount3: /u, '').trim();
  return new MountError(code, { context: { reason, localPath } });
}
