/*
 * Deterministic CBOR (RFC 8949 section 4.2.1) as docs/format/README.md narrows it. One value has one encoding, and nothing
 * else is read. cborg writes; the reader is ours (cbor-reader.ts), because cborg's drops a byte order mark at the beginning of
 * text, takes bytes that are not UTF-8, and recurses as deep as its input says (version 6.1.5).
 *
 * Invariant: encodeCbor(decodeCbor(bytes)) equals bytes, for all bytes that decodeCbor does not refuse.
 */

import { encode } from 'cborg';
import { assert } from '@twinvault/std';
import { CborReader } from './cbor-reader.ts';
import { FormatError } from './errors.ts';
import { cborDepthMax } from './limits.ts';

/** What encodeCbor takes: safe integers, well-formed text, bytes, lists, maps (objects: their own text keys). */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<string | number, CborValue>
  | { readonly [key: string]: CborValue };

export interface CborLimits {
  /** Longer input is refused unread. */
  readonly bytesMax: number;
}

/** Keys are sorted, integers and lengths as short as can be. What the format does not use fails an assertion. */
export function encodeCbor(value: CborValue): Uint8Array {
  assertEncodable(value);
  // A copy: cborg's own result may lie in a shared pool.
  return new Uint8Array(encode(value));
}

/**
 * The item, maps as Map (a key may be a name like `__proto__`), byte strings as copies. `object-too-large` above
 * `bytesMax`; `cbor-invalid` for anything but one item in its deterministic form.
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits): unknown {
  if (bytes.length > limits.bytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax: limits.bytesMax } });
  }
  return new CborReader(bytes, cborDepthMax).readAll();
}

function assertEncodable(value: CborValue): void {
  if (value === null || typeof value === 'boolean' || value instanceof Uint8Array) return;
  if (typeof value === 'number') assert(Number.isSafeInteger(value), 'CBOR integer out of range');
  else if (typeof value === 'string') assert(value.isWellFormed(), 'CBOR text is not well formed');
  else if (Array.isArray(value)) value.forEach(assertEncodable);
  else if (value instanceof Map) {
    for (const [key, member] of value as ReadonlyMap<string | number, CborValue>) {
      assert(typeof key === 'string' || key >= 0, 'CBOR key out of range');
      assertEncodable(key);
      assertEncodable(member);
    }
  } else {
    assert(typeof value === 'object', 'no CBOR form');
    for (const [key, member] of Object.entries(value as Record<string, CborValue>)) {
      assertEncodable(key);
      assertEncodable(member);
    }
  }
}
