/*
 * What is checked of a pack when it arrives: everything that can be seen of it without a key, as soon as it can be. Its tail and header first: then the
 * name, the safe and the certificate are known to be right. Then each blob when it is there. A site that serves many hashes the blobs in threads.
 *
 * Each byte is hashed once: header and tail with the name, a blob with its own.
 */

import { FormatError, packHeaderBytesMax, verifyPackEnds, wrongBlob } from '@twinvault/format';
import type { PackExpectation, PackName, PackTable, VerifiedTail } from '@twinvault/format';
import type { ArrivingPack } from './arriving-pack.ts';

/** Blobs are hashed side by side as soon as so much is there. */
const groupBytesAim = 4 * 1024 * 1024;

/** Of the session in which it arrives. */
export type ArrivedPack = Required<PackExpectation>;

/** Resolves when all of it is there and right; what it resolves with are views of the pack's bytes. Codes of format, and what `arrived` throws. */
export type VerifyPack = (name: PackName, pack: ArrivingPack, expected: ArrivedPack) => Promise<VerifiedTail>;

export const verifyHere: VerifyPack = async (name, pack, expected) => {
  const verified = await verifyEnds(name, pack, expected);
  await verifyBlobsHere(pack, verified.table);
  return verified;
};

/** All but the blobs. */
export const verifyEnds: VerifyPack = async (name, pack, expected) => {
  const { bytes, tailBytes } = pack;
  const frontBytes = bytes.length - tailBytes;
  const headerBytes = Math.min(packHeaderBytesMax, frontBytes);
  await pack.arrived(headerBytes);
  const ends = { headerBytes: bytes.subarray(0, headerBytes), tail: bytes.subarray(frontBytes) };
  const verified = verifyPackEnds(name, ends, expected);
  if (verified.table.packBytes === bytes.length) return verified;
  throw new FormatError('pack-damaged', { context: { defect: 'lengths do not add up' } });
};

export async function verifyBlobsHere({ bytes, arrived }: ArrivingPack, table: PackTable): Promise<void> {
  for (let from = 0; from < table.count;) {
    let [to, end, groupBytes] = [from, 0, 0];
    for (; to < table.count && groupBytes < groupBytesAim; to += 1) {
      if (table.slipOnlyAt(to)) continue;
      groupBytes += table.lengthAt(to);
      end = table.offsetAt(to) + table.lengthAt(to);
    }
    await arrived(end);
    demandBlobs(table, bytes, { from, to });
    from = to;
  }
}

/** `pack-damaged` with the first wrong row in the context. */
export function demandBlobs(table: PackTable, bytes: Uint8Array, rows: { readonly from: number; readonly to: number }): void {
  const row = wrongBlob(table, bytes, rows);
  if (row !== null) throw new FormatError('pack-damaged', { context: { defect: 'hash of a blob', row } });
}
