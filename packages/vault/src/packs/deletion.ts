/*
 * Taking a pack away for good, once its note says "deleting". Exactly this one: what somebody put again meanwhile stays.
 */

import { toHex } from '@twinvault/std';
import { ProtocolError } from '@twinvault/protocol';
import { readQuarantine, writeQuarantine } from '../clean/quarantine.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';

/**
 * False when the store keeps the pack, since it is locked: then it is only marked again, as before. The caller holds the lock "clean";
 * `lease-lost` when it does not any more, and then the pack is still there.
 */
export async function deletePack(context: SafeContext, hex: string, lock: Lease): Promise<boolean> {
  const { store, layout } = context;
  await lock.check();
  try {
    await store.removeThis(layout.pack(hex), () => lock.check());
  } catch (error) {
    if (!store.locks || !(error instanceof ProtocolError) || error.code !== 'vault-denied') throw error;
    // Absent for everybody while the note says so, and it would be for as long as the lock lasts.
    const note = await readQuarantine(context, hex);
    if (note !== null && note !== 'unreadable') await writeQuarantine(context, hex, { ...note, state: 'quarantined' });
    return false;
  }
  await store.remove(layout.inFolder('quarantine', hex));
  return true;
}

/** For whoever puts a pack again that is just being deleted: ends the deletion, whoever began it. */
export async function finishDeletion(context: SafeContext, pack: Uint8Array): Promise<void> {
  const hex = toHex(pack);
  await inLock(context, { name: 'clean' }, async (lock) => {
    const note = await readQuarantine(context, hex);
    if (note !== null && note !== 'unreadable' && note.state === 'deleting') await deletePack(context, hex, lock);
  });
}
