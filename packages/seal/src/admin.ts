/*
 * What only somebody who opened a safe can do: make it, enrol a computer, revoke one, change the key slots
 * (docs/format/keys.md). All of it is pure: it gives ledger entries and slots that the caller hands to the vault.
 *
 * Invariant: every entry is made for the head of the ledger that is given. When the vault answers `ledger-conflict`, the
 * caller reads the ledger again and makes the entry anew.
 */

import { equalBytes, primitives } from '@twinvault/std';
import type { Clock, Random } from '@twinvault/std';
import {
  Ledger,
  certificateId,
  compareJobs,
  encodeEraseOrder,
  encodeLedgerEntry,
  eraseOrderName,
  encodeSafeDescriptor,
  objectDigest,
  parseKeySlotObject,
  safeIdOf,
  slotsMax,
} from '@twinvault/format';
import type {
  CertificateId,
  ComputerId,
  EraseJob,
  EraseOrder,
  LastRecord,
  LedgerEntry,
  LedgerPayload,
  MarkPayload,
  RetentionPayload,
  Suite,
} from '@twinvault/format';
import type { AgentKeys } from './agent-keys.ts';
import { SealError } from './errors.ts';
import { newRootSecret, ownerKeys, readSeed, rootKeys, stateKey } from './keys.ts';
import type { RootSecret } from './keys.ts';
import type { Kit } from './kit.ts';
import { OpenedSafe } from './open-safe.ts';
import { makeKitSlot, makePasswordSlot } from './slots.ts';
import type { PasswordParameters } from './slots.ts';

/** What a vault stores when a safe is created: the vault port's NewSafe. */
export interface NewSafeObjects {
  readonly descriptor: Uint8Array;
  readonly slots: readonly Uint8Array[];
  /** Entry 1 gives the first reading key, entry 2 the slots. */
  readonly ledger: readonly Uint8Array[];
}

export interface MadeSafe {
  readonly newSafe: NewSafeObjects;
  readonly rootSecret: RootSecret;
  readonly kit: Kit;
  /** Ready to enrol the first computer before the safe is created: append the entry to `newSafe.ledger`. */
  readonly opened: OpenedSafe;
}

export interface SafeToMake {
  readonly label: string;
  readonly password: string;
  readonly suite: Suite;
  readonly random: Random;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly parameters?: PasswordParameters;
}

