/*
 * What of a safe on a seed disk belongs to the seed: its ledger, its safesets and every pack that they need. What broken-off runs left
 * beside is not named, and so not taken in.
 */

import { parseRefs, recordDigestFromHex } from '@twinvault/format';
import type { Refs, SeedObject, SeedPurpose } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { statObjects, storeNameOf } from '../care/stored-objects.ts';
import { checkOrigins } from '../commit/origins.ts';
import type { ObjectKind } from '../database/inventory.ts';
import { Holders } from '../packs/holders.ts';
import { packNameOfHex } from '../packs/pack-files.ts';
import type { SafeParts } from '../site-safe.ts';
import { ledgerEntryName } from '../store/layout.ts';

/** In the order of the list. `origin-missing` when the newest safeset lacks a pack, or any of a restore; `records`: hexadecimal, those that belong to it; all safesets when left out. */
export async function seedContents(parts: SafeParts, purpose: SeedPurpose, records?: ReadonlySet<string>): Promise<SeedObject[]> {
  const { context } = parts;
  const ledger = await parts.ledger.current();
  const safesets = (await parts.records.list({ kind: 'safeset' })).filter(
    ({ digest, retired }) => !retired && (records?.has(toHex(digest)) ?? true),
  );
  const inOrder = safesets
    .map(({ digest, public: { sequence } }) => ({ name: toHex(digest), sequence }))
    .sort((a, b) => a.sequence - b.sequence || (a.name < b.name ? -1 : 1));
  const complete = await completeRefs(
    parts,
    purpose,
    inOrder.map(({ name }) => name),
  );
  const names: Readonly<Partial<Record<ObjectKind, readonly string[]>>> = {
    ledger: Array.from({ length: ledger.head.number }, (_, index) => ledgerEntryName(index + 1)),
    slots: purpose === 'load' ? [] : ledger.slotDigests().map(toHex).sort(),
    pack: await packsOf(parts, complete.values()),
    record: [...complete.keys()],
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

/** Refs of the records; of a load without those that lack something, since a later one took their place when the disk was made whole. */
async function completeRefs(parts: SafeParts, purpose: SeedPurpose, records: readonly string[]): Promise<Map<string, Refs>> {
  const complete = new Map<string, Refs>();
  let lacking = 0;
  for (const hex of records) {
    const bytes = await parts.records.bytes(recordDigestFromHex(hex));
    const refs = bytes === null ? null : parseRefs((await parts.lookUp.offered(bytes)).refs);
    const { missing } = refs === null ? { missing: 1 } : await checkOrigins(parts.context, refs);
    lacking = missing;
    if (refs !== null && missing === 0) complete.set(hex, refs);
    else if (purpose === 'restore') break;
  }
  // The newest comes last.
  if (lacking > 0) throw new ProtocolError('origin-missing', { context: { count: lacking } });
  return complete;
}

/** Names of all packs that hold what is needed, sorted. */
async function packsOf(parts: SafeParts, refs: Iterable<Refs>): Promise<readonly string[]> {
  const origins = new Set<string>();
  for (const one of refs) for (const { pack } of one.packs()) origins.add(toHex(pack));
  const holders = await new Holders(parts.context).of(Array.from(origins, packNameOfHex));
  return [...new Set(holders.flat().map(toHex))].sort();
}
