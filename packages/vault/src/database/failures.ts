/*
 * What drivers report, sorted: what passes by itself, and what the site says about the rest. Codes of PostgreSQL:
 * https://www.postgresql.org/docs/15/errcodes-appendix.html, of SQLite: https://www.sqlite.org/rescode.html.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import { CodedError } from '@twinvault/std';

/** Serialization failure, deadlock, shutdown by the administrator or a crash, still starting, too many connections. */
const passing: ReadonlySet<string> = new Set([
  '40001',
  '40P01',
  '53300',
  '55P03',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_BUSY_RECOVERY',
  'SQLITE_LOCKED',
]);

const siteCodes: Readonly<Record<string, ProtocolErrorCode>> = {
  '28000': 'vault-denied',
  '28P01': 'vault-denied',
  '42501': 'vault-denied',
  '53100': 'vault-full',
  '25006': 'vault-read-only',
  EACCES: 'vault-denied',
  SQLITE_CANTOPEN: 'vault-denied',
  SQLITE_FULL: 'vault-full',
  SQLITE_READONLY: 'vault-read-only',
  SQLITE_PERM: 'vault-denied',
  SQLITE_CORRUPT: 'vault-damaged',
  SQLITE_NOTADB: 'vault-damaged',
};

/** pg has no code for a connection that ended beneath a statement, or that could not be had in time. */
const endedConnection =
  /^(?:Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|server closed the connection)/;

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** The same change may succeed soon, without anybody doing anything. */
export function mayTryAgain(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(mayTryAgain);
  const code = codeOf(error);
  if (code !== null) return passing.has(code) || code.startsWith('08');
  return error instanceof Error && endedConnection.test(error.message);
}

/** What the site says; what breaks a rule of the schema is our bug and stays what it is. */
export function asSiteError(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const code = codeOf(error);
  if (
    code !== null &&
    (code.startsWith('23') || code.startsWith('42') || code.startsWith('SQLITE_CONSTRAINT')) &&
    !(code in siteCodes)
  ) {
    return error;
  }
  if (code === null && !mayTryAgain(error)) return error;
  const systemCode = code ?? 'connection ended';
  const known = siteCodes[systemCode] ?? siteCodes[systemCode.split('_').slice(0, 2).join('_')] ?? 'database-away';
  return new ProtocolError(known, { context: { systemCode }, cause: error });
}
