/*
 * What of a safe on a seed disk belongs to the seed: its ledger, its safesets and every pack that they need. What broken-off runs left
 * beside is not named, and so not taken in.
 */

import { parseRefs, recordDigestFromHex } from '@twinvault/format';
import type { PackName, SeedObject, SeedPurpose } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { statObjects, storeNameOf } from '../care/stored-objects.ts';
import type { ObjectKind } from '../database/inventory.ts';
import { Holders } from '../packs/holders.ts';
import { packNameOfHex } from '../packs/pack-files.ts';
import type { SafeParts } from '../site-safe.ts';
import { ledgerEntryName } from '../store/layout.ts';

/** In the order of the list. `origin-missing` when the disk lacks a pack; `records`: hexadecimal, those that belong to it; all safesets when left out. */
export async function seedContents(parts: SafeParts, purpose: SeedPurpose, records?: ReadonlySet<string>): Promise<SeedObject[]> {
  const { context } = parts;
  const ledger = await parts.ledger.current();
  const safesets = (await parts.records.list({ kind: 'safeset' })).filter(
    ({ digest, retired }) => !retired && (records?.has(toHex(digest)) ?? true),
  );
  const inOrder = safesets
    .map(({ digest, public: { sequence } }) => ({ name: toHex(digest), sequence }))
    .sort((a, b) => a.sequence - b.sequence || (a.name < b.name ? -1 : 1));
  const names: Readonly<Partial<Record<ObjectKind, readonly string[]>>> = {
    ledger: Array.from({ length: ledger.head.number }, (_, index) => ledgerEntryName(index + 1)),
    slots: purpose === 'load' ? [] : ledger.slotDigests().map(toHex).sort(),
    pack: await packsOf(
      parts,
      inOrder.map(({ name }) => name),
    ),
    record: inOrder.map(({ name }) => name),
  };
  const descriptor = await parts.ledger.descriptor();
  const objects: SeedObject[] = [{ kind: 'descriptor', name: context.layout.safeHex, bytes: descriptor.length }];
  for (const kind of ['ledger', 'slots', 'pack', 'record'] as const) {
    const stats = new Map((await statObjects(context, kind, names[kind] ?? [])).map(({ name, bytes }) => [name, bytes]));
    for (const name of names[kind] ?? []) {
      const bytes = stats.get(name);
      if (bytes === undefined)
        throw new ProtocolError('vault-damaged', { context: { object: storeNameOf(context.layout, kind, name) } });
      objects.push({ kind, name, bytes });
    }
  }
  return objects;
}

/** Names of all packs that hold what the records need, sorted. */
async function packsOf(parts: SafeParts, records: readonly string[]): Promise<readonly string[]> {
  const origins = new Set<string>();
  for (const hex of records) {
    const bytes = await parts.records.bytes(recordDigestFromHex(hex));
    if (bytes === null) continue;
    const { refs } = await parts.lookUp.offered(bytes);
    for (const { pack } of parseRefs(refs).packs()) origins.add(toHex(pack));
  }
  const wanted: PackName[] = Array.from(origins, packNameOfHex);
  const holders = await new Holders(parts.context).of(wanted);
  const missing = holders.filter((packs) => packs.length === 0).length;
  if (missing > 0) throw new ProtocolError('origin-missing', { context: { count: missing } });
  return [...new Set(holders.flat().map(toHex))].sort();
}
