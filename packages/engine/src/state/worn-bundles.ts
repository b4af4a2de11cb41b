/*
 * `worn-bundles`: bundles of which the job's newest safeset uses so little that they are to be emptied, and what the run left of its budget for it
 * (docs/format/delta.md, "Upkeep"; scan/bundle-upkeep.ts).
 *
 *     offset bytes
 *     0      8     "TVWB" 0x01 0x00 0x00 0x00
 *     8      32    SHA-256 of magic and what follows
 *     40     8     f64 bytes left of the budget
 *     48     4     u32 1: a restore would fetch over twice what the bundled files have
 *     52     20 for each: first 16 bytes of the chunk id | u32 what is used of it, of `wholeShare`
 *
 * Only a hint: lost, damaged or stale it costs room in the vault, or sending.
 */
import { concatBytes, equalBytes, primitives, StdError } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import type { UsedChunk } from '../dedup/chunk-table.ts';

const magic = new Uint8Array([0x54, 0x56, 0x57, 0x42, 1, 0, 0, 0]);
const contentOffset = 40;
const rowsOffset = 52;
const rowBytes = 20;
const idBytes = 16;
/** More are for the next runs: none empties as many. */
export const wornBundlesMax = 65_536;

export interface WornBundles {
  readonly bundles: readonly UsedChunk[];
  readonly leftBytes: number;
  readonly isStrained: boolean;
}

export const noWornBundles: WornBundles = { bundles: [], leftBytes: 0, isStrained: false };

export function encodeWornBundles({ bundles, leftBytes, isStrained }: WornBundles): Uint8Array {
  const content = new Uint8Array(rowsOffset - contentOffset + rowBytes * bundles.length);
  const view = new DataView(content.buffer);
  view.setFloat64(0, leftBytes, true);
  view.setUint32(8, isStrained ? 1 : 0, true);
  for (const [index, { id, share }] of bundles.entries()) {
    const at = rowsOffset - contentOffset + rowBytes * index;
    content.set(id.subarray(0, idBytes), at);
    view.setUint32(at + idBytes, share, true);
  }
  return concatBytes(magic, checkOf(content), content);
}

/** Null for what is no such file, or damaged. */
export function parseWornBundles(bytes: Uint8Array): WornBundles | null {
  const content = bytes.subarray(contentOffset);
  const rowsBytes = bytes.length - rowsOffset;
  if (rowsBytes < 0 || rowsBytes % rowBytes !== 0 || rowsBytes > wornBundlesMax * rowBytes) return null;
  if (!equalBytes(bytes.subarray(0, magic.length), magic)) return null;
  if (!equalBytes(checkOf(content), bytes.subarray(magic.length, contentOffset))) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const bundles: UsedChunk[] = [];
  for (let at = rowsOffset; at < bytes.length; at += rowBytes) {
    bundles.push({ id: bytes.slice(at, at + idBytes), share: view.getUint32(at + idBytes, true) });
  }
  return { bundles, leftBytes: view.getFloat64(40, true), isStrained: view.getUint32(48, true) === 1 };
}

function checkOf(content: Uint8Array): Uint8Array {
  return primitives.sha256(concatBytes(magic, content));
}

/** None when there is no such file that can be used. */
export async function readWornBundles(files: Files, path: string): Promise<WornBundles> {
  try {
    const bytes = await files.read(path, rowsOffset + wornBundlesMax * rowBytes);
    return (bytes === null ? null : parseWornBundles(bytes)) ?? noWornBundles;
  } catch (error) {
    if (error instanceof StdError) return noWornBundles;
    throw error;
  }
}

/** Durable when it resolves; errors of the files port. */
export async function writeWornBundles(files: Files, path: string, worn: WornBundles): Promise<void> {
  await files.replace(path, [encodeWornBundles(worn)]);
}
