/*
 * Opens a safe: descriptor, ledger and slots as a vault serves them, and a secret, to the root secret and a ledger that is
 * verified and no older than the one seen before (docs/format/keys.md).
 *
 * Invariants: the vault is not trusted for anything. The ledger is replayed and held against the pinned root key and head
 * before a slot is tried; only slots that the root-signed ledger names are tried; the root key that follows from the opened
 * secret is the one that signed.
 */

import { CodedError, assert, equalBytes, toHex } from '@twinvault/std';
import { Ledger, objectDigest, parseKeySlotObject, slotsMax } from '@twinvault/format';
import type { CertificateId, LedgerHead, PackKind, SafeId } from '@twinvault/format';
import { SealError } from './errors.ts';
import type { SealErrorCode } from './errors.ts';
import { kindKeys, readSeed, rootKeys, stateKey, writeSecret } from './keys.ts';
import type { KindKeys, RootSecret, SigningKeys, WriteSecret } from './keys.ts';
import { PackKeyring } from './pack-opener.ts';
import { openSlot } from './slots.ts';
import type { SlotSecret } from './slots.ts';

/** What an agent remembers of a safe, or somebody read off the kit. */
export interface PinnedSafe {
  /** Root public key. */
  readonly rootKey: Uint8Array;
  /** Left out on first use. */
  readonly ledgerHead?: LedgerHead;
}

export interface SafeToOpen {
  readonly descriptor: Uint8Array;
  readonly slots: readonly Uint8Array[];
  /** Stored bytes of all entries, entry 1 first. */
  readonly ledger: readonly Uint8Array[];
}

/** Whoever holds it can read and change everything in the safe. */
export class OpenedSafe {
  readonly rootSecret: RootSecret;
  readonly ledger: Ledger;
  /** Digest of the slot that was opened; null for a safe that was just made. */
  readonly slotDigest: Uint8Array | null;
  readonly #rootKeys: SigningKeys;
  readonly #kindKeys = new Map<PackKind, KindKeys>();
  #keyring: PackKeyring | null = null;

  /** SealError `root-mismatch` when the ledger is another root's. */
  constructor(rs: RootSecret, ledger: Ledger, slotDigest: Uint8Array | null = null) {
    this.rootSecret = rs;
    this.ledger = ledger;
    this.slotDigest = slotDigest;
    this.#rootKeys = rootKeys(rs);
    if (!equalBytes(this.#rootKeys.publicKey, ledger.descriptor.rootKey)) throw new SealError('root-mismatch');
  }

  get safe(): SafeId {
    return this.ledger.descriptor.safe;
  }

  /** Root public key. */
  get rootKey(): Uint8Array {
    return this.#rootKeys.publicKey;
  }

  get writeSecret(): WriteSecret {
    return writeSecret(this.rootSecret);
  }

  /** Signs with the root key. */
  sign(message: Uint8Array): Uint8Array {
    return this.#rootKeys.sign(message);
  }

  kindKeys(kind: PackKind): KindKeys {
    const keys = this.#kindKeys.get(kind) ?? kindKeys(this.writeSecret, kind);
    this.#kindKeys.set(kind, keys);
    return keys;
  }

  /** X-Wing seed of a key epoch; null for an epoch that the ledger does not name. */
  readSeedOf(epoch: number): Uint8Array | null {
    return this.ledger.epochKey(epoch) === null ? null : readSeed(this.rootSecret, epoch);
  }

  /** State key of the computer that a certificate names; null when the ledger has no such certificate. */
  stateKeyOf(certificate: CertificateId): Uint8Array | null {
    const found = this.ledger.certificate(certificate);
    return found === null ? null : stateKey(this.rootSecret, found.computer);
  }

  /** Opens every pack and record of the safe; the same one each time, so that no session is decapsulated twice. */
  get keyring(): PackKeyring {
    this.#keyring ??= new PackKeyring({
      readSeedOf: (epoch) => this.readSeedOf(epoch),
      stateKeyOf: (certificate) => this.stateKeyOf(certificate),
    });
    return this.#keyring;
  }

