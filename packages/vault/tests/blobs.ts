/* Blobs by their origins, read through the port as a reader finds them: wherever the site has them now. */

import assert from 'node:assert/strict';
import { packTailBytes, PackTable, packTrailerBytes, verifyBlob } from '@twinvault/format';
import type { PackName } from '@twinvault/format';
import type { VaultReading } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import type { TestPack } from '@twinvault/testkit';

/** Fails unless every blob of the pack (or those at `positions`) is at the site as it was put. */
export async function assertBlobs(reading: VaultReading, pack: TestPack, positions?: readonly number[]): Promise<void> {
  const [holders = []] = await reading.holdersOf([pack.name]);
  const found = new Set<number>();
  for (const holder of holders) for (const position of await blobsIn(reading, holder, pack)) found.add(position);
  for (const { position } of pack.rows) {
    if (positions === undefined || positions.includes(position))
      assert.ok(found.has(position), `position ${position} of ${toHex(pack.name)}`);
  }
}

/** Positions of the origin that the holder has, each compared with the original. */
async function blobsIn(reading: VaultReading, holder: PackName, origin: TestPack): Promise<number[]> {
  const table = await tableOf(reading, holder);
  const found: number[] = [];
  for (let row = 0; row < table.count; row += 1) {
    if (!equalBytes(table.originAt(row) ?? holder, origin.name)) continue;
    const position = table.positionAt(row);
    const original = origin.rows[position];
    assert.ok(original !== undefined && equalBytes(table.slipAt(row), original.slip), 'the row is the original');
    if (!table.slipOnlyAt(row)) {
      const blob = await reading.readPack(holder, table.offsetAt(row), table.lengthAt(row));
      assert.ok(verifyBlob(table, row, blob));
      assert.deepEqual(blob, origin.bytes.slice(original.offsetBytes, original.offsetBytes + original.lengthBytes));
    }
    found.push(position);
  }
  return found;
}

async function tableOf(reading: VaultReading, pack: PackName): Promise<PackTable> {
  const size = (await reading.packSize(pack)) ?? 0;
  const trailer = await reading.readPack(pack, size - packTrailerBytes, packTrailerBytes);
  const tailBytes = packTailBytes(trailer);
  return new PackTable(await reading.readPack(pack, size - tailBytes, tailBytes));
}
