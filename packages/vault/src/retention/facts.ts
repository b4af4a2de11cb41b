/* From the records, marks and retention types of a safe to what evaluate.ts decides on. */

import type { Ledger } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { sameJob } from '../records/record-store.ts';
import type { RetentionItem, RetentionRule } from './evaluate.ts';

export interface KeepRules {
  /** By retention type, for types that have no rule in the ledger. */
  readonly types?: ReadonlyMap<string, RetentionRule>;
  /** For types that have a rule neither here nor in the ledger; without it they keep everything. */
  readonly others?: RetentionRule;
}

export function ruleOf(type: string, keep: KeepRules, ledger: Ledger): RetentionRule | null {
  return ledger.retentions().get(type) ?? keep.types?.get(type) ?? keep.others ?? null;
}

/** Safesets that are not retired yet. */
export function retentionItems(records: readonly RecordSummary[], ledger: Ledger): RetentionItem[] {
  return records.filter((record) => !record.retired && record.public.kind === 'safeset').map((record) => itemOf(record, ledger));
}

function itemOf({ digest, public: facts, receivedMs, measure }: RecordSummary, ledger: Ledger): RetentionItem {
  const flagged = ledger.flagged(digest, measure);
  return {
    id: toHex(digest),
    job: `${toHex(facts.computer)} ${facts.job}`,
    type: facts.retention,
    sequence: facts.sequence,
    receivedMs,
    good: facts.result !== 'deferred' && !flagged,
    flagged,
    held: ledger.mark('hold', digest)?.on === true || ledger.mark('lock', digest)?.on === true,
    erased: false,
  };
}

/** Checkpoints that a later record of their job has replaced, not retired yet. `records`: oldest first. */
export function replacedCheckpoints(records: readonly RecordSummary[]): RecordSummary[] {
  const standing = records.filter(({ retired }) => !retired);
  return standing.filter((checkpoint, index) => {
    if (checkpoint.public.kind !== 'checkpoint') return false;
    return records.some((record) => {
      if (record === checkpoint || !sameJob(record.public, checkpoint.public)) return false;
      if (record.public.kind === 'safeset') return record.public.sequence >= checkpoint.public.sequence;
      return record.public.sequence >= checkpoint.public.sequence && standing.indexOf(record) > index;
    });
  });
}
