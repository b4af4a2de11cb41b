/*
 * What keeps a site from starting, and what is wrong with a seed disk. What a running site answers is in the tables of `protocol` and `format`.
 */

import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const vaultErrorCodes = {
  'acme-failed': {
    retry: 'later',
    meaning: 'An authority issued no certificate for a site.',
  },
  'certificate-unusable': {
    retry: 'never',
    meaning: 'The certificate of a site cannot be read, or does not belong to its key or its address.',
  },
  'config-invalid': {
    retry: 'never',
    meaning: 'The configuration file of a site does not say what it should.',
  },
  'config-missing': {
    retry: 'never',
    meaning: 'There is no configuration file at this place.',
  },
  'listen-failed': {
    retry: 'later',
    meaning: 'A site cannot listen on its address: another program does, or it is not an address of this machine.',
  },
  'secret-exposed': {
    retry: 'never',
    meaning: 'The permissions of a file that holds a secret let others read it.',
  },
  'secret-missing': {
    retry: 'never',
    meaning: 'A file that should hold a secret is missing or empty.',
  },
  'seed-away': {
    retry: 'later',
    meaning: 'A seed disk cannot be read or written: it was unplugged, or reports a failure.',
  },
  'seed-damaged': {
    retry: 'never',
    meaning: 'The marker, list or manifest of a seed disk is not what was written.',
  },
  'seed-foreign': {
    retry: 'never',
    meaning: 'A seed disk is of a safe that the site does not have.',
  },
  'seed-full': {
    retry: 'later',
    meaning: 'A seed disk has no space left.',
  },
  'seed-missing': {
    retry: 'never',
    meaning: 'There is no seed disk at this place.',
  },
  'seed-newer': {
    retry: 'never',
    meaning: 'A seed disk was written by a newer version of the program.',
  },
  'seed-purpose': {
    retry: 'never',
    meaning: 'A seed disk is for the other way: a load goes to a site, a restore comes from one.',
  },
  'seed-signer': {
    retry: 'never',
    meaning: 'The manifest of a seed disk is not signed by whoever it names, or by nobody of the safe whose word counts.',
  },
  'seed-unfinished': {
    retry: 'never',
    meaning: 'A seed disk has no manifest of the safe: whoever makes it has not ended.',
  },
  'site-silent': {
    retry: 'later',
    meaning: 'The process of a site was started and does not answer.',
  },
} as const;

export type VaultErrorCode = keyof typeof vaultErrorCodes;

/** Thrown before a site serves (`key` in the context names the place in the configuration file), and by what works with a seed disk. */
export class VaultError extends CodedError<VaultErrorCode> {
  override name = 'VaultError';

  constructor(code: VaultErrorCode, details?: ErrorDetails) {
    super(vaultErrorCodes, code, details);
  }
}
