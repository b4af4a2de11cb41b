/*
 * Refs of the job's last safeset as this computer committed them, so that the next one can be sent as a difference to them (docs/format/records.md).
 * A cache: whatever is wrong with it, it is left out and the next record is sent whole.
 *
 *     offset bytes
 *     0      8     "TVLR" 0x01 0x00 0x00 0x00
 *     8      32    record digest
 *     40     32    SHA-256 of magic, digest and refs
 *     72           refs
 */
import { concatBytes, equalBytes, primitives, StdError } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import { FormatError, parseRefs, recordDigest, recordRefsBytesMax } from '@twinvault/format';
import type { RecordDigest, Refs } from '@twinvault/format';

const magic = new Uint8Array([0x54, 0x56, 0x4c, 0x52, 1, 0, 0, 0]);
const refsOffset = 72;

export interface KnownRefs {
  readonly digest: RecordDigest;
  readonly refs: Refs;
}

/** Null when there are none that can be used. */
export async function readRefsFile(files: Files, path: string): Promise<KnownRefs | null> {
  try {
    const bytes = await files.read(path, refsOffset + recordRefsBytesMax);
    return bytes === null ? null : parseKnown(bytes);
  } catch (error) {
    if (error instanceof StdError || error instanceof FormatError) return null;
    throw error;
  }
}

function parseKnown(bytes: Uint8Array): KnownRefs | null {
  const refs = bytes.subarray(refsOffset);
  const digest = bytes.slice(8, 40);
  if (bytes.length <= refsOffset || !equalBytes(bytes.subarray(0, 8), magic)) return null;
  if (!equalBytes(checkOf(digest, refs), bytes.subarray(40, refsOffset))) return null;
  return { digest: recordDigest(digest), refs: parseRefs(refs) };
}

/** Durable when it resolves; errors of the files port. */
export async function writeRefsFile(
  files: Files,
  path: string,
  { digest, refs }: { readonly digest: RecordDigest; readonly refs: Uint8Array },
): Promise<void> {
  await files.replace(path, [magic, digest, checkOf(digest, refs), refs]);
}

function checkOf(digest: Uint8Array, refs: Uint8Array): Uint8Array {
  return primitives.sha256(concatBytes(magic, digest, refs));
}
