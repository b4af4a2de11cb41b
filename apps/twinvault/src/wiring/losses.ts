/** What a verb over many safesets passes over: one that is damaged or gone hides nothing of the others. */
import { FormatError } from '@twinvault/format';
import { SealError } from '@twinvault/seal';
import { CodedError } from '@twinvault/std';

const lossCodes: ReadonlySet<string> = new Set(['pack-short', 'pack-unknown', 'record-unknown', 'vault-damaged']);

export function isLoss(error: unknown): boolean {
  return error instanceof SealError || error instanceof FormatError || (error instanceof CodedError && lossCodes.has(error.code));
}
