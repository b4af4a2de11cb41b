/* Where in a ledger the entry of a proposal stands. */

import type { Ledger } from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { proposalBytes } from './proposal.ts';
import type { EntryPlace } from './proposal.ts';

/** After what it holds now. */
export function nextPlace(ledger: Ledger): EntryPlace {
  const { number, digest, root } = ledger.head;
  return { number: number + 1, previous: toHex(digest), root: toHex(root) };
}

/** `proposal-invalid` for another safe's; `proposal-stale` when the ledger went on since. */
export function demandPlace(ledger: Ledger, safe: string, place: EntryPlace): void {
  const { number, digest } = ledger.head;
  demandSafe(ledger, safe);
  if (place.number !== number + 1 || !equalBytes(proposalBytes(place.previous, 32), digest))
    throw new ProtocolError('proposal-stale', { context: { safe, number } });
}

/** `proposal-invalid` for another safe's. */
export function demandSafe(ledger: Ledger, safe: string): void {
  if (!equalBytes(proposalBytes(safe, 16), ledger.descriptor.safe))
    throw new ProtocolError('proposal-invalid', { context: { defect: 'safe' } });
}
