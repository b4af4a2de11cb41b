/*
 * What keeps a site from starting. What a running site answers is in the tables of `protocol` and `format`.
 */

import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const vaultErrorCodes = {
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
  'site-silent': {
    retry: 'later',
    meaning: 'The process of a site was started and does not answer.',
  },
} as const;

export type VaultErrorCode = keyof typeof vaultErrorCodes;

/** Thrown before a site serves; `key` in the context names the place in the configuration file. */
export class VaultError extends CodedError<VaultErrorCode> {
  override name = 'VaultError';

  constructor(code: VaultErrorCode, details?: ErrorDetails) {
    super(vaultErrorCodes, code, details);
  }
}
