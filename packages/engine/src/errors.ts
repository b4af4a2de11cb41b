/* The codes that the engine throws. Sentences and exit codes are made by the app. */
import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const engineErrorCodes = {
  'agent-foreign': {
    retry: 'never',
    meaning: 'The key file belongs to another safe than the one that was opened.',
  },
  'agent-missing': {
    retry: 'never',
    meaning: 'This computer holds no key of the safe, so it cannot protect anything: it has to be enrolled first.',
  },
  'agent-revoked': {
    retry: 'never',
    meaning: 'The certificate of this computer was revoked, or the ledger does not name it.',
  },
  'cache-missing': {
    retry: 'later',
    meaning: 'The local state does not know the last safeset of this job: nothing was backed up from here yet, or it was lost.',
  },
  'cache-outdated': {
    retry: 'later',
    meaning:
      'What the local state knows of the last safeset was written by another version, or is damaged: the next run makes it anew.',
  },
  'head-rolled-back': {
    retry: 'never',
    meaning: 'The vault shows an older state of this job than this computer has seen: safesets are missing there.',
  },
  'head-unknown': {
    retry: 'never',
    meaning: 'Neither site of the safe knows the newest safeset that this computer stored.',
  },
  'not-admitted': {
    retry: 'never',
    meaning: 'Another safe took the place of this one and did not admit this computer: it has to be enrolled there.',
  },
  'path-unknown': {
    retry: 'never',
    meaning: 'A path to restore is not in the safeset.',
  },
  'receipt-invalid': {
    retry: 'later',
    meaning: 'The answer to the commit is no valid receipt of this vault for this safeset.',
  },
  'rekey-mismatch': {
    retry: 'never',
    meaning: 'The safe to copy into holds safesets that are no copies of those of the safe to copy.',
  },
  'run-aborted': {
    retry: 'later',
    meaning: 'The run was stopped; what it had sent is kept for the next one.',
  },
  'seed-awaited': {
    retry: 'later',
    meaning: "The job's first safeset is on its way on a seed disk, and this vault has not taken it in yet.",
  },
  'seed-elsewhere': {
    retry: 'never',
    meaning: 'The seed of this job was begun on another disk.',
  },
  'seed-late': {
    retry: 'never',
    meaning: 'The job has safesets at its vault already, so a seed would not be its first.',
  },
  'settings-damaged': {
    retry: 'never',
    meaning: 'The settings of this computer for a safe cannot be read; they have to be chosen again.',
  },
  'state-busy': {
    retry: 'later',
    meaning: 'Another run of this job is under way on this computer.',
  },
  'state-newer': {
    retry: 'never',
    meaning: 'A file of the local state that is no cache was written by a newer version.',
  },
  'state-damaged': {
    retry: 'never',
    meaning: 'A file of the local state that is no cache does not hold what it should.',
  },
  'safe-succeeded': {
    retry: 'later',
    meaning: 'Another safe took the place of this one, so nothing is backed up into it any more.',
  },
  'succession-unfinished': {
    retry: 'later',
    meaning: 'This safe is to take the place of another one, but not all of that is copied yet.',
  },
  'successor-missing': {
    retry: 'never',
    meaning: 'Another safe took the place of this one, and it is not in this vault.',
  },
  'strip-mismatch': {
    retry: 'never',
    meaning: 'A path to restore does not lie below the beginning that is to be left out.',
  },
  'worker-failed': {
    retry: 'later',
    meaning: 'A worker thread ended before its work was done.',
  },
} as const;

export type EngineErrorCode = keyof typeof engineErrorCodes;

export class EngineError extends CodedError<EngineErrorCode> {
  override name = 'EngineError';

  constructor(code: EngineErrorCode, details?: ErrorDetails) {
    super(engineErrorCodes, code, details);
  }
}
