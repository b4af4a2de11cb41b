/* One object after the other goes for good, and the certificate counts it. */

import { ProtocolError } from '@twinvault/protocol';
import type { SafeContext } from '../context.ts';
import { concurrently } from '../store/concurrently.ts';
import type { SafeFolder } from '../store/layout.ts';
import { eraseBatchMax } from './erase-log.ts';
import type { EraseWork } from './erase-work.ts';

const erasesAtOnce = 4;

/** `names` in the store; whether all went. One that cannot be overwritten or removed is named in the certificate, and tried again by the next run. */
export async function eraseNames(context: SafeContext, work: EraseWork, { kind, names }: KindNames): Promise<boolean> {
  const done = { failed: 0, objects: 0, bytes: 0 };
  for (let start = 0; start < names.length; start += eraseBatchMax) {
    const batch = names.slice(start, start + eraseBatchMax);
    await work.log.goes(batch.length);
    await concurrently(batch, erasesAtOnce, async (name) => {
      work.signal?.throwIfAborted();
      try {
        const erased = await context.store.erase(name, () => work.lock.check());
        // What is locked is absent now, and a remain until its lock ends.
        if (erased === null || erased.lockedMs !== null) return;
        work.log.gone(kind, erased);
        done.objects += 1;
        done.bytes += erased.bytes;
        work.progress?.({ safe: context.layout.safeHex, objects: done.objects, bytes: done.bytes });
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code === 'lease-lost') throw error;
        done.failed += 1;
        const place = name.slice(context.layout.folder.length + 1);
        work.log.problem({ kind, name: place, code: error.code });
        work.log.waits({ kind, name: place, bytes: 0, reason: 'failure', untilMs: null });
      }
    });
  }
  return done.failed === 0;
}

export interface KindNames {
  readonly kind: string;
  readonly names: readonly string[];
}

export interface RemainsOf {
  readonly folders: readonly SafeFolder[];
  /** In the store's time: what is younger may be in the making. */
  readonly beforeMs: number;
}

/** What removals and broken-off writes left in these folders. */
export async function eraseRemains(context: SafeContext, { log }: EraseWork, { folders, beforeMs }: RemainsOf): Promise<void> {
  const { store, layout } = context;
  for (const kind of folders) {
    const remains = await store.eraseRemains(layout.inFolder(kind), beforeMs);
    if (remains.objects > 0) log.gone(kind, { bytes: remains.bytes, readBack: remains.readBack }, remains.objects);
    for (const { name, bytes, lockedMs } of remains.locked) {
      log.waits({ kind, name: name.slice(layout.folder.length + 1), bytes, reason: 'lock', untilMs: lockedMs });
    }
  }
}
