/*
 * Escrow: a key pair of a company whose private half opens every safe that was given the public one (docs/format/keys.md, "Escrow keys").
 * Both halves are texts of a few lines, so that they can be printed, mailed and looked at.
 *
 *   private   `Key: ` and base32 of the X-Wing seed (32) and its check (3)
 *   public    `Public key: ` and, on this and the following lines up to an empty one, base32 of the X-Wing public key (1216) and its check (3)
 *   check     first 3 bytes of SHA-256("twinvault v1 escrow private" or "… public" | bytes)
 *
 * Invariant: who opens a safe is told of every escrow key that its ledger names while a slot for one stands.
 */

import { concatBytes, equalBytes, fromBase32, primitives, toBase32, toHex, utf8Encode } from '@twinvault/std';
import type { Brand, Clock, Random } from '@twinvault/std';
import { kemPublicKeyBytes, objectDigest, parseKeySlotObject, rootKeyShortForm } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import { rootEntry, slotsEntry } from './admin.ts';
import type { SlotChange } from './admin.ts';
import { SealError } from './errors.ts';
import type { OpenedSafe } from './open-safe.ts';
import { makeEscrowSlot } from './slots.ts';

/** X-Wing seed, 32 bytes. */
export type EscrowSeed = Brand<Uint8Array, 'EscrowSeed'>;

export interface EscrowPublicKey {
  /** Whose it is, as everybody who uses the safe reads it. */
  readonly name: string;
  readonly key: Uint8Array;
}

/** Longer texts are no keys. */
export const escrowTextCharactersMax = 65_536;
export const escrowNameCharactersMax = 200;

const seedBytes = 32;
const checkBytes = 3;
const lineCharacters = 64;

export function newEscrowSeed(random: Random): EscrowSeed {
  return random.bytes(seedBytes) as EscrowSeed;
}

export function escrowPublicKey(name: string, seed: EscrowSeed): EscrowPublicKey {
  return { name, key: primitives.xwingPublicKey(seed) };
}

/** Four groups of four: what people compare. */
export function escrowShortForm({ key }: Pick<EscrowPublicKey, 'key'>): string {
  return rootKeyShortForm(key);
}

export function escrowPrivateText({ name, seed }: { readonly name: string; readonly seed: EscrowSeed }): string {
  const groups = checked('private', seed).match(/.{1,4}/g) ?? [];
  return `Twinvault escrow key: private, keep it locked away

Name:        ${plainName(name)}
Short form:  ${escrowShortForm(escrowPublicKey(name, seed))}

Key: ${groups.join('-')}

Whoever has this key and access to a vault can read every safe that was given
the public key of the same short form.
`;
}

export function escrowPublicText(publicKey: EscrowPublicKey): string {
  const lines = checked('public', publicKey.key).match(new RegExp(`.{1,${lineCharacters}}`, 'g')) ?? [];
  return `Twinvault escrow key: public

Name:        ${plainName(publicKey.name)}
Short form:  ${escrowShortForm(publicKey)}

Public key:
${lines.join('\n')}
`;
}

/** `escrow-damaged` for a text without a private key, or with a mistyped one. */
export function parseEscrowPrivateText(text: string): EscrowSeed {
  const lines = linesOf(text);
  const at = lines.findIndex((line) => /^\s*key:/i.test(line));
  const bytes = unchecked('private', lines[at]?.replace(/^\s*key:/i, '') ?? '', seedBytes);
  return bytes as EscrowSeed;
}

/** `escrow-damaged` for a text without a public key, or with a damaged one. */
export function parseEscrowPublicText(text: string): EscrowPublicKey {
  const lines = linesOf(text);
  const at = lines.findIndex((line) => /^\s*public key:/i.test(line));
  const from = at < 0 ? [] : lines.slice(at).map((line) => line.replace(/^\s*public key:/i, '').trim());
  const end = from.findIndex((line, index) => index > 0 && line === '');
  const key = unchecked('public', from.slice(0, end < 0 ? from.length : end).join(''), kemPublicKeyBytes);
  const nameLine = lines.find((line) => /^\s*name:/i.test(line)) ?? '';
  const name = nameLine.replace(/^\s*name:/i, '').trim();
  if (name === '' || name.length > escrowNameCharactersMax)
    throw new SealError('escrow-damaged', { context: { defect: 'name' } });
  return { name, key };
}

