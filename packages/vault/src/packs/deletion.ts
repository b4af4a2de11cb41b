/*
 * Taking a pack away for good, once its note says "deleting". Exactly this one: what somebody put again meanwhile stays.
 */

import { toHex } from '@twinvault/std';
import { readQuarantine } from '../clean/quarantine.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import type { Lease } from '../leases/leases.ts';

/** The caller holds the lock "clean"; `lease-lost` when it does not any more, and then the pack is still there. */
export async function deletePack(context: SafeContext, hex: string, lock: Lease): Promise<void> {
  const { store, layout } = context;
  await lock.check();
  await store.removeThis(layout.pack(hex), () => lock.check());
  await store.remove(layout.inFolder('quarantine', hex));
}

/** For whoever puts a pack again that is just being deleted: ends the deletion, whoever began it. */
export async function finishDeletion(context: SafeContext, pack: Uint8Array): Promise<void> {
  const hex = toHex(pack);
  await inLock(context, { name: 'clean' }, async (lock) => {
    const note = await readQuarantine(context, hex);
    if (note !== null && note !== 'unreadable' && note.state === 'deleting') await deletePack(context, hex, lock);
  });
}
