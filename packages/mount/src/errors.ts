/* The codes of mounting. What goes wrong with single files while a mount stands is an errno to whoever asked. */
import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const mountErrorCodes = {
  'mount-denied': {
    retry: 'never',
    meaning: 'The system does not let this user mount a folder.',
  },
  'mount-failed': {
    retry: 'never',
    meaning: 'The folder could not be mounted.',
  },
  'mount-unsupported': {
    retry: 'never',
    meaning: 'This system has no FUSE, or it is not Linux.',
  },
} as const;

export type MountErrorCode = keyof typeof mountErrorCodes;

export class MountError extends CodedError<MountErrorCode> {
  override name = 'MountError';

  constructor(code: MountErrorCode, details?: ErrorDetails) {
    super(mountErrorCodes, code, details);
  }
}
