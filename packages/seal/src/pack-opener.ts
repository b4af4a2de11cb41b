/*
 * Opens what packs hold: session secrets by decapsulation, once for each session and not for each pack, then pack keys,
 * slips, blobs, payloads, and at last the id of the plaintext.
 *
 * Invariant: no plaintext leaves here that is not the one its chunk id names.
 */

import { primitives, toHex } from '@twinvault/std';
import type { SecretKey } from '@twinvault/std';
import { encodePackHeader } from '@twinvault/format';
import type { CertificateId, PackHeader, PackRow, Suite } from '@twinvault/format';
import { openChunkWithKey } from './blobs.ts';
import { SealError } from './errors.ts';
import type { KindKeys } from './keys.ts';
import { openSlip, packKeyOf } from './pack-keys.ts';

/** The secret behind one KEM ciphertext; see PackKeyring.sessionSecret. */
export interface SessionSecret {
  readonly kem: Uint8Array;
  readonly secret: Uint8Array;
}

export interface PackKeyringInput {
  /** X-Wing seed of an epoch; null when the epoch is unknown. Left out where only given sessions may be opened. */
  readonly readSeedOf?: (epoch: number) => Uint8Array | null;
  /** State key of the computer that a certificate names; null when unknown. */
  readonly stateKeyOf?: (certificate: CertificateId) => Uint8Array | null;
  /** Sessions whose secret is known without a reading key: the agent's own running one, or those that a reader handed out. */
  readonly sessions?: readonly SessionSecret[];
}

export class PackKeyring {
  readonly #input: PackKeyringInput;
  readonly #secrets = new Map<string, Uint8Array>();
  /** By identity: the same header object is given for all chunks of a pack. */
  readonly #packKeys = new WeakMap<PackHeader, SecretKey>();

  constructor(input: PackKeyringInput) {
    this.#input = input;
    for (const { kem, secret } of input.sessions ?? []) this.#secrets.set(toHex(primitives.sha256(kem)), secret);
  }

  /** Decapsulates at the first call for a ciphertext. `epoch-unknown` when there is no key for it. */
  sessionSecret(epoch: number, kem: Uint8Array): Uint8Array {
    const name = toHex(primitives.sha256(kem));
    const known = this.#secrets.get(name);
    if (known !== undefined) return known;
    const seed = this.#input.readSeedOf?.(epoch) ?? null;
    if (seed === null) throw new SealError('epoch-unknown', { context: { epoch } });
    const secret = primitives.xwingDecapsulate(seed, kem);
    this.#secrets.set(name, secret);
    return secret;
  }

  /** `epoch-unknown`: no key of ours leads to this pack. */
  packKeyFor(header: PackHeader): SecretKey {
    const known = this.#packKeys.get(header);
    if (known !== undefined) return known;
    const secret = header.kem.length > 0 ? this.sessionSecret(header.epoch, header.kem) : this.#stateKey(header);
    const key = packKeyOf({ kind: header.kind, header: encodePackHeader(header), secret });
    this.#packKeys.set(header, key);
    return key;
  }

  #stateKey(header: PackHeader): Uint8Array {
    const key = this.#input.stateKeyOf?.(header.certificate) ?? null;
    if (key === null) throw new SealError('epoch-unknown', { context: { epoch: header.epoch } });
    return key;
  }
}

export interface SlipToOpen {
  readonly row: Pick<PackRow, 'position' | 'id' | 'blobHash' | 'slip'>;
  /** Header of the pack where the row was first stored: its section's, or the pack's own. */
  readonly header: PackHeader;
}

export interface ChunkToOpen extends SlipToOpen {
  readonly keyring: PackKeyring;
  readonly blob: Uint8Array;
  readonly keys: KindKeys;
  /** Suite of the pack that holds the blob, where the slip stands in another one. */
  readonly blobSuite?: Suite;
}

/** K of a blob. `slip-damaged`, `epoch-unknown`. */
export function openSlipOf(keyring: PackKeyring, { row, header }: SlipToOpen): Uint8Array {
  const place = { suite: header.suite, position: row.position, id: row.id, blobHash: row.blobHash };
  const key = openSlip(keyring.packKeyFor(header), place, row.slip);
  if (key === null) throw new SealError('slip-damaged', { context: { position: row.position } });
  return key;
}

/** Slip, K, payload, plaintext, id. `slip-damaged`, `blob-damaged`, `payload-invalid`, `id-mismatch`, `epoch-unknown`. */
export function openChunk(input: ChunkToOpen): Uint8Array {
  const { row, header, blob, keys } = input;
  const key = openSlipOf(input.keyring, input);
  const suite = input.blobSuite ?? header.suite;
  return openChunkWithKey({ suite, safe: header.safe, kind: header.kind, id: row.id, key, blob }, keys);
}
