/*
 * From errno to the codes of the entry list, in one place.
 */
import type { EntryErrorCode } from '@twinvault/engine';
import { SourceReadError, TargetWriteError } from '../errors.ts';
import { errnos } from './constants.ts';
import { errnoName } from './libc.ts';

/** What a failed call on the way to reading an entry means for it. */
export function readFailureCode(errno: number): EntryErrorCode {
  switch (errno) {
    case errnos.ENOENT:
    case errnos.ESTALE:
      return 'entry-vanished';
    case errnos.EACCES:
    case errnos.EPERM:
      return 'entry-denied';
    case errnos.ELOOP:
    case errnos.ENOTDIR:
    case errnos.EISDIR:
    case errnos.ENXIO:
      return 'entry-changed';
    case errnos.ENAMETOOLONG:
      return 'entry-name-invalid';
    default:
      return 'entry-unreadable';
  }
}

/** `answer` is `-errno`. */
export function readError(call: string, answer: number): SourceReadError {
  return new SourceReadError(readFailureCode(-answer), { call, errno: errnoName(-answer) });
}

/** `answer` is `-errno`. A full or read-only file system ends the restore; everything else is the one entry's. */
export function writeError(call: string, answer: number): TargetWriteError {
  return new TargetWriteError(writeFailureCode(-answer), { call, errno: errnoName(-answer) });
}

function writeFailureCode(errno: number): EntryErrorCode | 'target-full' | 'target-read-only' {
  switch (errno) {
    case errnos.ENOSPC:
    case errnos.EDQUOT:
      return 'target-full';
    case errnos.EROFS:
      return 'target-read-only';
    case errnos.EACCES:
    case errnos.EPERM:
      return 'entry-denied';
    case errnos.ENAMETOOLONG:
      return 'entry-name-invalid';
    default:
      return 'entry-not-restored';
  }
}

/** For example "EACCES fgetxattr"; `answer` is `-errno`. */
export function failureDetail(call: string, answer: number): string {
  return `${errnoName(-answer)} ${call}`;
}
