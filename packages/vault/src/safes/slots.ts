/*
 * Key slots of a safe. The ledger's newest `slots` entry says which count; others are leftovers that a broken-off change of slots
 * left and that nobody is given.
 */

import { objectDigest, parseLedgerEntry, slotBytesMax } from '@twinvault/format';
import type { Ledger } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { inLock } from '../context.ts';
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

/**
 * New slots, then the entry, then the slots go that earlier entries named. Broken off before the entry nothing has changed; the
 * same call again completes it. One change at a time: two that overlap could each remove what the other has just named.
 */
export async function replaceSlots(context: SafeContext, ledger: LedgerStore, change: SlotChange): Promise<void> {
  const { store, layout, safe } = context;
  const entry = parseLedgerEntry(change.entry);
  if (entry.payload.kind !== 'slots') throw new ProtocolError('slots-mismatch', { context: { defect: 'kind of the entry' } });
  await inLock(context, { name: 'commit' }, async (lock) => {
    const before = await ledger.current();
    demandSlots(change.slots, entry.number > before.head.number ? before.append(change.entry) : before, safe);
    for (const slot of change.slots) await ensureObject(store, layout.inFolder('slots', toHex(objectDigest(slot))), slot);
    await ledger.append(change.entry);
    await lock.check();
    await removeFormerSlots(context, await ledger.current());
  });
}

/** Only slots that were named once and are not any more: others may be on their way. The caller holds the lock "commit". */
export async function removeFormerSlots({ store, layout }: SafeContext, ledger: Ledger): Promise<void> {
  const named = new Set(ledger.slotDigests().map(toHex));
  for (const { payload } of ledger.entries()) {
    if (payload.kind !== 'slots') continue;
    for (const digest of payload.slots) {
      if (!named.has(toHex(digest))) await store.remove(layout.inFolder('slots', toHex(digest)));
    }
  }
}

/** Removes slots that no entry names and that were put before `beforeMs`, in the store's time; the number removed. */
export async function sweepSlots(context: SafeContext, ledger: LedgerStore, beforeMs: number): Promise<number> {
  const { store, layout } = context;
  const unnamed = async (): Promise<string[]> => {
    const named = new Set((await ledger.current()).slotDigests().map(toHex));
    return (await store.list(layout.inFolder('slots'))).filter((name) => !named.has(name));
  };
  if ((await unnamed()).length === 0) return 0;
  return inLock(context, { name: 'commit' }, async (lock) => {
    let count = 0;
    for (const name of await unnamed()) {
      const stat = await store.stat(layout.inFolder('slots', name));
      await lock.check();
      if (stat !== null && stat.modifiedMs <= beforeMs && (await store.remove(layout.inFolder('slots', name)))) count += 1;
    }
    return count;
  });
}
