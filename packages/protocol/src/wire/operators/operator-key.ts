/*
 * Files of an operator's key: the private one, and the public one that a safe's owner is handed. docs/protocol/README.md, Operators.
 *
 * Invariant: what is parsed is whole: the public key follows from the seed, and its short form from it.
 */

import { rootKeyShortForm } from '@twinvault/format';
import { equalBytes, fromHex, primitives, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { ProtocolError } from '../../errors.ts';
import { operatorFileBytesMax, operatorNameBytesMax } from '../../limits.ts';
import { checkJson } from '../check-json.ts';
import { publicKeyJson, strict, typed } from '../json-parts.ts';

export interface OperatorPublicKey {
  /** What people call whoever has the key. */
  readonly name: string;
  /** Ed25519. */
  readonly publicKey: Uint8Array;
}

export interface OperatorKey extends OperatorPublicKey {
  readonly seed: Uint8Array;
}

const fileFormat = 1;

interface PublicJson {
  twinvault: 'operator';
  format: number;
  name: string;
  key: string;
  shortForm: string;
}

const publicParts = {
  format: Type.Literal(fileFormat),
  name: Type.String({ minLength: 1, maxLength: operatorNameBytesMax, pattern: '^\\P{Cc}+$' }),
  key: publicKeyJson,
  shortForm: Type.String({ maxLength: 32 }),
};
const publicJson: TUnsafe<PublicJson> = typed(strict({ twinvault: Type.Literal('operator'), ...publicParts }));

interface PrivateJson extends Omit<PublicJson, 'twinvault'> {
  twinvault: 'operator-key';
  seed: string;
}

const privateJson: TUnsafe<PrivateJson> = typed(
  strict({ twinvault: Type.Literal('operator-key'), ...publicParts, seed: publicKeyJson }),
);

/** What people compare: made as that of a root key. */
export function operatorShortForm({ publicKey }: Pick<OperatorPublicKey, 'publicKey'>): string {
  return rootKeyShortForm(publicKey);
}

/** `seed`: 32 random bytes. */
export function operatorKeyOf(name: string, seed: Uint8Array): OperatorKey {
  return { name, seed, publicKey: primitives.ed25519PublicKey(seed) };
}

/** The public file's bytes. `operator-key-invalid` for a name that nobody could read. */
export function encodeOperatorPublicKey(key: OperatorPublicKey): Uint8Array {
  const { name, publicKey } = key;
  const json = { twinvault: 'operator', format: fileFormat, name, key: toHex(publicKey), shortForm: operatorShortForm(key) };
  const bytes = utf8Encode(`${JSON.stringify(json, null, 2)}\n`);
  parseOperatorPublicKey(bytes);
  return bytes;
}

/** The private file's bytes: kept as a password is. `operator-key-invalid`. */
export function encodeOperatorKey(key: OperatorKey): Uint8Array {
  const { name, publicKey, seed } = key;
  const parts = { name, key: toHex(publicKey), shortForm: operatorShortForm(key), seed: toHex(seed) };
  const bytes = utf8Encode(`${JSON.stringify({ twinvault: 'operator-key', format: fileFormat, ...parts }, null, 2)}\n`);
  parseOperatorKey(bytes);
  return bytes;
}

/** `operator-key-invalid`. */
export function parseOperatorPublicKey(bytes: Uint8Array): OperatorPublicKey {
  return publicKeyOf(checkJson(publicJson, textOf(bytes), 'operator-key-invalid'));
}

/** `operator-key-invalid`. */
export function parseOperatorKey(bytes: Uint8Array): OperatorKey {
  const json = checkJson(privateJson, textOf(bytes), 'operator-key-invalid');
  const { name, publicKey } = publicKeyOf(json);
  const seed = fromHex(json.seed) ?? new Uint8Array(32);
  if (!equalBytes(primitives.ed25519PublicKey(seed), publicKey)) throw invalid('seed');
  return { name, publicKey, seed };
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > operatorFileBytesMax) throw invalid('size');
  return utf8Decode(bytes) ?? '';
}

function publicKeyOf({ name, key, shortForm }: Pick<PublicJson, 'name' | 'key' | 'shortForm'>): OperatorPublicKey {
  const publicKey = fromHex(key) ?? new Uint8Array(32);
  if (operatorShortForm({ publicKey }) !== shortForm) throw invalid('short form');
  if (utf8Encode(name).length > operatorNameBytesMax) throw invalid('name');
  return { name, publicKey };
}

function invalid(defect: string): ProtocolError {
  return new ProtocolError('operator-key-invalid', { context: { defect } });
}
