/*
 * What a restore can do without: errors that say that something in the vault is missing or damaged. What needs it is listed, the rest goes
 * on. Every other error ends the restore.
 */
import { CodedError } from '@twinvault/std';

const lossCodes: ReadonlySet<string> = new Set([
  'blob-damaged',
  'catalog-invalid',
  'chunk-missing',
  'epoch-unknown',
  'id-mismatch',
  'pack-damaged',
  'pack-foreign',
  'pack-short',
  'pack-unknown',
  'payload-invalid',
  'slip-damaged',
  'vault-damaged',
]);

/** The operating system cannot read it: a bad sector, or a whole disk that went away. */
const readFailure = 'vault-failed';

/** Reads that fail one after another before it is the disk that is gone, and not a sector of it. */
const failuresInRowMax = 64;

export function lossOf(error: unknown): string | null {
  return error instanceof CodedError && lossCodes.has(error.code) ? error.code : null;
}

/** Tells losses from the end of the vault, for reads that follow each other. */
export class ReadLosses {
  #inRow = 0;

  good(): void {
    this.#inRow = 0;
  }

  /** The code of the loss; null: the error is none, and ends the restore. */
  bad(error: unknown): string | null {
    const loss = lossOf(error);
    if (loss !== null) return loss;
    if (!(error instanceof CodedError) || error.code !== readFailure) return null;
    this.#inRow += 1;
    return this.#inRow > failuresInRowMax ? null : readFailure;
  }
}

/** For the local report: the call and errno where the error has them. */
export function detailOf(error: CodedError): string {
  return 'detail' in error && typeof error.detail === 'string' ? error.detail : error.message;
}
