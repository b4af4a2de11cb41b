/*
 * The one error type of the whole code base, and the shape of every package's table of error codes.
 *
 * A code is a stable word: programs, the wire and docs/errors.md name it, so it never changes its meaning and is never
 * used again for another. What our own bug breaks is no CodedError but a failed assertion.
 *
 * Invariant: nothing in an error may open data. Context holds ids, sizes and counts, never a path, name, key or token.
 */

/** `later`: the same call may succeed without anybody changing anything. `never`: it will fail again. */
export type Retry = 'never' | 'later';

/** One row of a package's table: what docs/errors.md prints. */
export interface ErrorCodeEntry {
  readonly retry: Retry;
  readonly meaning: string;
}

/** Code to row. Each package exports one, named `<package>ErrorCodes`, from its `errors.ts`, written `as const`. */
export type ErrorCodeTable<Code extends string = string> = { readonly [code in Code]: ErrorCodeEntry };

/** Ids, sizes and counts that help to find the cause; never a path, name, key or token. */
export type ErrorContext = Readonly<Record<string, string | number | bigint | boolean>>;

export interface ErrorDetails {
  readonly context?: ErrorContext;
  readonly cause?: unknown;
}

/** Base of every package's own error class. The message is the code and its meaning; it holds nothing of the context. */
export class CodedError<Code extends string = string> extends Error {
  override name = 'CodedError';
  readonly code: Code;
  readonly retry: Retry;
  readonly context: ErrorContext;

  constructor(table: ErrorCodeTable<Code>, code: Code, details: ErrorDetails = {}) {
    const { retry, meaning } = table[code];
    super(`${code}: ${meaning}`, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.retry = retry;
    this.context = details.context ?? {};
  }
}

/** The codes that std itself throws. */
export const stdErrorCodes = {
  'bytes-invalid': {
    retry: 'never',
    meaning: 'Bytes from outside do not follow their format.',
  },
  'bytes-short': {
    retry: 'never',
    meaning: 'Bytes from outside end before the value that they should hold.',
  },
  'database-busy': {
    retry: 'later',
    meaning: 'Another process holds the local database, and did not let go within the time allowed.',
  },
  'database-failed': {
    retry: 'never',
    meaning: 'The local database refused a statement or is damaged.',
  },
  'file-denied': {
    retry: 'never',
    meaning: 'The operating system does not permit the access to a file.',
  },
  'file-disk-full': {
    retry: 'later',
    meaning: 'The file system has no space left, or a quota is used up.',
  },
  'file-exists': {
    retry: 'never',
    meaning: 'Something else already has the name that a file or directory should get.',
  },
  'file-failed': {
    retry: 'later',
    meaning: 'The operating system reports a failure while a file is read or written.',
  },
  'file-missing': {
    retry: 'never',
    meaning: 'A file or a directory that must be there is missing.',
  },
  'file-read-only': {
    retry: 'never',
    meaning: 'The file system can only be read.',
  },
  'file-too-large': {
    retry: 'never',
    meaning: 'A file is larger than its limit, so it was refused before it was read.',
  },
  'limit-exceeded': {
    retry: 'never',
    meaning: 'A length, count or depth from outside is above its limit, so it was refused before it was read.',
  },
  'network-answer-too-large': {
    retry: 'never',
    meaning: 'The other side answers with more bytes than the limit for this request.',
  },
  'network-proxy-refused': {
    retry: 'never',
    meaning: 'The proxy on the way to the other side does not let the connection through, or wants another sign-in.',
  },
  'network-timeout': {
    retry: 'later',
    meaning: 'The exchange with the other side took longer than allowed.',
  },
  'network-unreachable': {
    retry: 'later',
    meaning: 'The other side cannot be reached, or the connection broke or could not be secured.',
  },
  'network-untrusted': {
    retry: 'never',
    meaning: 'The certificate of the other side is none that is trusted here.',
  },
  'thread-failed': {
    retry: 'never',
    meaning: 'A worker thread ended by itself.',
  },
} as const;

export type StdErrorCode = keyof typeof stdErrorCodes;

export class StdError extends CodedError<StdErrorCode> {
  override name = 'StdError';

  constructor(code: StdErrorCode, details?: ErrorDetails) {
    super(stdErrorCodes, code, details);
  }
}