interface Signing {
  readonly opened: OpenedSafe;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** `password-too-short`, `password-too-long`; FormatError when the label is empty or over `labelBytesMax`. */
export async function makeSafe(input: SafeToMake): Promise<MadeSafe> {
  const { label, password, suite, random, clock, parameters } = input;
  const rs = newRootSecret(random);
  const { publicKey, sign } = rootKeys(rs);
  const safe = safeIdOf(publicKey);
  const createdMs = clock.nowMs();
  const descriptor = encodeSafeDescriptor({ safe, rootKey: publicKey, label, suite, createdMs }, sign);
  const passwordSlot = await makePasswordSlot({ rs, safe, password, random, ...(parameters ? { parameters } : {}) });
  const kit = makeKitSlot({ rs, safe, random });
  const slots = [passwordSlot, kit.slot];

  let opened = new OpenedSafe(rs, Ledger.replay(descriptor, []));
  const epochEntry = epochEntryOf({ opened, clock });
  opened = opened.withEntry(epochEntry);
  const slotsEntryBytes = slotsEntry({ opened, clock, slots });
  opened = opened.withEntry(slotsEntryBytes);
  return {
    newSafe: { descriptor, slots, ledger: [epochEntry, slotsEntryBytes] },
    rootSecret: rs,
    kit: { label, safe, rootKey: publicKey, code: kit.code, createdMs },
    opened,
  };
}

/**
 * From this entry on every session seals with this suite at least. It is never lowered again: a ledger refuses an entry below
 * the minimum in force. What is stored stays as it is, readable and used again.
 */
export function minimumSuiteEntry(input: Signing & { readonly minimum: Suite }): Uint8Array {
  return rootEntry(input, { kind: 'suite', minimum: input.minimum });
}

export interface ErasureWish {
  /** Null: the whole safe. */
  readonly jobs: readonly EraseJob[] | null;
}

/** The next erase order, and the entry that names it: `orderErase` of the vault port takes both. */
export function eraseOrderOf(input: Signing & ErasureWish): { readonly order: Uint8Array; readonly entry: Uint8Array } {
  const number = input.opened.ledger.eraseOrders().length + 1;
  const jobs = input.jobs?.toSorted(compareJobs) ?? null;
  const order: EraseOrder = { ...orderBasis(input), number, jobs };
  const entry = rootEntry(input, { kind: 'erase', order: eraseOrderName(order), other: null });
  return { order: encodeEraseOrder(order, (message) => input.opened.sign(message)), entry };
}

/** Takes an order of the root back; `number` is its number. */
export function eraseCancelOf(input: Signing & { readonly order: Uint8Array; readonly number: number }): Uint8Array {
  return encodeEraseOrder({ ...orderBasis(input), number: input.number, jobs: null, cancels: input.order }, (message) =>
    input.opened.sign(message),
  );
}

function orderBasis({ opened, clock }: Signing): Pick<EraseOrder, 'safe' | 'createdMs' | 'signer' | 'other'> {
  const { safe, rootKey } = opened.ledger.descriptor;
  return { safe, createdMs: clock.nowMs(), signer: rootKey, other: null };
}

/** The next reading key. Agents use it from their next session on; what was sealed before opens as before. */
export function epochEntryOf({ opened, clock }: Signing): Uint8Array {
  let epoch = 1;
  while (opened.ledger.epochKey(epoch) !== null) epoch += 1;
  const key = primitives.xwingPublicKey(readSeed(opened.rootSecret, epoch));
  return rootEntry({ opened, clock }, { kind: 'epoch', epoch, key });
}

/** This computer enrols itself: it makes its keys and the entry that certifies them. */
export function enrolHere(input: Signing & { readonly computer: ComputerId; readonly name: string; readonly random: Random }): {
  entry: Uint8Array;
  agent: AgentKeys;
  opened: OpenedSafe;
} {
  const { opened, computer, name, random } = input;
  const agentSeed = random.bytes(32);
  const sealSeed = random.bytes(32);
  const certificate = certificateId(random.bytes(16));
  const entry = certificateEntry({
    ...input,
    certificate,
    agentKey: primitives.ed25519PublicKey(agentSeed),
    sealKey: primitives.xwingPublicKey(sealSeed),
  });
  const after = opened.withEntry(entry);
  const agent: AgentKeys = {
    safe: opened.safe,
    computer,
    computerName: name,
    certificate,
    rootKey: opened.rootKey,
    writeSecret: opened.writeSecret,
    stateKey: stateKey(opened.rootSecret, computer),
    agentSeed,
    sealSeed,
    kem: opened.ledger.epoch(),
    ledgerHead: after.ledger.head,
    suite: after.ledger.minimumSuite,
  };
  return { entry, agent, opened: after };
}

export function certificateEntry(
  input: Signing & {
    readonly certificate: CertificateId;
    readonly computer: ComputerId;
    readonly name: string;
    readonly agentKey: Uint8Array;
    readonly sealKey: Uint8Array;
  },
): Uint8Array {
  const { certificate, computer, name, agentKey, sealKey } = input;
  return rootEntry(input, { kind: 'certificate', certificate, computer, name, agentKey, sealKey });
}

/**
 * `last`: of each job of the certificate, the last record that stands; jobs that are not named lose all of its records.
 * `suspect`: names of sessions whose packs leave every live list.
 */
export function revokeEntry(
  input: Signing & {
    readonly certificate: CertificateId;
    readonly last?: readonly LastRecord[];
    readonly suspect?: readonly Uint8Array[];
  },
): Uint8Array {
  const { certificate, last = [], suspect = [] } = input;
  return rootEntry(input, { kind: 'revocation', certificate, last, suspect });
}

/** `slots`: stored bytes of the whole new set. `slot-last`, `slot-too-many`. */
export function slotsEntry(input: Signing & { readonly slots: readonly Uint8Array[] }): Uint8Array {
  const { slots } = input;
  if (slots.length === 0) throw new SealError('slot-last');
  if (slots.length > slotsMax) throw new SealError('slot-too-many', { context: { slots: slots.length, slotsMax } });
  return rootEntry(input, { kind: 'slots', slots: slots.map(objectDigest) });
}

export interface SlotChange {
  /** The whole new set, for the vault's replaceSlots. */
  readonly slots: readonly Uint8Array[];
  readonly entry: Uint8Array;
}

interface SlotChangeInput extends Signing {
  /** The set as the vault serves it. */
  readonly slots: readonly Uint8Array[];
  readonly random: Random;
}

/**
 * A new password slot in the place of the one that the safe was opened with; of all password slots when it was opened
 * otherwise. Data is not sealed again: whoever has the old password and a copy of the old slot can still open it.
 */
export async function changePassword(
  input: SlotChangeInput & { readonly password: string; readonly parameters?: PasswordParameters },
): Promise<SlotChange> {
  const { opened, random, password, parameters } = input;
  const { rootSecret: rs, safe } = opened;
  const slot = await makePasswordSlot({ rs, safe, password, random, ...(parameters ? { parameters } : {}) });
  return replaceSlots(input, 'password', slot);
}

/** A new kit in the place of every kit so far. */
export function changeKit(input: SlotChangeInput): SlotChange & { readonly kit: Kit } {
  const { opened, random, clock } = input;
  const { rootSecret: rs, safe, rootKey } = opened;
  const { slot, code } = makeKitSlot({ rs, safe, random });
  const { label } = opened.ledger.descriptor;
  const kit = { label, safe, rootKey, code, createdMs: clock.nowMs() };
  return { ...replaceSlots(input, 'kit', slot), kit };
}

function replaceSlots(input: SlotChangeInput, type: 'password' | 'kit', added: Uint8Array): SlotChange {
  const { opened } = input;
  const listed = opened.ledger.slotDigests();
  const current = input.slots.filter((slot) => listed.some((digest) => equalBytes(digest, objectDigest(slot))));
  const ofType = current.filter((slot) => parseKeySlotObject(slot).type === type);
  const openedWith = ofType.filter((slot) => opened.slotDigest !== null && equalBytes(objectDigest(slot), opened.slotDigest));
  const gone = type === 'password' && openedWith.length > 0 ? openedWith : ofType;
  const slots = [...current.filter((slot) => !gone.includes(slot)), added];
  return { slots, entry: slotsEntry({ ...input, slots }) };
}

/**
 * What the owner of the safe says of retention types and records, in order: the entries to append, the first of which makes the
 * owner key a party where it is none yet. `opened`: with all of them.
 */
export function ownerEntries(input: Signing & { readonly payloads: readonly (MarkPayload | RetentionPayload)[] }): {
  readonly entries: readonly Uint8Array[];
  readonly opened: OpenedSafe;
} {
  const { clock, payloads } = input;
  const { publicKey: key, sign } = ownerKeys(input.opened.rootSecret);
  const entries: Uint8Array[] = [];
  let { opened } = input;
  const append = (entry: Uint8Array): void => {
    entries.push(entry);
    opened = opened.withEntry(entry);
  };
  if (opened.ledger.party(key)?.role !== 'customer') {
    append(rootEntry({ opened, clock }, { kind: 'party', key, name: 'owner', role: 'customer' }));
  }
  for (const payload of payloads) append(encodeLedgerEntry({ ...nextEntry({ opened, clock }, payload), signer: key }, sign));
  return { entries, opened };
}

/** Makes the owner of a key an operator of the safe, or ends that: a key with the role of a site signs nothing in a ledger. */
export function operatorEntry(
  input: Signing & { readonly publicKey: Uint8Array; readonly name: string; readonly isOperator: boolean },
): Uint8Array {
  const { publicKey: key, name, isOperator } = input;
  return rootEntry(input, { kind: 'party', key, name, role: isOperator ? 'operator' : 'site' });
}

/** The next entry of the ledger, signed by the root. */
export function rootEntry(signing: Signing, payload: LedgerPayload): Uint8Array {
  const { opened } = signing;
  return encodeLedgerEntry({ ...nextEntry(signing, payload), signer: opened.rootKey }, (message) => opened.sign(message));
}

function nextEntry({ opened, clock }: Signing, payload: LedgerPayload): Omit<LedgerEntry, 'signer'> {
  const { number, digest, root } = opened.ledger.head;
  return { safe: opened.safe, number: number + 1, previous: digest, root, createdMs: clock.nowMs(), payload };
}
