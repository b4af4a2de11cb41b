/*
 * What a restore tells: its progress, and at the end what was restored and what was not.
 */
import { CodedError } from '@twinvault/std';
import type { EntryError } from '../source-port.ts';
import { stoppingCodes } from '../target-port.ts';
import { detailOf } from './losses.ts';

export interface RestoreProgress {
  readonly phase: 'counting' | 'restoring' | 'finishing';
  readonly entries: number;
  readonly entriesTotal: number | null;
  readonly bytes: number;
  readonly bytesTotal: number | null;
}

export interface RestoreReport {
  readonly files: number;
  readonly directories: number;
  readonly others: number;
  /** Left out by the conflict rule. */
  readonly skipped: number;
  /** Placed by the restore that was broken off and is gone on with. */
  readonly already: number;
  readonly bytes: number;
  /** Of the files, those that changed while the backup read them. */
  readonly torn: number;
  /** Of the files, those that the backup could not read and took over from an earlier safeset. */
  readonly carried: number;
  /** What was not restored, or not whole. */
  readonly errors: readonly EntryError[];
  /** Errors beyond those listed. */
  readonly errorsUnlisted: number;
  /** Chunks that the vault has not or has damaged. */
  readonly damagedChunks: number;
}

type Counts = Omit<RestoreReport, 'errors' | 'errorsUnlisted' | 'damagedChunks'>;

const errorsListedMax = 100_000;

export class Tally {
  readonly counts: { -readonly [Count in keyof Counts]: number } = {
    files: 0,
    directories: 0,
    others: 0,
    skipped: 0,
    already: 0,
    bytes: 0,
    torn: 0,
    carried: 0,
  };
  readonly #onProgress: ((progress: RestoreProgress) => void) | null;
  readonly #errors: EntryError[] = [];
  #errorCount = 0;
  #total: { readonly entries: number; readonly bytes: number } | null = null;
  entries = 0;
  /** Of files that were not fetched, since they were left out or there already. */
  passedBytes = 0;

  constructor(onProgress: ((progress: RestoreProgress) => void) | undefined) {
    this.#onProgress = onProgress ?? null;
  }

  set total(total: { readonly entries: number; readonly bytes: number }) {
    this.#total = total;
  }

  progress(phase: RestoreProgress['phase']): void {
    this.#onProgress?.({
      phase,
      entries: this.entries,
      entriesTotal: this.#total?.entries ?? null,
      bytes: this.counts.bytes + this.passedBytes,
      bytesTotal: this.#total?.bytes ?? null,
    });
  }

  note(error: EntryError): void {
    this.#errorCount += 1;
    if (this.#errors.length < errorsListedMax) this.#errors.push({ ...error, path: error.path.slice() });
  }

  notRestored(path: Uint8Array, detail: string): void {
    this.note({ path, code: 'entry-not-restored', detail });
  }

  /** Notes an error of one entry; throws what is our own bug, and what every other entry would meet too. */
  fail(path: Uint8Array, error: unknown): void {
    if (!(error instanceof CodedError) || stoppingCodes.has(error.code)) throw error;
    this.notRestored(path, detailOf(error));
  }

  report(damagedChunks: number): RestoreReport {
    return { ...this.counts, errors: this.#errors, errorsUnlisted: this.#errorCount - this.#errors.length, damagedChunks };
  }
}
