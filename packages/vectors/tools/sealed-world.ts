/*
 * What the vectors of seal are made of: one root secret, its safe, and randomness that is the same each time. Nothing here may
 * change: every vector depends on it.
 */

import { primitives, toHex, utf8Encode } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import { certificateId, computerId, encodeSafeDescriptor, Ledger, safeIdOf } from '@twinvault/format';
import type { CertificateId, ComputerId, SafeId, Suite } from '@twinvault/format';
import { epochEntryOf, newSealingSession, OpenedSafe, readSeed, rootKeys, rootSecret, writeSecret } from '@twinvault/seal';
import type { RootSecret, SealingSession, WriteSecret } from '@twinvault/seal';
import { createdMs, fill } from './world.ts';

export const rs: RootSecret = rootSecret(fill('root secret', 32));
export const ws: WriteSecret = writeSecret(rs);
export const sealSafe: SafeId = safeIdOf(rootKeys(rs).publicKey);
export const sealCertificate: CertificateId = certificateId(fill('seal certificate', 16));
export const sealComputer: ComputerId = computerId(fill('seal computer', 16));
export const clock = { nowMs: (): number => createdMs };

export const sealDescriptor: Uint8Array = encodeSafeDescriptor(
  { safe: sealSafe, rootKey: rootKeys(rs).publicKey, label: 'Vectors', suite: 1, createdMs },
  rootKeys(rs).sign,
);

const bare = new OpenedSafe(rs, Ledger.replay(sealDescriptor, []));
/** The first reading key. */
export const epochEntry: Uint8Array = epochEntryOf({ opened: bare, clock });
export const opened: OpenedSafe = bare.withEntry(epochEntry);

/** SHA-256 of the name, a counter and the number asked for: a random port that gives the same bytes each time. */
export function randomOf(name: string): Random {
  let calls = 0;
  return {
    bytes: (count) => {
      calls += 1;
      return fill(`random ${name} ${calls}`, count);
    },
  };
}

export function sessionOf(name: string, suite: Suite): SealingSession {
  const kem = { epoch: 1, key: primitives.xwingPublicKey(readSeed(rs, 1)) };
  return newSealingSession({ kem, suite, safe: sealSafe, certificate: sealCertificate, random: randomOf(`session ${name}`) });
}

export const rootContext: { readonly rootSecret: string; readonly safe: string } = {
  rootSecret: toHex(rs),
  safe: toHex(sealSafe),
};

export function hexText(text: string): string {
  return toHex(utf8Encode(text));
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const index = at < 0 ? bytes.length + at : at;
  return bytes.map((byte, place) => (place === index ? byte ^ 1 : byte));
}
