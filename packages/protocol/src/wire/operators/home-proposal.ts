/* Proposals that move the home of safes: docs/format/records.md, A home that was moved. */

import { encodeLedgerEntry, ledgerSecondMessage, safeId, siteId } from '@twinvault/format';
import type { Ledger, LedgerEntry, SiteId } from '@twinvault/format';
import { assert, toHex } from '@twinvault/std';
import { demandPlace, nextPlace } from './ledger-place.ts';
import type { OperatorKey } from './operator-key.ts';
import { completeAct, proposalBytes, proposeAct } from './proposal.ts';
import type { HomeFacts, ObjectForm, ProposedAct } from './proposal.ts';

const forms: readonly ObjectForm<HomeFacts>[] = [
  {
    secondMessage: (facts, signer) => ledgerSecondMessage(entryOf(facts, signer, new Uint8Array(64))),
    encode: (facts, { signer, other }, sign) => encodeLedgerEntry(entryOf(facts, signer, other), sign),
  },
];

function entryOf(facts: HomeFacts, signer: Uint8Array, other: Uint8Array): LedgerEntry {
  const { safe, number, previous, root, created, epoch, site } = facts;
  return {
    safe: safeId(proposalBytes(safe, 16)),
    number,
    previous: proposalBytes(previous, 32),
    root: proposalBytes(root, 32),
    createdMs: created,
    signer,
    payload: { kind: 'home', epoch, site: siteId(proposalBytes(site, 16)), other },
  };
}

export interface HomeMove {
  readonly ledger: Ledger;
  readonly site: SiteId;
  readonly createdMs: number;
}

/** The next entry of the ledger, with the next home epoch. `operator-unknown`, `operator-alone`. */
export function proposeHome(first: OperatorKey, { ledger, site, createdMs }: HomeMove): ProposedAct<HomeFacts> {
  const facts: HomeFacts = {
    safe: toHex(ledger.descriptor.safe),
    ...nextPlace(ledger),
    created: createdMs,
    epoch: (ledger.home()?.epoch ?? 0) + 1,
    site: toHex(site),
  };
  return proposeAct(forms, first, { facts, operators: ledger.operators() });
}

/**
 * The entry, checked against the ledger as it is now. `proposal-stale` when that went on since, `operator-unknown`; what else a ledger
 * refuses it for.
 */
export function completeHome(second: OperatorKey, ledger: Ledger, act: ProposedAct<HomeFacts>): Uint8Array {
  demandPlace(ledger, act.facts.safe, act.facts);
  const [entry] = completeAct(forms, second, act);
  assert(entry !== undefined, 'an entry for the form');
  ledger.append(entry);
  return entry;
}
