/*
 * Key slots of a safe. The ledger's newest `slots` entry says which count; others are leftovers that a broken-off change of slots
 * left and that nobody is given.
 */

import { objectDigest, parseLedgerEntry, slotBytesMax } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import { ensureObject } from '../store/object-store.ts';
import type { LedgerStore } from './ledger-store.ts';
import { demandSlots } from './safes.ts';

/** Stored bytes of the slots that the ledger names, in its order. One that is missing is left out: another may still open. */
export async function readSlots({ store, layout }: SafeContext, ledger: LedgerStore): Promise<Uint8Array[]> {
  const slots: Uint8Array[] = [];
  for (const digest of (await ledger.current()).slotDigests()) {
    const slot = await store.get(layout.inFolder('slots', toHex(digest)), slotBytesMax);
    if (slot !== null) slots.push(slot);
  }
  return slots;
}

export interface SlotChange {
  readonly slots: readonly Uint8Array[];
  /** The `slots` entry that names all of them. */
  readonly entry: Uint8Array;
}

/** New slots, then the entry, then the old slots go. Broken off before the entry nothing has changed; the same call again completes it. */
export async function replaceSlots(context: SafeContext, ledger: LedgerStore, change: SlotChange): Promise<void> {
  const { store, layout, safe } = context;
  if (parseLedgerEntry(change.entry).payload.kind !== 'slots') {
    throw new ProtocolError('slots-mismatch', { context: { defect: 'kind of the entry' } });
  }
  const before = await ledger.current();
  const isNew = parseLedgerEntry(change.entry).number > before.head.number;
  demandSlots(change.slots, isNew ? before.append(change.entry) : before, safe);
  for (const slot of change.slots) await ensureObject(store, layout.inFolder('slots', toHex(objectDigest(slot))), slot);
  const named = new Set((await ledger.append(change.entry)).slotDigests().map(toHex));
  for (const name of await store.list(layout.inFolder('slots'))) {
    if (!named.has(name)) await store.remove(layout.inFolder('slots', name));
  }
}
