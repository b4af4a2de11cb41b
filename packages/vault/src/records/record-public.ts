/* The public part of a stored record, read without its refs and its sealed part. */

import { FormatError, parseRecordHead, parseRecordPublic, recordHeadFixedBytes } from '@twinvault/format';
import type { RecordPublic } from '@twinvault/format';
import { KiB } from '@twinvault/std';
import type { ObjectStore } from '../store/object-store.ts';
import { parseStored } from '../store/vault-files.ts';

/** Normally the whole public part: one KEM ciphertext and a few ids. */
const headGuessBytes: number = 4 * KiB;

/** Null when the record is not there; `vault-damaged`, `vault-newer`. The signature is not checked. */
export async function readRecordPublic(store: ObjectStore, name: string): Promise<RecordPublic | null> {
  await using file = await store.open(name);
  if (file === null) return null;
  const guess = await file.read(0, Math.min(headGuessBytes, file.sizeBytes));
  const head = parseStored(name, () => {
    const parsed = parseRecordHead(guess);
    if (parsed.recordBytes !== file.sizeBytes)
      throw new FormatError('record-invalid', { context: { defect: 'size of the file' } });
    return parsed;
  });
  const end = recordHeadFixedBytes + head.publicBytes;
  const bytes = end <= guess.length ? guess : await file.read(0, end);
  return parseStored(name, () => parseRecordPublic(bytes.subarray(recordHeadFixedBytes, end)));
}
