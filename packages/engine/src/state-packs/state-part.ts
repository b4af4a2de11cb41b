/*
 * Plaintext of one chunk of a state pack: CBOR [base, number, part, last, bytes] (docs/format/delta.md, "State packs").
 */
import { CodedError } from '@twinvault/std';
import { decodeCbor, encodeCbor } from '@twinvault/format';
import { stateBaseBytes, stateLogsMax } from './state-chain.ts';

/** Of the stream in one part. */
export const statePartBytesMax: number = 2 * 1024 * 1024;
/** A stream of 8 TiB. */
const partsMax = 2 ** 22;

export interface StatePart {
  readonly base: Uint8Array;
  /** Of the log; 0: the base. */
  readonly number: number;
  readonly part: number;
  readonly last: boolean;
  readonly bytes: Uint8Array;
}

export function encodeStatePart({ base, number, part, last, bytes }: StatePart): Uint8Array {
  return encodeCbor([base, number, part, last, bytes]);
}

/** Null for anything else than a part. */
export function decodeStatePart(plaintext: Uint8Array): StatePart | null {
  if (plaintext.length > statePartBytesMax + 256) return null;
  const value = decoded(plaintext);
  if (!Array.isArray(value) || value.length !== 5) return null;
  const [base, number, part, last, bytes] = value as readonly unknown[];
  if (!(base instanceof Uint8Array) || base.length !== stateBaseBytes) return null;
  if (!isBelow(number, stateLogsMax + 1) || !isBelow(part, partsMax)) return null;
  if (typeof last !== 'boolean' || !(bytes instanceof Uint8Array) || bytes.length > statePartBytesMax) return null;
  return { base, number, part, last, bytes };
}

function decoded(plaintext: Uint8Array): unknown {
  try {
    return decodeCbor(plaintext, { bytesMax: statePartBytesMax + 256 });
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

function isBelow(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < limit;
}
