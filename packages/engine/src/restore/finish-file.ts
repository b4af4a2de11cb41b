/* The end of a file of which everything is written: its metadata, its name, and how it went. */
import { CodedError, equalBytes } from '@twinvault/std';
import { stoppingCodes } from '../target-port.ts';
import type { EntryMetadata, Target, TargetFile } from '../target-port.ts';
import { losesNow } from './conflicts.ts';
import type { RestoreRule } from './conflicts.ts';
import { detailOf } from './losses.ts';
import type { PieceOutcome } from './tasks.ts';

export interface FileToFinish {
  readonly file: number;
  /** Below the target. */
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly metadata: EntryMetadata;
}

export interface FinishingPlace {
  readonly target: Target;
  readonly conflict: RestoreRule;
}

/** Throws what the target throws; the file is abandoned then. */
export function finishFile(file: TargetFile, about: FileToFinish, { target, conflict }: FinishingPlace): PieceOutcome {
  const { file: number, directory, name, sizeBytes, metadata } = about;
  if (losesNow(conflict, target, { ...metadata, directory, name, sizeBytes })) {
    file.abandon();
    return { type: 'skipped', file: number };
  }
  const errors = file.finish(metadata);
  const placed = file.placed.name;
  // Null: somebody took the name since the file was begun.
  if (placed === null) return { type: 'skipped', file: number };
  return { type: 'written', file: number, name: equalBytes(placed, name) ? null : placed.slice(), errors };
}

export const damagedDetail = 'a part of its content is damaged or missing in the vault';

/** The outcome for a file that the target refused; any other error is ours, is thrown and ends the restore. */
export function refused(file: number, error: unknown): PieceOutcome {
  if (!(error instanceof CodedError)) throw error;
  const { code, retry, message: meaning } = error;
  return { type: 'failed', file, detail: detailOf(error), stops: stoppingCodes.has(code) ? { code, retry, meaning } : null };
}
