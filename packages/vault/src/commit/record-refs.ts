/* Refs of a record that a site has. */

import { FormatError, parseRecord, parseRefs } from '@twinvault/format';
import type { RecordDigest, Refs } from '@twinvault/format';
import { equalBytes, toHex } from '@twinvault/std';
import type { SafeObjects } from '../safe-objects.ts';
import { recordBytesMax } from '../records/record-store.ts';

/** Null for a stub, for nothing, and for a record that is damaged: one that rotted must not keep its job from the next safeset. */
export async function refsOfRecord({ store, layout }: SafeObjects, digest: RecordDigest): Promise<Refs | null> {
  if ((await store.stat(layout.inFolder('stubs', toHex(digest)))) !== null) return null;
  const bytes = await store.get(layout.record(digest), recordBytesMax);
  try {
    const record = bytes === null ? null : parseRecord(bytes);
    return record !== null && equalBytes(record.digest, digest) ? parseRefs(record.refs) : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
