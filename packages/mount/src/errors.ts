/* The codes of mounting. What goes wrong with single files while a mount stands is an errno to whoever asked. */
import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const mountErrorCodes = {
  'mount-denied': {
    retry: 'never',
    meaning: 'The system does not let this user mount a folder.',
  },
  'mount-device-closed': {
    retry: 'never',
    meaning: 'The device of FUSE is closed to this user.',
  },
  'mount-folder-denied': {
    retry: 'never',
    meaning: 'A user may mount only at a folder that he may write to.',
  },
  'mount-helper-missing': {
    retry: 'never',
    meaning: 'The program that mounts for users who are not root is not installed.',
  },
  'mount-others-denied': {
    retry: 'never',
    meaning: 'The system does not let users open what they mount to others.',
  },
  'mount-too-many': {
    retry: 'later',
    meaning: 'The system allows no more folders that users mounted.',
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
