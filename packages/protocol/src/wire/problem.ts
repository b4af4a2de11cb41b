/*
 * Errors on the wire: `application/problem+json` (RFC 9457) with the fields of a `CodedError`. The table below is the one place where a code becomes an
 * HTTP status; whoever reads an answer goes by the code alone.
 *
 * Invariant: `localPath` never leaves the machine, and what is no `CodedError` is told as `vault-failed` without a word of its message.
 */

import { formatErrorCodes } from '@twinvault/format';
import { CodedError, utf8Decode, utf8Encode } from '@twinvault/std';
import type { ErrorContext } from '@twinvault/std';
import { ProtocolError, protocolErrorCodes } from '../errors.ts';
import type { ProtocolErrorCode } from '../errors.ts';
import { problemBytesMax, problemContextMax } from '../limits.ts';
import { checkJson } from './check-json.ts';
import { problemJson } from './site-json.ts';
import type { Problem } from './site-json.ts';

/** Codes of `format` mean that what was sent is not what it should be: 422, but for those that contradict what stands. */
const statuses: Readonly<Partial<Record<ProtocolErrorCode, number>>> = {
  'base-unknown': 409,
  'capability-ended': 401,
  'capability-invalid': 401,
  'clean-stopped': 409,
  'clock-jumped': 409,
  'database-away': 503,
  erased: 410,
  'frames-invalid': 400,
  'head-moved': 409,
  'job-busy': 409,
  'label-taken': 409,
  'lease-lost': 409,
  'ledger-behind': 409,
  'ledger-conflict': 409,
  'ledger-forked': 409,
  'not-home': 409,
  'object-too-large': 413,
  'object-unknown': 404,
  'origin-missing': 409,
  'plan-unknown': 409,
  'pack-short': 416,
  'pack-too-large': 413,
  'pack-unknown': 404,
  'quota-reached': 507,
  'record-unknown': 404,
  'request-invalid': 400,
  'request-slow': 408,
  'request-too-large': 413,
  'route-unknown': 404,
  'safe-exists': 409,
  'safe-unknown': 404,
  'slots-mismatch': 409,
  'store-away': 503,
  'task-unknown': 404,
  'vault-busy': 503,
  'vault-full': 507,
  'verb-denied': 403,
};

/** The status of a refusal; what is no fault of the request's is 500. */
export function statusOf(code: ProtocolErrorCode): number {
  return statuses[code] ?? (code in formatErrorCodes ? 422 : 500);
}

/** What is told of an error. `localPath` is left out; what was not thrown on purpose is `vault-failed`. */
export function problemOf(error: unknown): Problem {
  const told = isProtocolCode(error) ? error : new ProtocolError('vault-failed');
  return {
    type: 'about:blank',
    status: statusOf(told.code),
    code: told.code,
    retry: told.retry,
    context: contextOf(told.context),
  };
}

function isProtocolCode(error: unknown): error is CodedError<ProtocolErrorCode> {
  return error instanceof CodedError && isKnown(error.code);
}

function isKnown(code: string): code is ProtocolErrorCode {
  return Object.hasOwn(protocolErrorCodes, code) || Object.hasOwn(formatErrorCodes, code);
}

function contextOf(context: ErrorContext): Problem['context'] {
  const told: Problem['context'] = {};
  for (const [key, value] of Object.entries(context).slice(0, problemContextMax)) {
    if (key !== 'localPath') told[key] = typeof value === 'bigint' ? String(value) : value;
  }
  return told;
}

export function encodeProblem(problem: Problem): Uint8Array {
  return utf8Encode(JSON.stringify(problem));
}

/** The error that a refusal tells; null when the body is no problem of this protocol: a proxy or another program answers. */
export function errorOfProblem(body: Uint8Array): ProtocolError | null {
  if (body.length > problemBytesMax) return null;
  let problem: Problem;
  try {
    problem = checkJson(problemJson, utf8Decode(body) ?? '');
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
  const { code, context, status } = problem;
  if (!isKnown(code)) return new ProtocolError('answer-invalid', { context: { status, code } });
  const { localPath: _, ...rest } = context;
  return new ProtocolError(code, { context: rest });
}