  /** The same safe once the vault has taken this entry. FormatError when it does not continue the ledger. */
  withEntry(entry: Uint8Array): OpenedSafe {
    return this.withLedger(this.ledger.append(entry));
  }

  /** The same safe with a ledger read again. `ledger-rolled-back` unless it extends the one that was seen. */
  withLedger(ledger: Ledger): OpenedSafe {
    demandExtends(ledger, this.ledger.head);
    return new OpenedSafe(this.rootSecret, ledger, this.slotDigest);
  }
}

/**
 * SealError: `root-mismatch`, `ledger-rolled-back`, `password-wrong`, `kit-wrong`, `escrow-wrong`, `slot-missing`, `slot-damaged`.
 * FormatError for objects that are damaged, forged or newer than this version. Costs one Argon2id for each password slot
 * that does not open.
 */
export async function openSafe(served: SafeToOpen, secret: SlotSecret, pinned?: PinnedSafe): Promise<OpenedSafe> {
  const ledger = replayPinned(served, pinned);
  const found = await firstSlot(served.slots, ledger, secret);
  return new OpenedSafe(found.rootSecret, ledger, found.digest);
}

/**
 * The ledger alone, without any secret: what an agent does before each run. `root-mismatch`, `ledger-rolled-back`;
 * FormatError for objects that are damaged, forged or newer than this version.
 */
export function replayPinned(served: Pick<SafeToOpen, 'descriptor' | 'ledger'>, pinned?: PinnedSafe): Ledger {
  const ledger = Ledger.replay(served.descriptor, served.ledger);
  if (pinned !== undefined && !equalBytes(ledger.descriptor.rootKey, pinned.rootKey)) throw new SealError('root-mismatch');
  if (pinned?.ledgerHead !== undefined) demandExtends(ledger, pinned.ledgerHead);
  ledger.demandKnownFeatures();
  return ledger;
}

/** `ledger-rolled-back` unless the head was once this ledger's head. */
export function demandExtends(ledger: Ledger, seen: LedgerHead): void {
  if (ledger.extends(seen)) return;
  throw new SealError('ledger-rolled-back', { context: { seen: seen.number, served: ledger.head.number } });
}

interface FoundSlot {
  readonly rootSecret: RootSecret;
  readonly digest: Uint8Array;
}

async function firstSlot(slots: readonly Uint8Array[], ledger: Ledger, secret: SlotSecret): Promise<FoundSlot> {
  const listed = new Set(ledger.slotDigests().map(toHex));
  assert(listed.size <= slotsMax, 'the ledger names too many slots');
  let damage: unknown = null;
  let tried = 0;
  for (const slot of slots) {
    const digest = objectDigest(slot);
    // Each once: a vault must not make us hash passwords for ever.
    if (!listed.delete(toHex(digest))) continue;
    try {
      const { type, safe } = parseKeySlotObject(slot);
      if (type !== secret.type) continue;
      if (!equalBytes(safe, ledger.descriptor.safe)) throw new SealError('slot-damaged');
      const opened = await openSlot(slot, secret);
      if (opened !== null) return { rootSecret: opened, digest };
      tried += 1;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      damage ??= error;
    }
  }
  throw notOpened(secret.type, { tried, damage });
}

function notOpened(type: SlotSecret['type'], { tried, damage }: { tried: number; damage: unknown }): Error {
  if (tried === 0 && damage === null) return new SealError('slot-missing', { context: { type } });
  if (tried === 0) return new SealError('slot-damaged', { cause: damage, context: { type } });
  const codes: Readonly<Record<SlotSecret['type'], SealErrorCode>> = {
    password: 'password-wrong',
    kit: 'kit-wrong',
    escrow: 'escrow-wrong',
  };
  return new SealError(codes[type], { context: { slots: tried } });
}
