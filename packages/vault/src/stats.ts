/* Numbers about a vault, for people: how much lies where. Reads names, sizes and public parts alone. */

import { toHex } from '@twinvault/std';
import { quarantinedNames } from './clean/quarantine.ts';
import type { CommitParts } from './commit/commit.ts';
import { packNames } from './packs/pack-files.ts';
import { indexEntries } from './packs/pack-index.ts';

export interface SafeStats {
  /** Hexadecimal. */
  readonly safe: string;
  readonly label: string;
  readonly packs: number;
  readonly packBytes: number;
  /** Of these, those that wait to be deleted. */
  readonly quarantinedPacks: number;
  readonly quarantinedBytes: number;
  readonly blobs: number;
  readonly safesets: number;
  readonly checkpoints: number;
  readonly retired: number;
  readonly recordBytes: number;
  readonly ledgerEntries: number;
  readonly computers: number;
}

export async function safeStats({ context, ledger, records }: CommitParts): Promise<SafeStats> {
  const current = await ledger.current();
  const quarantined = await quarantinedNames(context);
  const numbers = { packs: 0, packBytes: 0, quarantinedPacks: 0, quarantinedBytes: 0, blobs: 0 };
  for await (const { hex, packBytes, tail } of indexEntries(context, { wanted: await packNames(context) })) {
    numbers.packs += 1;
    numbers.packBytes += packBytes;
    numbers.blobs += rowCountOf(tail);
    if (!quarantined.has(hex)) continue;
    numbers.quarantinedPacks += 1;
    numbers.quarantinedBytes += packBytes;
  }
  const all = await records.all();
  const standing = all.filter(({ retired }) => !retired);
  return {
    safe: toHex(context.safe),
    label: current.descriptor.label,
    ...numbers,
    safesets: standing.filter(({ public: facts }) => facts.kind === 'safeset').length,
    checkpoints: standing.filter(({ public: facts }) => facts.kind === 'checkpoint').length,
    retired: all.length - standing.length,
    recordBytes: all.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    ledgerEntries: current.head.number,
    computers: current.certificates().filter(({ id }) => current.revocationOf(id) === null).length,
  };
}

/** From the trailer, docs/format/packs.md: the tail was verified when it came into the index. */
function rowCountOf(tail: Uint8Array): number {
  return new DataView(tail.buffer, tail.byteOffset, tail.byteLength).getUint32(tail.length - 24, true);
}
