/*
 * What the schemas are made of. A schema's type is written out beside it as an interface, and `typed` lets the compiler hold the two to each other.
 * Requests refuse fields that they do not know (`strict`), answers let them pass.
 */

import { Type } from 'typebox';
import type { Static, TObject, TProperties, TSchema, TUnsafe } from 'typebox';
import { customerBytesMax, digestDigits, idDigits } from '../limits.ts';

/** The same schema with a type that can be written down. */
export function typed<Schema extends TSchema>(schema: Schema): TUnsafe<Static<Schema>> {
  return Type.Unsafe<Static<Schema>>(schema);
}

/** The object of a request. */
export function strict<Properties extends TProperties>(properties: Properties): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false });
}

/** Bytes as lower-case hexadecimal digits, at most so many of them. */
export function hexOf(bytesMax: number): TUnsafe<string> {
  return Type.Unsafe<string>(Type.String({ pattern: '^([0-9a-f]{2})*$', maxLength: 2 * bytesMax }));
}

function digits(count: number): TUnsafe<string> {
  return Type.Unsafe<string>(Type.String({ pattern: `^[0-9a-f]{${count}}$`, minLength: count, maxLength: count }));
}

/** Of a safe, computer, certificate, site, session, reading or task: 16 bytes. */
export const idJson: TUnsafe<string> = digits(idDigits);
/** Of an object, or a pack's name: 32 bytes. */
export const digestJson: TUnsafe<string> = digits(digestDigits);
/** Of Ed25519, 32 bytes. */
export const publicKeyJson: TUnsafe<string> = digits(64);
/** ms since 1970, bytes, or a number of things. */
export const countJson: TUnsafe<number> = Type.Unsafe<number>(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

/** A customer's name or number: no control characters, which would reach the terminals of operators. */
export const customerJson: TUnsafe<string> = Type.Unsafe<string>(
  Type.String({ minLength: 1, maxLength: customerBytesMax, pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f]+$` }),
);

/** Text in UTF-16 units, which are at most as many as bytes. */
export function textOf(lengthMax: number): TUnsafe<string> {
  return Type.Unsafe<string>(Type.String({ maxLength: lengthMax }));
}
