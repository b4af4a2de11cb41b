/*
 * One safe that takes the place of another (docs/format/keys.md, "Succession"): the root of the safe before signs the root key of the one
 * that follows. Whoever pinned the first root may accept the second safe without asking anybody.
 */

import { equalBytes } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import { certificateId, successionMessage } from '@twinvault/format';
import type { CertificateId, ComputerId, Ledger, SafeId } from '@twinvault/format';
import { rootEntry } from './admin.ts';
import type { OpenedSafe } from './open-safe.ts';

interface Succession {
  /** The safe that follows. */
  readonly opened: OpenedSafe;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Names `before` as the safe whose place this one takes. */
export function successionEntry({ opened, clock, before }: Succession & { readonly before: OpenedSafe }): Uint8Array {
  const signature = before.sign(successionMessage(before.safe, opened.rootKey));
  return rootEntry({ opened, clock }, { kind: 'succession', safe: before.safe, root: before.rootKey, signature });
}

/** Lets a certificate write the job of another computer: for copying its safesets. */
export function handoverEntry(
  input: Succession & { readonly certificate: CertificateId; readonly computer: ComputerId; readonly job: string },
): Uint8Array {
  const { certificate, computer, job } = input;
  return rootEntry(input, { kind: 'handover', certificate: certificateId(certificate), computer, job });
}

/** Whether the ledger's safe takes the place of this one, by the signature of the root key that is pinned for it. */
export function succeeds(ledger: Ledger, before: { readonly safe: SafeId; readonly rootKey: Uint8Array }): boolean {
  return ledger.predecessors().some(({ safe, root }) => equalBytes(safe, before.safe) && equalBytes(root, before.rootKey));
}
