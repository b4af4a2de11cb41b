/* Proposals that erase safes or jobs of them, and that take such orders back: docs/format/records.md, Erasing. */

import {
  computerId,
  encodeEraseOrder,
  encodeLedgerEntry,
  eraseOrderName,
  eraseSecondMessage,
  ledgerSecondMessage,
  safeId,
  verifyEraseOrder,
} from '@twinvault/format';
import type { EraseJob, EraseOrder, Ledger, LedgerEntry } from '@twinvault/format';
import { assert, toHex } from '@twinvault/std';
import { ProtocolError } from '../../errors.ts';
import { demandPlace, demandSafe, nextPlace } from './ledger-place.ts';
import type { OperatorKey } from './operator-key.ts';
import { completeAct, proposalBytes, proposeAct } from './proposal.ts';
import type { CancelFacts, EraseFacts, ObjectForm, ProposedAct } from './proposal.ts';

/** The order, then the entry that names it. */
const eraseForms: readonly ObjectForm<EraseFacts>[] = [
  {
    secondMessage: (facts, signer) => eraseSecondMessage(orderOf(facts, signer)),
    encode: (facts, { signer, other }, sign) => encodeEraseOrder({ ...orderOf(facts, signer), other }, sign),
  },
  {
    secondMessage: (facts, signer) => ledgerSecondMessage(entryOf(facts, signer, null)),
    encode: (facts, { signer, other }, sign) => encodeLedgerEntry(entryOf(facts, signer, other), sign),
  },
];

const cancelForms: readonly ObjectForm<CancelFacts>[] = [
  {
    secondMessage: (facts, signer) => eraseSecondMessage(cancelOf(facts, signer)),
    encode: (facts, { signer, other }, sign) => encodeEraseOrder({ ...cancelOf(facts, signer), other }, sign),
  },
];

function orderOf({ safe, created, number, jobs }: EraseFacts, signer: Uint8Array): EraseOrder {
  return {
    safe: safeId(proposalBytes(safe, 16)),
    number,
    createdMs: created,
    jobs: jobs?.map(({ computer, job }) => ({ computer: computerId(proposalBytes(computer, 16)), job })) ?? null,
    signer,
    other: null,
  };
}

function entryOf(facts: EraseFacts, signer: Uint8Array, other: Uint8Array | null): LedgerEntry {
  const { number, previous, root } = facts.entry;
  return {
    safe: safeId(proposalBytes(facts.safe, 16)),
    number,
    previous: proposalBytes(previous, 32),
    root: proposalBytes(root, 32),
    createdMs: facts.created,
    signer,
    payload: { kind: 'erase', order: eraseOrderName(orderOf(facts, signer)), other },
  };
}

function cancelOf({ safe, created, number, cancels }: CancelFacts, signer: Uint8Array): EraseOrder {
  const [id, taken] = [safeId(proposalBytes(safe, 16)), proposalBytes(cancels, 32)];
  return { safe: id, number, createdMs: created, jobs: null, cancels: taken, signer, other: null };
}

export interface Erasure {
  readonly ledger: Ledger;
  /** Sorted by computer and name; null: the whole safe. */
  readonly jobs: readonly EraseJob[] | null;
  readonly createdMs: number;
}

/** The next order of the ledger. `operator-unknown`, `operator-alone`. */
export function proposeErase(first: OperatorKey, { ledger, jobs, createdMs }: Erasure): ProposedAct<EraseFacts> {
  const facts: EraseFacts = {
    safe: toHex(ledger.descriptor.safe),
    created: createdMs,
    entry: nextPlace(ledger),
    number: ledger.eraseOrders().length + 1,
    jobs: jobs?.map(({ computer, job }) => ({ computer: toHex(computer), job })) ?? null,
  };
  return proposeAct(eraseForms, first, { facts, operators: ledger.operators() });
}

export interface CompletedErase {
  /** Of the order. */
  readonly name: Uint8Array;
  readonly order: Uint8Array;
  readonly entry: Uint8Array;
}

/**
 * What `orderErase` takes, checked against the ledger as it is now; of what this one signed and submitted before, the same once more. `proposal-stale` when
 * the ledger went on otherwise, `operator-unknown`; what else a reader refuses it for.
 */
export function completeErase(second: OperatorKey, ledger: Ledger, act: ProposedAct<EraseFacts>): CompletedErase {
  demandSafe(ledger, act.facts.safe);
  const [order, entry] = completeAct(eraseForms, second, act);
  assert(order !== undefined && entry !== undefined, 'an object for each form');
  const name = eraseOrderName(orderOf(act.facts, second.publicKey));
  if (ledger.eraseEntryOf(name) === null) {
    demandPlace(ledger, act.facts.safe, act.facts.entry);
    ledger.append(entry);
  }
  verifyEraseOrder(order, ledger);
  return { name, order, entry };
}

export interface Cancelling {
  readonly ledger: Ledger;
  /** Name and number of the order that is taken back. */
  readonly order: Uint8Array;
  readonly number: number;
  readonly createdMs: number;
}

/** `operator-unknown`, `operator-alone`. */
export function proposeCancel(first: OperatorKey, { ledger, order, number, createdMs }: Cancelling): ProposedAct<CancelFacts> {
  const facts = { safe: toHex(ledger.descriptor.safe), created: createdMs, number, cancels: toHex(order) };
  return proposeAct(cancelForms, first, { facts, operators: ledger.operators() });
}

/** What `cancelErase` takes. `object-unknown` when the ledger names no such order, `operator-unknown`, `ledger-signer`. */
export function completeCancel(second: OperatorKey, ledger: Ledger, act: ProposedAct<CancelFacts>): Uint8Array {
  demandSafe(ledger, act.facts.safe);
  const { cancels } = act.facts;
  if (ledger.eraseEntryOf(proposalBytes(cancels, 32)) === null)
    throw new ProtocolError('object-unknown', { context: { kind: 'erase', name: cancels } });
  const [cancel] = completeAct(cancelForms, second, act);
  assert(cancel !== undefined, 'an order for the form');
  verifyEraseOrder(cancel, ledger);
  return cancel;
}
