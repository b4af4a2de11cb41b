/*
 * The safe descriptor (`TVSD`), docs/format/keys.md: what a safe is, signed by its root key.
 *
 * Invariant: the safe id follows from the root key, so a safe's name proves its root key.
 */

import { concatBytes, equalBytes, primitives, toBase32, utf8Encode } from '@twinvault/std';
import { refuse } from './errors.ts';
import { Fields } from './fields.ts';
import { safeId } from './ids.ts';
import type { SafeId } from './ids.ts';
import { signedBytesMax, signingKeyBytes } from './limits.ts';
import { encodeSigned, parseSigned, verifySigned } from './objects.ts';
import type { Sign, Suite } from './objects.ts';

export interface SafeDescriptor {
  readonly safe: SafeId;
  /** Ed25519. */
  readonly rootKey: Uint8Array;
  readonly label: string;
  readonly suite: Suite;
  /** Since 1970, by the clock of who made the safe. */
  readonly createdMs: number;
}

const shortFormBytes = 10;

/** First 16 bytes of SHA-256("twinvault safe id v1" | root public key). */
export function safeIdOf(rootKey: Uint8Array): SafeId {
  const digest = primitives.sha256(concatBytes(utf8Encode('twinvault safe id v1'), rootKey));
  return safeId(digest.slice(0, 16));
}

/** First 10 bytes of the key's SHA-256 in Crockford base32, four groups of four: what people compare. */
export function rootKeyShortForm(rootKey: Uint8Array): string {
  const text = toBase32(primitives.sha256(rootKey).subarray(0, shortFormBytes));
  return (text.match(/.{4}/g) ?? []).join('-');
}

/** `sign` signs with the root key. Throws as parse does when no reader would take the result. */
export function encodeSafeDescriptor(descriptor: SafeDescriptor, sign: Sign): Uint8Array {
  const { safe, rootKey, label, suite, createdMs } = descriptor;
  const bytes = encodeSigned('safe', { created: createdMs, label, root: rootKey, safe, suite }, sign);
  parseSafeDescriptor(bytes);
  return bytes;
}

/** Verifies the signature and that the safe id follows from the root key: `signature-invalid`, `safe-mismatch`. */
export function parseSafeDescriptor(bytes: Uint8Array): SafeDescriptor {
  const object = parseSigned('safe', bytes, signedBytesMax);
  const fields = new Fields(object.body, 'object-invalid');
  const descriptor: SafeDescriptor = {
    safe: safeId(fields.bytes('safe', 16)),
    rootKey: fields.bytes('root', signingKeyBytes),
    label: fields.text('label'),
    suite: fields.oneOf('suite', [1, 2]),
    createdMs: fields.uint('created'),
  };
  fields.end();
  if (!equalBytes(safeIdOf(descriptor.rootKey), descriptor.safe)) {
    refuse('safe-mismatch', 'id does not follow from the root key');
  }
  verifySigned(object, descriptor.rootKey);
  return descriptor;
}
