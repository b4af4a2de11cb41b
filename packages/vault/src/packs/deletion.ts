/*
 * Taking a pack away for good, once its note says "deleting". The file is renamed to a temporary name first: from then on it is
 * absent, and what is removed after that can never be a pack that somebody put again meanwhile.
 */

import { toHex } from '@twinvault/std';
import { readQuarantine } from '../clean/quarantine.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { temporaryName } from '../leases/file-time.ts';
import type { Lease } from '../leases/lease.ts';

/** The caller holds the lock "clean"; `lease-lost` when it does not any more, and then the pack is still there. */
export async function deletePack(context: SafeContext, hex: string, lock: Lease): Promise<void> {
  const { store, layout, ports } = context;
  await lock.check();
  const path = store.path(layout.pack(hex));
  const aside = `${path.slice(0, path.lastIndexOf('/'))}/${temporaryName(ports.random)}`;
  if (await ports.files.rename(path, aside)) {
    try {
      await lock.check();
    } catch (error) {
      await ports.files.rename(aside, path);
      throw error;
    }
    await ports.files.remove(aside);
  }
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
