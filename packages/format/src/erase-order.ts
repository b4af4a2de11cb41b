/*
 * Erase orders (`TVEO`), docs/format/records.md: signed by the root, or by one operator with a second one's signature.
 *
 * Invariant: the name of an order is all that it says and nothing of how it was signed, so the first of two operators knows it before the second signs.
 */

import { equalBytes, primitives } from '@twinvault/std';
import type { CborValue } from './cbor.ts';
import { demand } from './errors.ts';
import { Fields, isBytes, isText } from './fields.ts';
import { computerId, safeId } from './ids.ts';
import type { ComputerId, SafeId } from './ids.ts';
import type { Ledger } from './ledger.ts';
import { isSecondOperator } from './ledger.ts';
import { compareJobs } from './ledger-payload.ts';
import { digestBytes, eraseJobsMax, eraseOrderBytesMax, signatureBytes, signingKeyBytes } from './limits.ts';
import { encodeSigned, parseSigned, secondMessage, verifySigned } from './objects.ts';
import type { Sign } from './objects.ts';
import type { SignedBy } from './receipt.ts';

export interface EraseJob {
  readonly computer: ComputerId;
  readonly job: string;
}

export interface EraseOrder {
  readonly safe: SafeId;
  /** Counts up in each safe. */
  readonly number: number;
  readonly createdMs: number;
  /** Sorted by computer and name, each once; null: the whole safe. */
  readonly jobs: readonly EraseJob[] | null;
  /** Name of an order that this one takes back: it erases nothing itself. Left out of one that erases. */
  readonly cancels?: Uint8Array;
  /** Ed25519 key that signed. */
  readonly signer: Uint8Array;
  /** A second operator's signature over the body without `other`; null when the root signed. */
  readonly other: Uint8Array | null;
}

export interface ParsedEraseOrder extends EraseOrder, SignedBy {
  /** By which the ledger, what takes it back, stores and certificates call it. */
  readonly name: Uint8Array;
}

/** `sign` signs with `order.signer`. Throws as parseEraseOrder does when no reader would take it. */
export function encodeEraseOrder(order: EraseOrder, sign: Sign): Uint8Array {
  const body = orderBody(order);
  const bytes = encodeSigned('erase', order.other === null ? body : { ...body, other: order.other }, sign);
  parseEraseOrder(bytes);
  return bytes;
}

/** What the second operator signs. */
export function eraseSecondMessage(order: EraseOrder): Uint8Array {
  return secondMessage('erase', orderBody(order));
}

/** SHA-256 of `eraseSecondMessage`, whoever signs: two objects of one name say the same. */
export function eraseOrderName(order: EraseOrder): Uint8Array {
  return primitives.sha256(eraseSecondMessage(order));
}

function orderBody({ cancels, createdMs, jobs, number, safe, signer }: EraseOrder): Record<string, CborValue> {
  return {
    ...(cancels === undefined ? {} : { cancels }),
    created: createdMs,
    jobs: jobs === null ? null : jobs.map(({ computer, job }) => [computer, job]),
    number,
    safe,
    signer,
  };
}

/** Form, and the signature by the key that the order itself names; whether that may erase is verifyEraseOrder. */
export function parseEraseOrder(bytes: Uint8Array): ParsedEraseOrder {
  const object = parseSigned('erase', bytes, eraseOrderBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const jobs = fields.listOrNull('jobs', eraseJobsMax)?.map(readJob) ?? null;
  const cancels = fields.bytesOptional('cancels', digestBytes);
  const order = {
    safe: safeId(fields.bytes('safe', 16)),
    number: fields.uint('number'),
    createdMs: fields.uint('created'),
    jobs,
    ...(cancels === null ? {} : { cancels }),
    signer: fields.bytes('signer', signingKeyBytes),
    other: fields.bytesOptional('other', signatureBytes),
    object,
  };
  fields.end();
  demand(jobs === null || jobs.length > 0, 'object-invalid', 'no jobs');
  demand(cancels === null || jobs === null, 'object-invalid', 'jobs in what takes an order back');
  verifySigned(object, order.signer);
  return { ...order, name: eraseOrderName(order) };
}

/**
 * Parses and checks that root, or two operators of the ledger, signed: `safe-mismatch`, `ledger-signer`. Operators are those of the moment at which the
 * ledger named the order, so that it is good for ever; one that takes another back may be signed by who became one since.
 */
export function verifyEraseOrder(bytes: Uint8Array, ledger: Ledger): ParsedEraseOrder {
  const order = parseEraseOrder(bytes);
  demand(equalBytes(order.safe, ledger.descriptor.safe), 'safe-mismatch', 'erase order of another safe');
  const { signer, other } = order;
  if (equalBytes(signer, ledger.descriptor.rootKey)) {
    demand(other === null, 'ledger-signer', 'a second signature beside the root');
    return order;
  }
  const operators = operatorsFor(order, ledger);
  const isOperator = operators.some((key) => equalBytes(key, signer));
  demand(isOperator && other !== null, 'ledger-signer', 'not an operator');
  const second = isSecondOperator({ message: eraseSecondMessage(order), other, signer, operators });
  demand(second, 'ledger-signer', 'no second operator');
  return order;
}

function operatorsFor({ name, cancels }: ParsedEraseOrder, ledger: Ledger): readonly Uint8Array[] {
  const now = ledger.head.number;
  const named = ledger.eraseEntryOf(cancels ?? name) ?? now;
  return ledger.operators(named, cancels === undefined ? named : now);
}

/** Whether the one may take the other back: who ordered by the root's key alone takes back by it, and operators what operators ordered. */
export function mayCancel(cancel: EraseOrder, order: ParsedEraseOrder, root: Uint8Array): boolean {
  if (cancel.cancels === undefined || order.cancels !== undefined) return false;
  if (!equalBytes(cancel.cancels, order.name) || !equalBytes(cancel.safe, order.safe)) return false;
  return equalBytes(cancel.signer, root) === equalBytes(order.signer, root);
}

function readJob(item: unknown, index: number, list: readonly unknown[]): EraseJob {
  demand(Array.isArray(item) && item.length === 2, 'object-invalid', 'job to erase');
  const [computer, job] = item as unknown[];
  demand(isBytes(computer, 16) && isText(job), 'object-invalid', 'job to erase');
  const read = { computer: computerId(computer), job };
  if (index > 0) {
    const [beforeComputer, beforeJob] = list[index - 1] as [Uint8Array, string];
    demand(compareJobs({ computer: beforeComputer, job: beforeJob }, read) < 0, 'object-invalid', 'jobs not sorted');
  }
  return read;
}
