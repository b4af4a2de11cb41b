/*
 * The ledger of a safe as this computer saw it last, for what it does without a vault at hand: a copy of public, signed objects, without key
 * slots. A cache: whoever uses it replays it and holds it to what is pinned.
 *
 * CBOR {descriptor, entries: [bytes…], twinvault}, where `twinvault` is "kept ledger v1".
 */
import { decodeCbor, encodeCbor, Fields, FormatError, ledgerEntryBytesMax, signedBytesMax } from '@twinvault/format';
import { MiB } from '@twinvault/std';

export interface KeptLedger {
  /** As stored. */
  readonly descriptor: Uint8Array;
  /** As stored, from number 1 on. */
  readonly ledger: readonly Uint8Array[];
}

/** Longer files are none of these, and longer ledgers are not kept. */
export const keptLedgerBytesMax: number = 64 * MiB;
const entriesMax = 262_144;
const versionText = 'kept ledger v1';

export function encodeKeptLedger({ descriptor, ledger }: KeptLedger): Uint8Array {
  return encodeCbor({ descriptor, entries: [...ledger], twinvault: versionText });
}

/** FormatError for anything else. */
export function parseKeptLedger(bytes: Uint8Array): KeptLedger {
  const fields = new Fields(decodeCbor(bytes, { bytesMax: keptLedgerBytesMax }), 'object-invalid');
  fields.oneOf('twinvault', [versionText]);
  const kept = {
    descriptor: fields.bytesUpTo('descriptor', signedBytesMax),
    ledger: fields.list('entries', entriesMax).map(readEntry),
  };
  fields.end();
  return kept;
}

function readEntry(item: unknown): Uint8Array {
  if (item instanceof Uint8Array && item.length <= ledgerEntryBytesMax) return item;
  throw new FormatError('object-invalid', { context: { defect: 'entry of a kept ledger' } });
}
