/* What a run tells while it goes on and when it has ended. */
import type { Measure, RecordCounts, RecordDigest, SafesetId } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import type { EntryError } from './source-port.ts';

export type BackupPhase = 'opening' | 'reading' | 'finishing' | 'committing';

export interface BackupProgress {
  readonly phase: BackupPhase;
  /** Entries and bytes that the scan has found so far. */
  readonly entriesFound: number;
  readonly bytesFound: number;
  /** True once the scan is through: the numbers found are final. */
  readonly foundAll: boolean;
  /** Of these, done: unchanged or read. */
  readonly entriesDone: number;
  readonly bytesDone: number;
  readonly bytesUploaded: number;
  readonly errors: number;
  /** What the last run of the job protected, for an estimate before the scan is through; null on the first. */
  readonly lastRun: { readonly files: number; readonly bytes: number } | null;
  /** Since the run began. */
  readonly elapsedMs: number;
}

export interface BackupReport {
  readonly result: 'ok' | 'with errors';
  readonly safeset: SafesetId;
  readonly record: RecordDigest;
  readonly sequence: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly counts: RecordCounts;
  /** Everything that went to the vault: packs and the record. */
  readonly uploadedBytes: number;
  readonly packs: number;
  readonly chunks: {
    readonly seen: number;
    readonly stored: number;
    readonly storedPlainBytes: number;
    /** Proven to be stored by other computers of the safe, and not sent. */
    readonly reused: number;
  };
  readonly unchanged: number;
  readonly carried: number;
  readonly removed: number;
  /** At most `errorListMax`; `counts.errors` is the true number. */
  readonly errors: readonly EntryError[];
  readonly phasesMs: Readonly<Record<BackupPhase, number>>;
  /** Heads of a job that was continued at two sites while they were apart: this safeset follows all of them. Empty normally. */
  readonly joined: readonly RecordSummary[];
  /** How much of the last safeset this one uses again and how much is new, as the site measured it; null where it did not. */
  readonly measure: Measure | null;
  /** Blobs that did not open again after sealing: above zero, this machine's memory is faulty. */
  readonly memoryFaults: number;
  /** Local state could not be kept, as a code of the file or database: the next run reads everything again. Null normally. */
  readonly stateFailure: string | null;
  /** What happened to which path: one JSON object a line, on this device. */
  readonly pathsFile: string;
}
