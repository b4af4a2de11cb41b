/*
 * The one error type of the whole code base, and the shape of every package's table of error codes.
 *
 * A code is a stable word: programs, the wire and docs/errors.md name it, so it never changes its meaning and is never
 * used again for another. What our own bug breaks is no CodedError but a failed assertion.
 *
 * Invariant: no message, log line or answer that can leave the device holds a path, name, key or token. Context holds ids,
 * sizes and counts; a path that the machine's own user may see stands under `localPath`, which nothing sends anywhere.
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

/** Ids, sizes and counts that help to find the cause, and at most `localPath`; never a key or token. */
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
  'limit-exceeded': {
    retry: 'never',
    meaning: 'A length, count or depth from outside is above its limit, so it was refused before it was read.',
  },
} as const;

export type StdErrorCode = keyof typeof stdErrorCodes;

export class StdError extends CodedError<StdErrorCode> {
  override name = 'StdError';

  constructor(code: StdErrorCode, details?: ErrorDetails) {
    super(stdErrorCodes, code, details);
  }
}
