/* A safe that is new here, made from what another site has of it: descriptor, ledger and key slots. Its records follow. */

import { FormatError, Ledger, objectDigest, parseKeySlotObject, parseSafeDescriptor } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import type { TwinSource } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { NewObject } from '../database/inventory.ts';
import { writeSafe } from '../safes/safes.ts';
import { ledgerEntryName } from '../store/layout.ts';

/**
 * What became durable. The site that the source names as home is noted, unless it is this one, and the customer that it names. Codes of format for what does not hold together; `safe-unknown`,
 * `safe-exists` when it was made meanwhile.
 */
export async function beginSafe(context: SafeContext, source: TwinSource): Promise<readonly NewObject[]> {
  const { safe, marker } = context;
  const descriptor = await source.descriptor(safe);
  if (!equalBytes(parseSafeDescriptor(descriptor).safe, safe)) throw new FormatError('safe-mismatch');
  const entries = await entriesOf(source, safe);
  const ledger = Ledger.replay(descriptor, entries);
  const slots = await slotsOf(source, safe, ledger.slotDigests());
  const listed = (await source.safes()).find((each) => equalBytes(each.safe, safe));
  const home = listed?.home ?? (await source.site()).site;
  await writeSafe(
    context,
    { descriptor, slots, ledger: entries },
    {
      ...(equalBytes(home, marker.site) ? {} : { follows: home }),
      ...(listed?.customer === undefined ? {} : { customer: listed.customer }),
    },
  );
  return [
    ...slots.map((slot): NewObject => ({ kind: 'slots', name: toHex(objectDigest(slot)), bytes: slot.length })),
    ...entries.map((entry, index): NewObject => ({ kind: 'ledger', name: ledgerEntryName(index + 1), bytes: entry.length })),
  ];
}

async function entriesOf(source: TwinSource, safe: SafeId): Promise<Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (;;) {
    const entry = await source.object(safe, { kind: 'ledger', name: ledgerEntryName(entries.length + 1) });
    if (entry === null) return entries;
    entries.push(entry);
  }
}

/** Those that the source has and that check out: one that it lost does not keep anybody from the rest. */
async function slotsOf(source: TwinSource, safe: SafeId, digests: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const slots: Uint8Array[] = [];
  for (const digest of digests) {
    const slot = await source.object(safe, { kind: 'slots', name: toHex(digest) });
    if (slot === null) continue;
    const isIt = equalBytes(objectDigest(slot), digest) && equalBytes(parseKeySlotObject(slot).safe, safe);
    if (isIt) slots.push(slot);
  }
  return slots;
}
