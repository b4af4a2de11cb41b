/*
 * The error codes of format. Each says that bytes, or what they claim, are not to be trusted as they are; none depends on
 * who asks. `context.defect` is a fixed phrase of this package, never content.
 */

import { CodedError } from '@twinvault/std';
import type { ErrorDetails } from '@twinvault/std';

export const formatErrorCodes = {
  'cbor-invalid': {
    retry: 'never',
    meaning: 'A CBOR item is not well formed, not in its one deterministic form, or holds what the format does not use.',
  },
  'certificate-revoked': {
    retry: 'never',
    meaning: 'The certificate was revoked, and the record is none of those that the revocation lets stand.',
  },
  'certificate-unknown': {
    retry: 'never',
    meaning: 'The ledger of the safe holds no certificate of this id.',
  },
  'feature-unknown': {
    retry: 'never',
    meaning: 'The safe uses a feature that this version does not know, so it must not be read by it.',
  },
  'id-invalid': {
    retry: 'never',
    meaning: 'An id has the wrong length or is not hexadecimal.',
  },
  'job-foreign': {
    retry: 'never',
    meaning: 'The certificate names another computer than the job, and the job was not handed over to it.',
  },
  'ledger-broken': {
    retry: 'never',
    meaning: 'A ledger entry does not continue the chain: its number, its predecessor or its safe is another.',
  },
  'ledger-conflict': {
    retry: 'never',
    meaning: 'A ledger entry contradicts what stands in the ledger before it.',
  },
  'ledger-foreign-head': {
    retry: 'never',
    meaning: 'A ledger head is not on this ledger: the ledger was rolled back or split, or is behind.',
  },
  'ledger-signer': {
    retry: 'never',
    meaning: 'A ledger entry is signed by a key that may not sign entries of its kind.',
  },
  'object-invalid': {
    retry: 'never',
    meaning: 'A stored object does not have the form of its kind.',
  },
  'object-too-large': {
    retry: 'never',
    meaning: 'An object or a part of it is above its limit, so it was refused before it was read.',
  },
  'pack-damaged': {
    retry: 'never',
    meaning: 'The bytes of a pack do not fit its table or its name.',
  },
  'pack-foreign': {
    retry: 'never',
    meaning: 'A pack belongs to another safe, names another certificate, or is not a fresh one.',
  },
  'record-invalid': {
    retry: 'never',
    meaning: 'A record or its stub does not have the form of its kind.',
  },
  'refs-invalid': {
    retry: 'never',
    meaning: 'Refs are not in their one canonical form.',
  },
  'safe-mismatch': {
    retry: 'never',
    meaning: 'An object belongs to another safe, or a safe id does not follow from its root key.',
  },
  'signature-invalid': {
    retry: 'never',
    meaning: 'A signature does not fit the object or is of another key.',
  },
  'slot-parameters': {
    retry: 'never',
    meaning: 'A key slot asks for a password hash below the floor or above the ceiling.',
  },
  'suite-unknown': {
    retry: 'never',
    meaning: 'An object names a suite that this version does not know.',
  },
  'suite-too-low': {
    retry: 'never',
    meaning: 'A record or pack uses a suite below the minimum that the ledger demands of it.',
  },
  'version-unknown': {
    retry: 'never',
    meaning: 'An object has a format version that this version does not know: a newer program wrote it.',
  },
} as const;

export type FormatErrorCode = keyof typeof formatErrorCodes;

export class FormatError extends CodedError<FormatErrorCode> {
  override name = 'FormatError';

  constructor(code: FormatErrorCode, details?: ErrorDetails) {
    super(formatErrorCodes, code, details);
  }
}

/** Throws `code` with the defect, a fixed phrase, in its context. */
export function refuse(code: FormatErrorCode, defect: string, cause?: unknown): never {
  throw new FormatError(code, { context: { defect }, ...(cause === undefined ? {} : { cause }) });
}

/** Throws `code` unless the condition holds; see `refuse`. */
export function demand(condition: boolean, code: FormatErrorCode, defect: string): asserts condition {
  if (!condition) refuse(code, defect);
}
