/*
 * Key slots (`TVKS`), docs/format/keys.md: object header (suite 1) | u32 body length | body. What a slot wraps is opened
 * elsewhere; here are its form and the floors and ceilings of the password hash, so that no server can make a reader weak or
 * have it allocate gigabytes.
 */

import { KiB, MiB, concatBytes } from '@twinvault/std';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { CborValue } from './cbor.ts';
import { demand, FormatError } from './errors.ts';
import { Fields } from './fields.ts';
import { safeId } from './ids.ts';
import type { SafeId } from './ids.ts';
import { kemCiphertextBytes, slotBytesMax } from './limits.ts';
import { encodeObjectHeader, lengthPrefixedBody, parseObjectHeader, u32 } from './objects.ts';

export type KeySlotType = 'password' | 'kit' | 'escrow';

export interface KeySlot {
  readonly safe: SafeId;
  /** 16 random bytes. */
  readonly slot: Uint8Array;
  readonly type: KeySlotType;
  /** 32 bytes: SHA-256("twinvault v1 slot commitment" | first half of the stretched secret). */
  readonly commitment: Uint8Array;
  /** 32 bytes, fresh for each slot. */
  readonly salt: Uint8Array;
  /** Argon2id; the three are 0 unless the type is password. */
  readonly passes: number;
  readonly memoryKiB: number;
  readonly lanes: number;
  /** The sealed root secret, 48 bytes; in an escrow slot after a KEM ciphertext. */
  readonly wrapped: Uint8Array;
}

export interface SlotLimit {
  readonly floor: number;
  readonly initial: number;
  readonly ceiling: number;
}

/** Argon2id, RFC 9106. `initial`: what new slots have unless asked otherwise. */
export const slotLimits: { readonly passes: SlotLimit; readonly memoryKiB: SlotLimit; readonly lanes: SlotLimit } = {
  passes: { floor: 3, initial: 3, ceiling: 16 },
  memoryKiB: { floor: (64 * MiB) / KiB, initial: (64 * MiB) / KiB, ceiling: (1024 * MiB) / KiB },
  lanes: { floor: 1, initial: 4, ceiling: 16 },
};

/** Root secret and tag. */
const wrappedBytes = 48;

/** Digest by which the ledger names it: `objectDigest` of the result. Throws as parse does when no reader would take it. */
export function encodeKeySlotObject(slot: KeySlot): Uint8Array {
  const body = encodeCbor({ ...slotFields(slot), wrapped: slot.wrapped });
  const bytes = concatBytes(encodeObjectHeader('slot', 1), u32(body.length), body);
  parseKeySlotObject(bytes);
  return bytes;
}

/** The AAD of `wrapped`: the object header and the body's CBOR without `wrapped`. */
export function keySlotAad(slot: Omit<KeySlot, 'wrapped'>): Uint8Array {
  return concatBytes(encodeObjectHeader('slot', 1), encodeCbor(slotFields(slot)));
}

function slotFields(slot: Omit<KeySlot, 'wrapped'>): Record<string, CborValue> {
  const { commitment, lanes, memoryKiB, passes, salt, safe, slot: id, type } = slot;
  return { commitment, lanes, memory: memoryKiB, passes, salt, safe, slot: id, type };
}

/** `object-invalid`, `object-too-large`; `slot-parameters` below a floor or above a ceiling. */
export function parseKeySlotObject(bytes: Uint8Array): KeySlot {
  if (bytes.length > slotBytesMax) {
    throw new FormatError('object-too-large', { context: { sizeBytes: bytes.length, bytesMax: slotBytesMax } });
  }
  demand(parseObjectHeader('slot', bytes, 'object-invalid') === 1, 'object-invalid', 'suite of a key slot');
  const fields = new Fields(decodeCbor(lengthPrefixedBody(bytes, 0), { bytesMax: slotBytesMax }), 'object-invalid');
  const type = fields.oneOf('type', ['password', 'kit', 'escrow']);
  const slot: KeySlot = {
    safe: safeId(fields.bytes('safe', 16)),
    slot: fields.bytes('slot', 16),
    type,
    commitment: fields.bytes('commitment', 32),
    salt: fields.bytes('salt', 32),
    passes: fields.uint('passes'),
    memoryKiB: fields.uint('memory'),
    lanes: fields.uint('lanes'),
    wrapped: fields.bytes('wrapped', type === 'escrow' ? kemCiphertextBytes + wrappedBytes : wrappedBytes),
  };
  fields.end();
  demandParameters(slot);
  return slot;
}

function demandParameters(slot: KeySlot): void {
  for (const key of ['passes', 'memoryKiB', 'lanes'] as const) {
    const { floor, ceiling } = slotLimits[key];
    const value = slot[key];
    const fits = slot.type === 'password' ? value >= floor && value <= ceiling : value === 0;
    if (!fits) throw new FormatError('slot-parameters', { context: { parameter: key, value } });
  }
}
