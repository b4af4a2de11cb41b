/*
 * What a record must be before a site commits it: signed by a certificate that may write its job, on this ledger, and the next of its
 * job's chain at this site.
 */

import { FormatError, verifyRecord } from '@twinvault/format';
import type { RecordDigest, RecordProof } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { RecordSummary } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { demandNotErased } from '../erases/erased.ts';
import { headsOf, sameJob } from '../records/record-store.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { LedgerStore } from '../safes/ledger-store.ts';

export interface RuleParts {
  readonly context: SafeContext;
  readonly ledger: LedgerStore;
  readonly records: RecordStore;
}

/** `record-invalid` (context: reason), `certificate-revoked`, `head-moved`, `erased`. */
export async function demandRecord(parts: RuleParts, record: RecordProof): Promise<void> {
  await demandSigned(parts, record);
  demandChain(await parts.records.all(), record);
}

/** Of the safe, on its ledger, and signed by a certificate that may write its job; where it stands in the job's chain is another matter. `record-invalid` (context: reason), `certificate-revoked`, `erased`. */
export async function demandSigned({ context, ledger, records }: RuleParts, record: RecordProof): Promise<void> {
  await demandNotErased(context, record.public);
  const all = await records.all();
  const current = await ledger.current();
  try {
    verifyRecord(record, current, { isAncestorOrSame: (digest, last) => isAncestorOrSame(all, digest, last) });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const code = error.code === 'certificate-revoked' ? error.code : 'record-invalid';
    throw new ProtocolError(code, { context: { ...error.context, reason: error.code }, cause: error });
  }
}

/** Whether `digest` is `last` or stands before it in its chain. */
export function isAncestorOrSame(records: readonly RecordSummary[], digest: RecordDigest, last: RecordDigest): boolean {
  const previousOf = new Map(records.map((record) => [toHex(record.digest), record.public.previous]));
  const wanted = toHex(digest);
  const open = [toHex(last)];
  const seen = new Set<string>();
  for (let hex = open.pop(); hex !== undefined; hex = open.pop()) {
    if (hex === wanted) return true;
    if (seen.has(hex)) continue;
    seen.add(hex);
    open.push(...(previousOf.get(hex) ?? []).map((item) => toHex(item)));
  }
  return false;
}

/** Every head of the job is followed, nothing unknown is named, and the sequence counts on from what is followed. */
function demandChain(all: readonly RecordSummary[], { public: facts }: RecordProof): void {
  const own = all.filter((record) => record.public.kind === 'safeset' && sameJob(record.public, facts));
  const previous = new Set(facts.previous.map((digest) => toHex(digest)));
  const followed = own.filter(({ digest }) => previous.has(toHex(digest)));
  const heads = headsOf(own, facts);
  if (followed.length !== previous.size || heads.some(({ digest }) => !previous.has(toHex(digest)))) {
    throw new ProtocolError('head-moved', { context: { heads: heads.length, sequence: facts.sequence } });
  }
  const sequence = 1 + Math.max(0, ...followed.map((record) => record.public.sequence));
  if (facts.sequence !== sequence) {
    throw new ProtocolError('record-invalid', { context: { reason: 'sequence', expected: sequence, sequence: facts.sequence } });
  }
}
