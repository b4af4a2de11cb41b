/* A record as it is offered for commit, whole or as a difference: brought to its own bytes and parsed. */

import {
  isRecordDifference,
  parseRecord,
  parseRecordDifference,
  recordDifferenceBase,
  recordOfDifference,
} from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import type { OfferedRecord } from '../lookup/look-up.ts';
import { protocolError } from '../store/vault-files.ts';
import { refsOfRecord } from './record-refs.ts';

/** `base-unknown`, `record-invalid`. */
export async function readOffered(objects: SafeObjects, offered: Uint8Array): Promise<OfferedRecord> {
  const bytes = await wholeRecord(objects, offered);
  const { sealed: _, refs, publicBytes, ...record } = orInvalid(() => parseRecord(bytes));
  return { bytes, refs: refs.slice(), record: { ...record, publicBytes: publicBytes.slice() } };
}

/** How much there is to look through: the record's size, or that of its base. */
export async function refsBytesOf({ store, layout }: SafeObjects, offered: Uint8Array): Promise<number> {
  if (!isRecordDifference(offered)) return offered.length;
  const base = await store.stat(layout.record(recordDifferenceBase(offered)));
  return offered.length + (base?.sizeBytes ?? 0);
}

async function wholeRecord(objects: SafeObjects, offered: Uint8Array): Promise<Uint8Array> {
  if (!isRecordDifference(offered)) return offered;
  const difference = orInvalid(() => parseRecordDifference(offered));
  const base = await refsOfRecord(objects, difference.base);
  if (base === null) throw new ProtocolError('base-unknown', { context: { base: toHex(difference.base) } });
  return orInvalid(() => recordOfDifference(difference, base.bytes));
}

function orInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const refused = protocolError(error);
    if (!(refused instanceof ProtocolError)) throw error;
    throw new ProtocolError('record-invalid', { context: { ...refused.context, reason: refused.code }, cause: error });
  }
}