/** The escrow keys of which whoever uses the safe is told: all that the ledger names, while a slot for any of them stands. */
export function escrowsOf(ledger: Ledger, slots: readonly Uint8Array[]): readonly EscrowPublicKey[] {
  if (!listedSlots(ledger, slots).some((slot) => parseKeySlotObject(slot).type === 'escrow')) return [];
  const byKey = new Map(ledger.escrows().map(({ name, key }) => [toHex(key), { name, key }]));
  return [...byKey.values()];
}

interface EscrowChangeInput {
  readonly opened: OpenedSafe;
  /** The set as the vault serves it. */
  readonly slots: readonly Uint8Array[];
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * `entry` names the key in the ledger and goes there first; null when it stands there already, after a change that was broken off. `change`
 * is for the vault's replaceSlots after it. `slot-too-many`.
 */
export function addEscrow(input: EscrowChangeInput & { readonly publicKey: EscrowPublicKey; readonly random: Random }): {
  readonly entry: Uint8Array | null;
  readonly change: SlotChange;
} {
  const { opened, clock, random, publicKey } = input;
  const isNamed = opened.ledger.escrows().some(({ key, name }) => equalBytes(key, publicKey.key) && name === publicKey.name);
  const entry = isNamed ? null : rootEntry({ opened, clock }, { kind: 'escrow', ...publicKey });
  const named = entry === null ? opened : opened.withEntry(entry);
  const slot = makeEscrowSlot({ rs: opened.rootSecret, safe: opened.safe, random, key: publicKey.key });
  const slots = [...listedSlots(opened.ledger, input.slots), slot];
  return { entry, change: { slots, entry: slotsEntry({ opened: named, clock, slots }) } };
}

/** Takes every escrow slot away: a slot does not say whose it is. `slot-last`, `slot-missing` when there is none. */
export function removeEscrow({ opened, slots, clock }: EscrowChangeInput): SlotChange {
  const listed = listedSlots(opened.ledger, slots);
  const kept = listed.filter((slot) => parseKeySlotObject(slot).type !== 'escrow');
  if (kept.length === listed.length) throw new SealError('slot-missing', { context: { type: 'escrow' } });
  return { slots: kept, entry: slotsEntry({ opened, clock, slots: kept }) };
}

function listedSlots(ledger: Ledger, slots: readonly Uint8Array[]): readonly Uint8Array[] {
  const listed = new Set(ledger.slotDigests().map(toHex));
  return slots.filter((slot) => listed.has(toHex(objectDigest(slot))));
}

function checked(half: 'private' | 'public', bytes: Uint8Array): string {
  return toBase32(concatBytes(bytes, checkOf(half, bytes)));
}

function unchecked(half: 'private' | 'public', text: string, lengthBytes: number): Uint8Array {
  const bytes = fromBase32(text.replaceAll(/[\s-]/gu, ''));
  const value = bytes?.subarray(0, lengthBytes);
  if (bytes?.length !== lengthBytes + checkBytes || value === undefined) {
    throw new SealError('escrow-damaged', { context: { defect: 'length', half } });
  }
  if (!equalBytes(bytes.subarray(lengthBytes), checkOf(half, value))) {
    throw new SealError('escrow-damaged', { context: { defect: 'check', half } });
  }
  return value.slice();
}

function checkOf(half: 'private' | 'public', bytes: Uint8Array): Uint8Array {
  return primitives.sha256(concatBytes(utf8Encode(`twinvault v1 escrow ${half}`), bytes)).subarray(0, checkBytes);
}

function linesOf(text: string): string[] {
  if (text.length > escrowTextCharactersMax) throw new SealError('escrow-damaged', { context: { defect: 'length' } });
  return text.split(/\r\n|\r|\n/);
}

function plainName(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, ' ').trim();
}
