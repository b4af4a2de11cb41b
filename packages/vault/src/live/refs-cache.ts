/*
 * Refs of records that were read and verified once, as differences to those of a record whose refs stand here whole. A cache: whatever is
 * wrong with a file, it is left out and the record is read again. docs/format/directory-vault.md, Refs cache.
 *
 *     offset bytes
 *     0      8     "TVRF" 0x01 0x00 0x00 0x00
 *     8      32    digest of the record whose refs these differ from; zero: these are whole
 *     40           refs, or the positions that stand in one of both alone, in the same form
 *            32    SHA-256 of all before, and of the record's digest
 *
 * A file is named by its record's digest and never changes.
 */

import { parseRefs } from '@twinvault/format';
import type { Refs } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { concatBytes, equalBytes, fromHex, primitives, StdError, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { SafeObjects } from '../safe-objects.ts';
import { digestNames, recordBytesMax } from '../records/record-store.ts';
import { isDigestName } from '../store/layout.ts';

const magic = new Uint8Array([0x54, 0x56, 0x52, 0x46, 1, 0, 0, 0]);
const refsOffset = 40;
const checkBytes = 32;

export interface CachedRefs {
  /** Digest, hexadecimal, of the record whose refs these differ from; null: these are whole. */
  readonly base: string | null;
  readonly refs: Refs;
}

/** Null when it is not there or not what was written. */
export async function readCachedRefs({ cache, layout }: SafeObjects, hex: string): Promise<CachedRefs | null> {
  try {
    const bytes = await cache.get(`${layout.refs}/${hex}`, recordBytesMax);
    return bytes === null ? null : parseCached(bytes, hex);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function parseCached(bytes: Uint8Array, hex: string): CachedRefs | null {
  const end = bytes.length - checkBytes;
  if (end < refsOffset || !equalBytes(bytes.subarray(0, 8), magic)) return null;
  if (!equalBytes(checkOf(bytes.subarray(0, end), hex), bytes.subarray(end))) return null;
  const base = bytes.subarray(8, refsOffset);
  return { base: base.every((byte) => byte === 0) ? null : toHex(base), refs: parseRefs(bytes.subarray(refsOffset, end)) };
}

function checkOf(bytes: Uint8Array, hex: string): Uint8Array {
  return primitives
    .sha256Stream()
    .update(bytes)
    .update(fromHex(hex) ?? new Uint8Array(0))
    .digest();
}

/** A cache that cannot be written is none. */
export async function writeCachedRefs(
  { cache, layout }: SafeObjects,
  hex: string,
  { base, refs }: { readonly base: string | null; readonly refs: Uint8Array },
): Promise<void> {
  const baseBytes = (base === null ? null : fromHex(base)) ?? new Uint8Array(32);
  const bytes = concatBytes(magic, baseBytes, refs);
  try {
    await cache.put(`${layout.refs}/${hex}`, [bytes, checkOf(bytes, hex)]);
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof StdError)) throw error;
  }
}

/** Removes what is of no record that stands and no base of one; a damaged one too, so that it is written anew. */
export async function sweepCachedRefs(context: SafeContext): Promise<void> {
  const { cache, layout } = context;
  const names = (await cache.list(layout.refs)).filter(isDigestName);
  const records = new Set(await digestNames(context, 'records'));
  const needed = new Set<string>();
  for (const hex of names) {
    const cached = records.has(hex) ? await readCachedRefs(context, hex) : null;
    if (cached === null) continue;
    needed.add(hex);
    if (cached.base !== null) needed.add(cached.base);
  }
  for (const hex of names) if (!needed.has(hex)) await cache.remove(`${layout.refs}/${hex}`).catch(() => false);
}
