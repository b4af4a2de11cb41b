/*
 * The error codes of seal: what is thrown when a secret, a slot, a ledger or sealed bytes are mine but broken. A wrong
 * secret given to one slot is no error but null; openSafe, which knows that no other slot is left, makes it one.
 *
 * Invariant: no message and no context holds a key, a password, a kit code, a name or a path.
 */

import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const sealErrorCodes = {
  'admission-invalid': {
    retry: 'never',
    meaning: 'What a safe sealed for this computer, so that it can go on there, does not open with its keys.',
  },
  'agent-keys-invalid': {
    retry: 'never',
    meaning: 'The file with the keys of this agent is damaged, or was written by a newer version.',
  },
  'blob-damaged': {
    retry: 'never',
    meaning: 'A stored blob does not open under its key: it was damaged or exchanged.',
  },
  'catalog-entry-invalid': {
    retry: 'never',
    meaning:
      'An entry cannot stand in a catalog: a name, a path, an attribute or a number in it is beyond what the format holds.',
  },
  'catalog-invalid': {
    retry: 'never',
    meaning: 'A node of a catalog does not follow the format although it opens: it was written by a faulty program.',
  },
  'catalog-order': {
    retry: 'never',
    meaning: 'Entries were given to a catalog in another order than that of their keys, or one twice.',
  },
  'chunk-missing': {
    retry: 'later',
    meaning: 'No pack that the safeset refers to holds a chunk that it needs.',
  },
  'enrolment-invalid': {
    retry: 'never',
    meaning: 'An enrolment message is damaged, was made with another token, or was changed on its way.',
  },
  'epoch-unknown': {
    retry: 'never',
    meaning: 'Something was sealed to a reading key that the ledger of this safe does not name.',
  },
  'escrow-damaged': {
    retry: 'never',
    meaning: 'The text of an escrow key is incomplete or mistyped: its check characters do not fit.',
  },
  'escrow-wrong': {
    retry: 'never',
    meaning: 'The escrow key opens no slot of this safe: the safe was given another one.',
  },
  'id-mismatch': {
    retry: 'never',
    meaning: 'A blob opens, but its content is not the one that its chunk id names.',
  },
  'kit-damaged': {
    retry: 'never',
    meaning: 'The code of the recovery kit is incomplete or mistyped: its check characters do not fit.',
  },
  'kit-other-safe': {
    retry: 'never',
    meaning: 'The recovery kit belongs to another safe.',
  },
  'kit-wrong': {
    retry: 'never',
    meaning: 'The code of the recovery kit opens no slot of this safe; it may have been replaced by a newer kit.',
  },
  'ledger-rolled-back': {
    retry: 'later',
    meaning: 'The ledger of the safe lacks entries that were seen before, or has others in their place.',
  },
  'memory-fault': {
    retry: 'later',
    meaning: 'Data that was just sealed does not open to what it was made from: the memory of this machine is faulty.',
  },
  'password-too-long': {
    retry: 'never',
    meaning: 'The password is longer than the limit.',
  },
  'password-too-short': {
    retry: 'never',
    meaning: 'The password has fewer than 14 characters.',
  },
  'password-wrong': {
    retry: 'never',
    meaning: 'The password opens no slot of this safe.',
  },
  'payload-invalid': {
    retry: 'never',
    meaning: 'An opened blob does not follow the format of payloads, or does not decompress to its length.',
  },
  'record-part-invalid': {
    retry: 'never',
    meaning: 'The sealed part of a record opens, but does not follow the format.',
  },
  'record-mismatch': {
    retry: 'never',
    meaning: 'The vault answered with another record than the one asked for.',
  },
  'record-sealed-damaged': {
    retry: 'never',
    meaning: 'The sealed part of a record does not open: it was damaged or sealed to other keys.',
  },
  'root-mismatch': {
    retry: 'never',
    meaning: 'The safe is signed by another root key than the one that is pinned or that its slot opens to.',
  },
  'slip-damaged': {
    retry: 'never',
    meaning: 'The slip that holds the key of a blob does not open: its pack was damaged or sealed to other keys.',
  },
  'slot-damaged': {
    retry: 'never',
    meaning: 'A key slot accepts the secret but does not open: it was damaged.',
  },
  'slot-last': {
    retry: 'never',
    meaning: 'A change of slots would leave the safe without any.',
  },
  'slot-missing': {
    retry: 'never',
    meaning: 'The safe has no key slot for this kind of secret.',
  },
  'slot-too-many': {
    retry: 'never',
    meaning: 'The safe would have more key slots than the limit.',
  },
  'successor-mismatch': {
    retry: 'never',
    meaning: 'A safe that is to take the place of another was not signed for that by the root key that is pinned.',
  },
  'token-invalid': {
    retry: 'never',
    meaning: 'The enrolment token is incomplete or mistyped.',
  },
} as const;

export type SealErrorCode = keyof typeof sealErrorCodes;

export class SealError extends CodedError<SealErrorCode> {
  override name = 'SealError';

  constructor(code: SealErrorCode, details?: ErrorDetails) {
    super(sealErrorCodes, code, details);
  }
}
