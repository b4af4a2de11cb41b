/* Proposals that move the home of safes: docs/format/records.md, A home that was moved. */

import { encodeLedgerEntry, ledgerSecondMessage, safeId, siteId } from '@twinvault/format';
import type { Ledger, LedgerEntry, SiteId } from '@twinvault/format';
import { equalBytes, fromHex, toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import type { OperatorKey } from './operator-key.ts';
import { completeAct, proposeAct } from './proposal.ts';
import type { ActForm, HomeFacts, ProposedAct } from './proposal.ts';

const form: ActForm<HomeFacts> = {
  secondMessage: (facts, signer) => ledgerSecondMessage(entryOf(facts, signer, new Uint8Array(64))),
  encode: (facts, { signer, other }, sign) => encodeLedgerEntry(entryOf(facts, signer, other), sign),
};

function entryOf(facts: HomeFacts, signer: Uint8Array, other: Uint8Array): LedgerEntry {
  const { safe, number, previous, root, created, epoch, site } = facts;
  return {
    safe: safeId(bytesOf(safe)),
    number,
    previous: bytesOf(previous),
    root: bytesOf(root),
    createdMs: created,
    signer,
    payload: { kind: 'home', epoch, site: siteId(bytesOf(site)), other },
  };
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new ProtocolError('proposal-invalid', { context: { defect: 'digits' } });
  return bytes;
}

export interface HomeMove {
  readonly ledger: Ledger;
  readonly site: SiteId;
  readonly createdMs: number;
}

/** The next entry of the ledger, with the next home epoch. `operator-unknown`, `operator-alone`. */
export function proposeHome(first: OperatorKey, { ledger, site, createdMs }: HomeMove): ProposedAct<HomeFacts> {
  const { number, digest, root } = ledger.head;
  const facts: HomeFacts = {
    safe: toHex(ledger.descriptor.safe),
    number: number + 1,
    previous: toHex(digest),
    root: toHex(root),
    created: createdMs,
    epoch: (ledger.home()?.epoch ?? 0) + 1,
    site: toHex(site),
  };
  return proposeAct(form, first, { facts, operators: ledger.operators() });
}

/**
 * The entry, checked against the ledger as it is now. `proposal-stale` when that went on since, `operator-unknown`; what else a ledger
 * refuses it for.
 */
export function completeHome(second: OperatorKey, ledger: Ledger, act: ProposedAct<HomeFacts>): Uint8Array {
  const { facts } = act;
  const { number, digest } = ledger.head;
  if (!equalBytes(bytesOf(facts.safe), ledger.descriptor.safe))
    throw new ProtocolError('proposal-invalid', { context: { defect: 'safe' } });
  if (facts.number !== number + 1 || !equalBytes(bytesOf(facts.previous), digest))
    throw new ProtocolError('proposal-stale', { context: { safe: facts.safe, number } });
  const entry = completeAct(form, second, act);
  ledger.append(entry);
  return entry;
}
