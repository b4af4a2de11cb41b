/*
 * Key slots: the root secret wrapped under a password, a recovery kit or an escrow key (docs/format/keys.md, "Key slots").
 *
 *   64 bytes from the secret and the slot's salt; the first 32 give the commitment, the last 32 seal RS once
 *
 * Invariants: the commitment is compared before anything is decrypted, so that a slot opens under one secret only; the
 * parameters of Argon2id are within floor and ceiling before memory is taken (parseKeySlotObject refuses others).
 */

import { concatBytes, equalSecretBytes, primitives, utf8Encode } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import { encodeKeySlotObject, kemCiphertextBytes, keySlotAad, parseKeySlotObject, slotLimits } from '@twinvault/format';
import type { KeySlot, SafeId } from '@twinvault/format';
import { SealError } from './errors.ts';
import { rootSecret } from './keys.ts';
import type { RootSecret } from './keys.ts';
import { newKitCode } from './kit-code.ts';
import type { KitCode } from './kit-code.ts';
import { passwordBytes } from './password.ts';
import { openBytes, sealBytes, zeroNonce } from './suites.ts';

export interface PasswordParameters {
  /** 3 to 16. */
  readonly passes: number;
  /** 65,536 to 1,048,576. */
  readonly memoryKiB: number;
  /** 1 to 16. */
  readonly lanes: number;
}

export const passwordParametersDefault: PasswordParameters = {
  passes: slotLimits.passes.initial,
  memoryKiB: slotLimits.memoryKiB.initial,
  lanes: slotLimits.lanes.initial,
};

export type SlotSecret =
  | { readonly type: 'password'; readonly password: string }
  | { readonly type: 'kit'; readonly code: KitCode }
  | { readonly type: 'escrow'; readonly seed: Uint8Array };

interface SlotInput {
  readonly rs: RootSecret;
  readonly safe: SafeId;
  readonly random: Random;
}

const saltBytes = 32;
const slotIdBytes = 16;
const commitmentLabel = utf8Encode('twinvault v1 slot commitment');
const kitInfo = utf8Encode('twinvault v1 slot kit');
const escrowInfo = utf8Encode('twinvault v1 slot escrow');
const noParameters: PasswordParameters = { passes: 0, memoryKiB: 0, lanes: 0 };

/** Stored bytes of a new slot. `password-too-short`, `password-too-long`; FormatError `slot-parameters`. */
export async function makePasswordSlot(
  input: SlotInput & { readonly password: string; readonly parameters?: PasswordParameters },
): Promise<Uint8Array> {
  const parameters = input.parameters ?? passwordParametersDefault;
  const password = passwordBytes(input.password);
  const salt = input.random.bytes(saltBytes);
  const stretched = await stretch(password, salt, parameters);
  return wrap(input, { type: 'password', salt, stretched, parameters });
}

export function makeKitSlot(input: SlotInput): { slot: Uint8Array; code: KitCode } {
  const code = newKitCode(input.random);
  const salt = input.random.bytes(saltBytes);
  const stretched = primitives.hkdfSha256(code, salt, kitInfo, 64);
  return { slot: wrap(input, { type: 'kit', salt, stretched }), code };
}

/** `key`: the X-Wing public key of an `escrow` entry of the ledger. `kemRandom`: 64 bytes, for tests and vectors. */
export function makeEscrowSlot(input: SlotInput & { readonly key: Uint8Array; readonly kemRandom?: Uint8Array }): Uint8Array {
  const salt = input.random.bytes(saltBytes);
  const { sharedSecret, ciphertext } = primitives.xwingEncapsulate(input.key, input.kemRandom);
  const stretched = primitives.hkdfSha256(sharedSecret, salt, escrowInfo, 64);
  return wrap(input, { type: 'escrow', salt, stretched, ciphertext });
}

/**
 * The root secret, or null when the slot is of another type or the secret is not its own. It is not compared with any
 * root key here: openSafe does that. `slot-damaged` when the secret is right but the slot does not open; FormatError for
 * bytes that are no slot.
 */
export async function openSlot(slotBytes: Uint8Array, secret: SlotSecret): Promise<RootSecret | null> {
  const slot = parseKeySlotObject(slotBytes);
  if (slot.type !== secret.type) return null;
  const stretched = await stretchFor(slot, secret);
  if (stretched === null) return null;
  if (!equalSecretBytes(commitmentOf(stretched), slot.commitment)) return null;
  const sealed = slot.type === 'escrow' ? slot.wrapped.subarray(kemCiphertextBytes) : slot.wrapped;
  const opened = openBytes(1, sealInput(slot, stretched), sealed);
  if (opened?.length !== 32) throw new SealError('slot-damaged');
  return rootSecret(opened);
}

interface Wrapping {
  readonly type: KeySlot['type'];
  readonly salt: Uint8Array;
  readonly stretched: Uint8Array;
  readonly parameters?: PasswordParameters;
  /** Of the escrow key. */
  readonly ciphertext?: Uint8Array;
}

function wrap({ rs, safe, random }: SlotInput, wrapping: Wrapping): Uint8Array {
  const { type, salt, stretched, parameters = noParameters, ciphertext } = wrapping;
  const open = { safe, slot: random.bytes(slotIdBytes), type, salt, commitment: commitmentOf(stretched), ...parameters };
  const sealed = sealBytes(1, sealInput(open, stretched), rs);
  const wrapped = ciphertext === undefined ? sealed : concatBytes(ciphertext, sealed);
  return encodeKeySlotObject({ ...open, wrapped });
}

function sealInput(slot: Omit<KeySlot, 'wrapped'>, stretched: Uint8Array): Parameters<typeof sealBytes>[1] {
  return { key: stretched.subarray(32, 64), nonce: zeroNonce, aad: keySlotAad(slot) };
}

function commitmentOf(stretched: Uint8Array): Uint8Array {
  return primitives.sha256(concatBytes(commitmentLabel, stretched.subarray(0, 32)));
}

async function stretchFor(slot: KeySlot, secret: SlotSecret): Promise<Uint8Array | null> {
  if (secret.type === 'kit') return primitives.hkdfSha256(secret.code, slot.salt, kitInfo, 64);
  if (secret.type === 'escrow') {
    if (slot.wrapped.length < kemCiphertextBytes) return null;
    const shared = primitives.xwingDecapsulate(secret.seed, slot.wrapped.subarray(0, kemCiphertextBytes));
    return primitives.hkdfSha256(shared, slot.salt, escrowInfo, 64);
  }
  const password = passwordBytesOrNull(secret.password);
  return password === null ? null : await stretch(password, slot.salt, slot);
}

/** No slot was ever made with a password that is refused. */
function passwordBytesOrNull(password: string): Uint8Array | null {
  try {
    return passwordBytes(password);
  } catch (error) {
    if (error instanceof SealError) return null;
    throw error;
  }
}

async function stretch(password: Uint8Array, salt: Uint8Array, parameters: PasswordParameters): Promise<Uint8Array> {
  const { passes, memoryKiB, lanes } = parameters;
  return await primitives.argon2id(password, salt, { passes, memoryKiB, lanes, outputBytes: 64 });
}
