/*
 * What stays of a safe that this computer left for the one that took its place: where it went, and what it had seen last. The file stands in
 * the place of the keys, which are gone then; so nothing can lead this computer from the same safe to another one.
 *
 * CBOR {ledger: {digest, number, root}, next, root, twinvault}, where `twinvault` is "safe passed on v1".
 */
import { decodeCbor, encodeCbor, Fields, readLedgerHead, safeId } from '@twinvault/format';
import type { LedgerHead, SafeId } from '@twinvault/format';

export interface PassedOn {
  /** The safe that this computer went to. */
  readonly next: SafeId;
  /** Pinned root public key of the safe that it left. */
  readonly rootKey: Uint8Array;
  /** The newest ledger head of it that was seen: it names the successor. */
  readonly ledgerHead: LedgerHead;
}

/** Longer files are none of these. */
export const passedOnBytesMax = 4096;

const versionText = 'safe passed on v1';

export function encodePassedOn({ next, rootKey, ledgerHead }: PassedOn): Uint8Array {
  const { digest, number, root } = ledgerHead;
  return encodeCbor({ ledger: { digest, number, root }, next, root: rootKey, twinvault: versionText });
}

/** FormatError for anything else. */
export function parsePassedOn(bytes: Uint8Array): PassedOn {
  const fields = new Fields(decodeCbor(bytes, { bytesMax: passedOnBytesMax }), 'object-invalid');
  fields.oneOf('twinvault', [versionText]);
  const passed = {
    next: safeId(fields.bytes('next', 16)),
    rootKey: fields.bytes('root', 32),
    ledgerHead: readLedgerHead(fields.fields('ledger')),
  };
  fields.end();
  return passed;
}
