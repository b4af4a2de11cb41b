/** Marks of safesets as people are told of them: from the ledger, or from the vault's own measure. */
import type { Ledger, MarkKind } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';

export interface ShownMark {
  readonly kind: MarkKind;
  readonly note: string;
  /** Who set it: somebody who signed in the ledger, or the vault by its measure of the run. */
  readonly by: 'ledger' | 'vault';
}

const kinds: readonly MarkKind[] = ['hold', 'lock', 'flag'];

/** Those that are on. */
export function marksOf({ digest, measure }: RecordSummary, ledger: Ledger): ShownMark[] {
  const marks = kinds.flatMap((kind): ShownMark[] => {
    const mark = ledger.mark(kind, digest);
    return mark?.on === true ? [{ kind, note: mark.note, by: 'ledger' }] : [];
  });
  const byVault = ledger.flagged(digest, measure) && !marks.some(({ kind }) => kind === 'flag');
  return byVault ? [...marks, { kind: 'flag', note: '', by: 'vault' }] : marks;
}
