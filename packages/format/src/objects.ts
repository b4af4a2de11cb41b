/*
 * The object header and signed objects, docs/format/README.md.
 *
 *     offset bytes
 *     0      4     magic
 *     4      1     format version, 1
 *     5      1     suite, 0 where none is used
 *     6      2     zero
 *
 * A signed object is header | u32 body length | body | signature; its digest is the SHA-256 of all of it.
 */

import { concatBytes, primitives, toHex, utf8Encode } from '@twinvault/std';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { CborValue } from './cbor.ts';
import { demand, FormatError, refuse } from './errors.ts';
import type { FormatErrorCode } from './errors.ts';
import { signatureBytes } from './limits.ts';

export const formatVersion = 1;
export const objectHeaderBytes = 8;

/** 1: X-Wing and AES-256-GCM; 2: X-Wing and AES-256-CBC with HMAC-SHA-256. */
export type Suite = 1 | 2;

/** Signs a message with the key whose public half the object names; Ed25519, 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array;

const magics = {
  safe: 'TVSD',
  ledger: 'TVLE',
  slot: 'TVKS',
  pack: 'TVPK',
  record: 'TVRC',
  difference: 'TVRD',
  receipt: 'TVRE',
  tombstone: 'TVTO',
  stub: 'TVST',
  plan: 'TVCP',
  erase: 'TVEO',
  seed: 'TVSM',
} as const;

export type ObjectKind = keyof typeof magics;
export type SignedKind = 'safe' | 'ledger' | 'receipt' | 'tombstone' | 'plan' | 'erase' | 'seed';

/** SHA-256 of all bytes: the digest, and where nothing else is said the name, of an object. */
export function objectDigest(bytes: Uint8Array): Uint8Array {
  return primitives.sha256(bytes);
}

export function encodeObjectHeader(kind: ObjectKind, suite: Suite | 0): Uint8Array {
  return concatBytes(utf8Encode(magics[kind]), new Uint8Array([formatVersion, suite, 0, 0]));
}

/** The suite. `code` for another magic or too few bytes; `version-unknown`; `suite-unknown`. */
export function parseObjectHeader(kind: ObjectKind, bytes: Uint8Array, code: FormatErrorCode): Suite | 0 {
  demand(bytes.length >= objectHeaderBytes, code, 'shorter than its header');
  const magic = magics[kind];
  for (let index = 0; index < magic.length; index += 1) {
    demand(bytes[index] === magic.charCodeAt(index), code, 'magic');
  }
  if (bytes[4] !== formatVersion) throw new FormatError('version-unknown', { context: { version: bytes[4] ?? 0 } });
  demand(bytes[6] === 0 && bytes[7] === 0, code, 'header not zero');
  const suite = bytes[5];
  if (suite !== 0 && suite !== 1 && suite !== 2) {
    throw new FormatError('suite-unknown', { context: { suite: suite ?? 0 } });
  }
  return suite;
}

/** Which kind the magic names, or null. Looks at the first four bytes alone. */
export function objectKindOf(bytes: Uint8Array): ObjectKind | null {
  const magic = toHex(bytes.subarray(0, 4));
  for (const kind of Object.keys(magics) as ObjectKind[]) {
    if (toHex(utf8Encode(magics[kind])) === magic) return kind;
  }
  return null;
}

export interface SignedObject {
  readonly kind: SignedKind;
  /** Decoded CBOR, a map. */
  readonly body: unknown;
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly message: Uint8Array;
  /** SHA-256 of the whole object. */
  readonly digest: Uint8Array;
}

/** No suite is used in signed objects: the header's is 0. */
export function encodeSigned(kind: SignedKind, body: CborValue, sign: Sign): Uint8Array {
  const header = encodeObjectHeader(kind, 0);
  const bodyBytes = encodeCbor(body);
  const signature = sign(signedMessage(kind, header, bodyBytes));
  return concatBytes(header, u32(bodyBytes.length), bodyBytes, signature);
}

/** Form alone: the signature is checked by verifySigned, since its key is often named in the body. */
export function parseSigned(kind: SignedKind, bytes: Uint8Array, bytesMax: number): SignedObject {
  if (bytes.length > bytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax } });
  }
  demand(parseObjectHeader(kind, bytes, 'object-invalid') === 0, 'object-invalid', 'suite in a signed object');
  const body = lengthPrefixedBody(bytes, signatureBytes);
  const header = bytes.subarray(0, objectHeaderBytes);
  return {
    kind,
    body: decodeCbor(body, { bytesMax }),
    signature: bytes.slice(bytes.length - signatureBytes),
    message: signedMessage(kind, header, body),
    digest: objectDigest(bytes),
  };
}

/** Throws `signature-invalid` unless the object was signed by the key. */
export function verifySigned(object: SignedObject, publicKey: Uint8Array): void {
  if (!primitives.ed25519Verify(publicKey, object.message, object.signature)) {
    refuse('signature-invalid', object.kind);
  }
}

/** What a second operator signs: `"twinvault " | kind | " second v1" | 0x00 | header | body without the key `other``. */
export function secondMessage(kind: SignedKind, bodyWithoutOther: CborValue): Uint8Array {
  const body = encodeCbor(bodyWithoutOther);
  return concatBytes(utf8Encode(`twinvault ${kind} second v1\0`), encodeObjectHeader(kind, 0), body);
}

/** The bytes between `header | u32 length` and the last `after` bytes; `object-invalid` unless lengths add up exactly. */
export function lengthPrefixedBody(bytes: Uint8Array, after: number): Uint8Array {
  const start = objectHeaderBytes + 4;
  demand(bytes.length >= start + after, 'object-invalid', 'shorter than its fixed parts');
  const length = readU32(bytes, objectHeaderBytes);
  demand(length === bytes.length - start - after, 'object-invalid', 'lengths do not add up');
  return bytes.subarray(start, start + length);
}

function signedMessage(kind: SignedKind, header: Uint8Array, body: Uint8Array): Uint8Array {
  return concatBytes(utf8Encode(`twinvault ${kind} v1\0`), header, body);
}

/** Little-endian. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Little-endian; the caller knows that four bytes are there. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
