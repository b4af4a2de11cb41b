/*
 * The key schedule: everything that follows from the root secret (docs/format/keys.md, "Key schedule").
 *
 * Invariant: the labels and contexts below are the format; a change of any of them makes every safe unreadable.
 */

import { ByteWriter, assert, primitives, utf8Encode } from '@twinvault/std';
import type { Brand, Random, SecretKey } from '@twinvault/std';
import type { ComputerId, PackKind } from '@twinvault/format';

/** 32 bytes from which every key of a safe follows. */
export type RootSecret = Brand<Uint8Array, 'RootSecret'>;
/** 32 bytes that every agent of a safe holds: enough to write, too little to read. */
export type WriteSecret = Brand<Uint8Array, 'WriteSecret'>;

export interface SigningKeys {
  /** Ed25519 seed. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** What cutting and naming chunks of one kind needs. */
export interface KindKeys {
  readonly kind: PackKind;
  readonly contentKey: SecretKey;
  readonly idKey: SecretKey;
  /** 16 bytes, for SipHash-2-4. */
  readonly cutterKey: Uint8Array;
}

const secretBytes = 32;
const nothing = new Uint8Array(0);

/** `derive` of docs/format/README.md: HKDF(secret, "", "twinvault v1 " | label | 0x00 | context, 32). */
export function derive(secret: Uint8Array, label: string, context: Uint8Array = nothing): Uint8Array {
  assert(secret.length === secretBytes, 'a secret has 32 bytes');
  const info = new ByteWriter()
    .bytes(utf8Encode(`twinvault v1 ${label}`))
    .u8(0)
    .bytes(context)
    .finish();
  return primitives.hkdfSha256(secret, nothing, info, 32);
}

export function newRootSecret(random: Random): RootSecret {
  return rootSecret(random.bytes(secretBytes));
}

/** 32 bytes, or an assertion fails: a root secret comes from a slot or from `newRootSecret`, never from outside. */
export function rootSecret(bytes: Uint8Array): RootSecret {
  assert(bytes.length === secretBytes, 'a root secret has 32 bytes');
  return bytes as RootSecret;
}

export function writeSecret(rs: RootSecret): WriteSecret {
  return derive(rs, 'write') as WriteSecret;
}

export function rootKeys(rs: RootSecret): SigningKeys {
  return signingKeys(derive(rs, 'sign'));
}

/** What whoever opened the safe signs retention types, holds, locks and flags with, as a party of role customer. */
export function ownerKeys(rs: RootSecret): SigningKeys {
  return signingKeys(derive(rs, 'owner'));
}

function signingKeys(seed: Uint8Array): SigningKeys {
  return {
    seed,
    publicKey: primitives.ed25519PublicKey(seed),
    sign: (message) => primitives.ed25519Sign(seed, message),
  };
}

/** X-Wing seed of a key epoch (from 1). */
export function readSeed(rs: RootSecret, epoch: number): Uint8Array {
  return derive(rs, 'read', new ByteWriter(4).u32(epoch).finish());
}

/** Under which the state packs of one computer are sealed. */
export function stateKey(rs: RootSecret, computer: ComputerId): Uint8Array {
  return derive(rs, 'state', computer);
}

export function kindKeys(ws: WriteSecret, kind: PackKind): KindKeys {
  const context = Uint8Array.of(kind);
  return {
    kind,
    contentKey: primitives.secretKey(derive(ws, 'content', context)),
    idKey: primitives.secretKey(derive(ws, 'id', context)),
    cutterKey: derive(ws, 'cutter', context).slice(0, 16),
  };
}

/** For the tags that end bundles of small files. */
export function bundleKey(ws: WriteSecret): SecretKey {
  return primitives.secretKey(derive(ws, 'bundle'));
}
