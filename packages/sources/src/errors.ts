/*
 * What this package throws. An error about one entry carries the code of the entry list (engine's source port) and, in
 * `detail`, the call and errno for the local report; it never carries a path. Errors about a whole run have codes of
 * their own and may carry `localPath`, a context key that stays on the device.
 */
import { CodedError } from '@twinvault/std';

export const sourcesErrorCodes = {
  'entry-denied': { retry: 'never', meaning: 'The operating system does not permit the access to an entry.' },
  'entry-vanished': { retry: 'never', meaning: 'An entry was listed and is gone now.' },
  'entry-unreadable': { retry: 'later', meaning: 'The operating system failed to read an entry.' },
  'entry-changed': { retry: 'later', meaning: 'An entry became another kind of entry while it was looked at.' },
  'entry-name-invalid': { retry: 'never', meaning: 'A name is empty, too long, "." or "..", or holds "/" or NUL.' },
  'entry-unsupported': { retry: 'never', meaning: 'An entry is of a kind that this platform does not know.' },
  'entry-not-restored': { retry: 'never', meaning: 'An entry could not be put where it belongs.' },
  'metadata-not-restored': { retry: 'never', meaning: 'An entry is restored, but not all that was known about it.' },
  'root-invalid': { retry: 'never', meaning: 'A path to protect is not absolute, or holds "." or ".." or NUL.' },
  'root-missing': { retry: 'never', meaning: 'A path to protect does not exist.' },
  'root-denied': { retry: 'never', meaning: 'A path to protect cannot be reached with the rights of this process.' },
  'platform-unsupported': { retry: 'never', meaning: 'This operating system or processor is not supported.' },
  'target-invalid': { retry: 'never', meaning: 'The folder to restore into is not an absolute path, or not a folder.' },
  'target-denied': { retry: 'never', meaning: 'The folder to restore into cannot be opened or made.' },
  'target-full': { retry: 'later', meaning: 'The file system to restore into has no space left, or a quota is used up.' },
  'target-read-only': { retry: 'never', meaning: 'The file system to restore into is mounted read-only.' },
} as const;

export type SourcesErrorCode = keyof typeof sourcesErrorCodes;

/** Which system call said what; for the report on this device. */
export interface FailedCall {
  readonly call: string;
  /** For example EACCES; empty when no call failed but a check. */
  readonly errno: string;
}

/** About a run as a whole: its roots, its target's folder, the platform. */
export class SourcesError extends CodedError<SourcesErrorCode> {
  override name = 'SourcesError';

  constructor(code: SourcesErrorCode, context: Readonly<Record<string, string | number>> = {}) {
    super(sourcesErrorCodes, code, { context });
  }
}

class EntryProblem extends CodedError<SourcesErrorCode> {
  /** For the local report, for example "EACCES openat". */
  readonly detail: string;

  constructor(code: SourcesErrorCode, { call, errno }: FailedCall) {
    super(sourcesErrorCodes, code, { context: { call, errno } });
    this.detail = errno === '' ? call : `${errno} ${call}`;
  }
}

/** One entry cannot be read. The code is one of `EntryErrorCode`. */
export class SourceReadError extends EntryProblem {
  override name = 'SourceReadError';
}

/** One entry cannot be written; with the codes `target-full` and `target-read-only` none can. */
export class TargetWriteError extends EntryProblem {
  override name = 'TargetWriteError';
}
