/* Putting a pack that was verified: durable, and free of any mark that could take it away. */

import { packHeaderFixedBytes } from '@twinvault/format';
import type { PackName, VerifiedTail } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import { readQuarantine, takeBack } from '../clean/quarantine.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { ensureObject } from '../store/object-store.ts';
import { finishDeletion } from './deletion.ts';
import { sessionNameOf } from './pack-files.ts';
import type { IndexEntry } from './segments.ts';

export async function storePack(context: SafeContext, name: PackName, bytes: Uint8Array): Promise<'stored' | 'present'> {
  const hex = toHex(name);
  for (;;) {
    const before = await readQuarantine(context, hex);
    if (before !== null && before !== 'unreadable' && before.state === 'deleting') await finishDeletion(context, name);
    const answer = await ensureObject(context.store, context.layout.pack(name), bytes);
    if ((await readQuarantine(context, hex)) === null) return answer;
    const free = await inLock(context, { name: 'commit' }, async () => {
      const note = await readQuarantine(context, hex);
      if (note !== null && note !== 'unreadable' && note.state === 'deleting') return false;
      await takeBack(context, hex);
      return true;
    });
    if (free) return answer;
  }
}

/** What the index keeps of it; a copy of what it needs of `bytes`. */
export function entryOfBytes(name: PackName, bytes: Uint8Array, { header, table }: VerifiedTail): IndexEntry {
  return {
    pack: name,
    hex: toHex(name),
    header: bytes.slice(0, packHeaderFixedBytes),
    session: sessionNameOf(header),
    packBytes: bytes.length,
    tail: bytes.slice(bytes.length - table.tailBytes),
  };
}
