/*
 * What a failure at one site means while there is another one. Three kinds: the site as a whole cannot serve now, it lacks this one thing, or it answered
 * and that is the answer.
 */
import { CodedError } from '@twinvault/std';
import type { ProtocolErrorCode } from '../errors.ts';

/** The site cannot serve, whatever it is asked: the other one is. */
const awayCodes: ReadonlySet<string> = new Set<ProtocolErrorCode>([
  'answer-invalid',
  'capability-ended',
  'capability-invalid',
  'clocks-apart',
  'database-away',
  'lease-lost',
  'network-answer-too-large',
  'network-proxy-refused',
  'network-timeout',
  'network-unreachable',
  'network-untrusted',
  'route-unknown',
  'store-away',
  'store-unfit',
  'vault-busy',
  'vault-denied',
  'vault-failed',
  'vault-foreign',
  'vault-missing',
  'vault-newer',
  'verb-denied',
]);

/** The site serves, and does not have this, or not whole. */
const lackCodes: ReadonlySet<string> = new Set<ProtocolErrorCode>([
  'object-unknown',
  'pack-short',
  'pack-unknown',
  'record-unknown',
  'safe-unknown',
  'vault-damaged',
]);

/** The site takes nothing more, though it may give. */
const shutCodes: ReadonlySet<string> = new Set<ProtocolErrorCode>([
  'ledger-behind',
  'quota-reached',
  'vault-full',
  'vault-read-only',
]);

export type SiteFailure = 'away' | 'lacks' | 'shut';

/** Null: no failure of the site, but its answer, or an error of ours. */
export function siteFailure(error: unknown): SiteFailure | null {
  if (!(error instanceof CodedError)) return null;
  if (awayCodes.has(error.code)) return 'away';
  if (lackCodes.has(error.code)) return 'lacks';
  return shutCodes.has(error.code) ? 'shut' : null;
}
