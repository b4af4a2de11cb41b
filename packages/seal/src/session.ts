/*
 * A sealing session: one X-Wing encapsulation whose shared secret keys every pack and the record of one run
 * (docs/format/packs.md, "Pack key").
 *
 * Invariant: the secret stays in memory and serves for at most `sessionMsMax`; a resumed run makes a new session.
 */

import { assert, primitives } from '@twinvault/std';
import type { Random } from '@twinvault/std';
import type { CertificateId, SafeId, Suite } from '@twinvault/format';

/** Plain data: it can be posted to worker threads of the same process. */
export interface SealingSession {
  readonly suite: Suite;
  readonly safe: SafeId;
  readonly epoch: number;
  readonly certificate: CertificateId;
  /** KEM ciphertext, 1120 bytes. */
  readonly kem: Uint8Array;
  /** 32 bytes; secret. */
  readonly secret: Uint8Array;
}

export interface NewSealingSession {
  /** The newest reading key. */
  readonly kem: { readonly epoch: number; readonly key: Uint8Array };
  readonly suite: Suite;
  readonly safe: SafeId;
  readonly certificate: CertificateId;
  /** For tests, vectors and the simulator; the system's randomness is used when omitted, as programs do. */
  readonly random?: Random;
}

export const sessionMsMax: number = 24 * 60 * 60 * 1_000;

export function newSealingSession({ kem, suite, safe, certificate, random }: NewSealingSession): SealingSession {
  assert(kem.epoch >= 1, 'key epochs count from 1');
  const { sharedSecret, ciphertext } = primitives.xwingEncapsulate(kem.key, random?.bytes(64));
  return { suite, safe, epoch: kem.epoch, certificate, kem: ciphertext, secret: sharedSecret };
}
