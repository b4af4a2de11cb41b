/* Errors of the operating system as codes of std. */

import { StdError, type StdErrorCode } from '../errors.ts';

const codes: Readonly<Record<string, StdErrorCode>> = {
  ENOENT: 'file-missing',
  ENOTDIR: 'file-missing',
  EEXIST: 'file-exists',
  ENOTEMPTY: 'file-exists',
  EACCES: 'file-denied',
  EPERM: 'file-denied',
  ENOSPC: 'file-disk-full',
  EDQUOT: 'file-disk-full',
  EROFS: 'file-read-only',
  EFBIG: 'file-too-large',
};

/** `ENOENT`, …; '' when the error does not come from the operating system. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The path is in the context as `localPath`, the cause names it too: neither leaves the device. */
export function fileError(error: unknown, path: string): StdError {
  if (error instanceof StdError) return error;
  const code = systemCode(error);
  return new StdError(codes[code] ?? 'file-failed', { context: { localPath: path, systemCode: code }, cause: error });
}
