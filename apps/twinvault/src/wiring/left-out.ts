/** Safes that were left out of what is done to several, each with the reason. */
import { ProtocolError } from '@twinvault/protocol';
import type { SafeSummary } from '@twinvault/protocol';
import { CodedError, toHex } from '@twinvault/std';

export interface LeftOut {
  readonly label: string;
  /** Hexadecimal. */
  readonly safe: string;
  readonly code: string;
}

/** What keeps one safe from it and is no failure of the site; anything else is thrown on. */
export function leftOut({ safe, label }: SafeSummary, error: unknown): LeftOut {
  if (error instanceof CodedError && !(error instanceof ProtocolError && error.retry === 'later'))
    return { label, safe: toHex(safe), code: error.code };
  throw error;
}

export function leftLines(left: readonly LeftOut[], reasons: Readonly<Record<string, string>>): string[] {
  return left.map(({ label, safe, code }) => `  left out: "${label}" (${safe}): ${reasons[code] ?? allReasons[code] ?? code}`);
}

const allReasons: Readonly<Record<string, string>> = {
  'operator-unknown': 'you are none of its operators',
  'operator-alone': 'it has no second operator',
  'proposal-stale': 'its ledger went on since',
  'ledger-conflict': 'its ledger went on since',
  'safe-unknown': 'it is not at this site',
};

export function countOfSafes(number: number): string {
  return number === 1 ? 'one safe' : `${number} safes`;
}
