/*
 * What a site answers when it cannot or will not do what it was asked. Codes of `format` travel as they are: whoever refuses
 * bytes gives the reason that `format` found. The wire, the command line and docs/errors.md name these words.
 *
 * `context` holds ids, sizes and counts; `localPath`, where there is one, never leaves the machine.
 */

import { formatErrorCodes } from '@twinvault/format';
import type { FormatErrorCode } from '@twinvault/format';
import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const protocolErrorCodes = {
  'base-unknown': {
    retry: 'later',
    meaning: 'A record was sent as a difference to one that the site does not have any more: it has to be sent whole.',
  },
  'clean-stopped': {
    retry: 'never',
    meaning: 'More than the named share of a safe would go at once, so nothing was removed.',
  },
  'head-moved': {
    retry: 'later',
    meaning: 'The record does not follow the newest safeset that the site has of this job.',
  },
  'job-busy': {
    retry: 'later',
    meaning: 'Another session writes this job: another run, or a machine with a copy of this identity.',
  },
  'label-taken': {
    retry: 'never',
    meaning: 'Another safe of the vault has this label.',
  },
  'lease-lost': {
    retry: 'later',
    meaning: 'The lease of the session or of the step lapsed and was taken over, or the vault was rebuilt meanwhile.',
  },
  'ledger-behind': {
    retry: 'later',
    meaning: 'The site has fewer entries of the ledger than the caller has seen.',
  },
  'ledger-forked': {
    retry: 'never',
    meaning: 'The ledger at the site does not continue the one that the caller has seen.',
  },
  'origin-missing': {
    retry: 'later',
    meaning: 'The record refers to blobs that the site does not have.',
  },
  'pack-short': {
    retry: 'never',
    meaning: 'A range ends behind the end of its pack.',
  },
  'pack-too-large': {
    retry: 'never',
    meaning: 'A pack is above the limit for packs.',
  },
  'pack-unknown': {
    retry: 'never',
    meaning: 'The site has no pack of this name.',
  },
  'record-unknown': {
    retry: 'never',
    meaning: 'The site has no record of this digest that could be opened.',
  },
  'safe-exists': {
    retry: 'never',
    meaning: 'The vault has a safe with this id already.',
  },
  'safe-unknown': {
    retry: 'never',
    meaning: 'The vault has no safe with this id.',
  },
  'slots-mismatch': {
    retry: 'never',
    meaning: 'The key slots handed over are not those that the ledger entry names.',
  },
  'vault-busy': {
    retry: 'later',
    meaning: 'Another process holds the part of the vault that is needed, and did not let go within the time allowed.',
  },
  'vault-damaged': {
    retry: 'never',
    meaning: 'An object of the vault is missing or is not what was stored.',
  },
  'vault-denied': {
    retry: 'never',
    meaning: 'The operating system does not permit the access to the directory of the vault.',
  },
  'vault-failed': {
    retry: 'later',
    meaning: 'The operating system reports a failure in the directory of the vault.',
  },
  'vault-foreign': {
    retry: 'never',
    meaning: 'The directory holds other files and is not a vault.',
  },
  'vault-full': {
    retry: 'later',
    meaning: 'The file system of the vault has no space left.',
  },
  'vault-missing': {
    retry: 'never',
    meaning: 'There is no vault at this place.',
  },
  'vault-newer': {
    retry: 'never',
    meaning: 'The vault was written by a newer version of the program.',
  },
  'vault-read-only': {
    retry: 'never',
    meaning: 'The file system of the vault can only be read.',
  },
} as const;

export type ProtocolErrorCode = keyof typeof protocolErrorCodes | FormatErrorCode;

/** Every method of the vault port throws this one. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {
  override name = 'ProtocolError';

  constructor(code: ProtocolErrorCode, details?: ErrorDetails) {
    super({ ...formatErrorCodes, ...protocolErrorCodes }, code, details);
  }
}
