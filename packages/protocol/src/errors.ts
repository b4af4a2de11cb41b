/*
 * What a site answers when it cannot or will not do what it was asked. Codes of `format` travel as they are: whoever refuses
 * bytes gives the reason that `format` found. So do those of `std` about the network, which only a client far away throws. The wire, the command line
 * and docs/errors.md name these words.
 *
 * `context` holds ids, sizes and counts; `localPath`, where there is one, never leaves the machine.
 */

import { formatErrorCodes } from '@twinvault/format';
import type { FormatErrorCode } from '@twinvault/format';
import { CodedError, stdErrorCodes } from '@twinvault/std';
import type { ErrorDetails, StdErrorCode } from '@twinvault/std';

export const protocolErrorCodes = {
  'answer-invalid': {
    retry: 'never',
    meaning: 'The answer does not follow the protocol: another program answers at this address, or the site is at fault.',
  },
  'base-unknown': {
    retry: 'later',
    meaning: 'A record was sent as a difference to one that the site does not have any more: it has to be sent whole.',
  },
  'capability-ended': {
    retry: 'never',
    meaning: 'The token has ended: whoever runs the site gives a new one.',
  },
  'capability-invalid': {
    retry: 'never',
    meaning: 'The token is damaged, is not good yet, or was not given by this site.',
  },
  'clean-stopped': {
    retry: 'never',
    meaning: 'More than the named share of a safe would go at once, so nothing was removed.',
  },
  'clocks-apart': {
    retry: 'later',
    meaning: 'The clocks of this machine and of the site differ by more than a token allows.',
  },
  'clock-jumped': {
    retry: 'never',
    meaning: 'A clock of the site is not where it should be since the last clean-up, so nothing was removed.',
  },
  'database-away': {
    retry: 'later',
    meaning: 'The database of the site cannot be reached, or reports a failure.',
  },
  erased: {
    retry: 'never',
    meaning: 'An erase order covers this: it is not taken and not given any more.',
  },
  'frames-invalid': {
    retry: 'never',
    meaning: 'A body of several objects is cut off, or holds more or larger ones than allowed.',
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
  'not-home': {
    retry: 'never',
    meaning: 'Another site is the home of this safe: it alone appends to the ledger and changes key slots.',
  },
  'object-unknown': {
    retry: 'never',
    meaning: 'The site has no object of this kind and name.',
  },
  'operator-alone': {
    retry: 'never',
    meaning: 'The safe has no second operator, who would have to agree.',
  },
  'operator-key-invalid': {
    retry: 'never',
    meaning: 'The file does not hold the key of an operator, or is damaged.',
  },
  'operator-unknown': {
    retry: 'never',
    meaning: 'This key is not one of an operator of the safe, or the proposal was not signed for it.',
  },
  'plan-unknown': {
    retry: 'later',
    meaning: 'The pack is made of others by a plan that the site does not have.',
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
  'proposal-invalid': {
    retry: 'never',
    meaning: 'The file does not hold a proposal of an operator, or is damaged.',
  },
  'proposal-stale': {
    retry: 'never',
    meaning: 'The ledger of the safe went on since the proposal was signed.',
  },
  'quota-reached': {
    retry: 'later',
    meaning: 'The site takes no new data of this customer above the limit that its operator set.',
  },
  'record-unknown': {
    retry: 'never',
    meaning: 'The site has no record of this digest that could be opened.',
  },
  'request-invalid': {
    retry: 'never',
    meaning: 'The site does not understand the request, or does not know a part of it.',
  },
  'request-slow': {
    retry: 'later',
    meaning: 'The body of a request came too slowly, so the site stopped waiting for it.',
  },
  'request-too-large': {
    retry: 'never',
    meaning: 'The body of a request is above the limit for its kind.',
  },
  'route-unknown': {
    retry: 'never',
    meaning: 'The site knows no request of this kind at this address.',
  },
  'safe-exists': {
    retry: 'never',
    meaning: 'The vault has a safe with this id already.',
  },
  'safe-unknown': {
    retry: 'never',
    meaning: 'The vault has no safe with this id.',
  },
  'site-twice': {
    retry: 'never',
    meaning: 'Two places that were named as sites of one vault are one and the same site.',
  },
  'slots-mismatch': {
    retry: 'never',
    meaning: 'The key slots handed over are not those that the ledger entry names.',
  },
  'store-away': {
    retry: 'later',
    meaning: 'The store of the site cannot be reached, or reports a failure.',
  },
  'store-unfit': {
    retry: 'never',
    meaning: 'The store lacks something without which a site would lose data.',
  },
  'task-abandoned': {
    retry: 'never',
    meaning: 'A task of the site ended each node that ran it, so it is not run again.',
  },
  'task-failed': {
    retry: 'later',
    meaning: 'A task of the site failed by a mistake of the program; the log of the site says more.',
  },
  'task-unknown': {
    retry: 'never',
    meaning: 'The site has no task of this id.',
  },
  'token-file-invalid': {
    retry: 'never',
    meaning: 'The file does not hold a token of a site, or is damaged.',
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
  'verb-denied': {
    retry: 'never',
    meaning: 'The token does not permit this.',
  },
} as const;

/** What can happen on the way to a site. */
export type NetworkErrorCode = Extract<StdErrorCode, `network-${string}`>;

export type ProtocolErrorCode = keyof typeof protocolErrorCodes | FormatErrorCode | NetworkErrorCode;

/** Every method of the vault port throws this one. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {
  override name = 'ProtocolError';

  constructor(code: ProtocolErrorCode, details?: ErrorDetails) {
    super({ ...stdErrorCodes, ...formatErrorCodes, ...protocolErrorCodes }, code, details);
  }
}
