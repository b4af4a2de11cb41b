/*
 * A safe on a seed disk, docs/format/seed.md: made as it stands elsewhere, and brought up to that later on. A load gets no key slots.
 */

import { Ledger, objectDigest } from '@twinvault/format';
import type { NewSafe } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { LedgerStore } from '../safes/ledger-store.ts';
import { writeSafe } from '../safes/safes.ts';
import { ensureObject } from '../store/object-store.ts';

export interface PlaceParts {
  readonly context: SafeContext;
  readonly ledger: LedgerStore;
}

/** Idempotent. Fewer entries than are there are fine; `ledger-conflict` for others, codes of format for what does not hold together. */
export async function placeSafe({ context, ledger }: PlaceParts, safe: NewSafe): Promise<void> {
  const { store, layout } = context;
  Ledger.replay(safe.descriptor, safe.ledger);
  if ((await store.stat(layout.descriptor)) === null) {
    await writeSafe(context, safe);
    return;
  }
  for (const slot of safe.slots) await ensureObject(store, layout.inFolder('slots', toHex(objectDigest(slot))), slot);
  for (const entry of safe.ledger) await ledger.append(entry);
}
