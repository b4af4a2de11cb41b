/* Checks of packs: their ends always, every byte with `readData`. */

import { FormatError, packBytesMax, verifyPackTable } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { CommitParts } from '../commit/commit.ts';
import { inLock } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { packNameOfHex, packNames, readPackEnds } from '../packs/pack-files.ts';
import { releaseBytes } from '@twinvault/std';
import { concurrently } from '../store/concurrently.ts';
import type { CheckRun } from './check-run.ts';

/** Enough to keep a disk busy while another pack is hashed, few enough to keep memory small. */
const packsAtOnce = 3;

/** Names of packs that are not what was stored or cannot be read, hexadecimal. */
export async function checkPacks({ context }: CommitParts, run: CheckRun): Promise<Set<string>> {
  const { store, layout } = context;
  const names = [...(await packNames(context))].sort();
  const sizes =
    run.options.readData === true
      ? await concurrently(names, 16, async (hex) => (await store.stat(layout.pack(hex)))?.sizeBytes ?? 0)
      : [];
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const damaged = new Set<string>();
  let done = 0;
  let doneBytes = 0;
  await concurrently(names, packsAtOnce, async (hex) => {
    run.options.signal?.throwIfAborted();
    const readBytes = await checkPack(context, run, hex);
    if (readBytes === null) damaged.add(hex);
    done += 1;
    doneBytes += readBytes ?? 0;
    run.options.progress?.({ safe: layout.safeHex, step: 'packs', done, total: names.length, doneBytes, totalBytes });
  });
  run.packs += names.length;
  run.readBytes += doneBytes;
  for (const hex of await store.list(layout.inFolder('damaged'))) run.found('pack-aside', layout.inFolder('damaged', hex));
  if (run.options.setAside === true && damaged.size > 0) await setAside(context, damaged);
  return damaged;
}

/** Bytes read; null when the pack is damaged. */
async function checkPack(context: SafeContext, run: CheckRun, hex: string): Promise<number | null> {
  run.objects += 1;
  const name = context.layout.pack(hex);
  try {
    if (run.options.readData !== true) {
      await readPackEnds(context, hex);
      return 0;
    }
    const bytes = await context.store.get(name, packBytesMax);
    // Deleted since the listing: nothing that stands refers to it, or the check of the records finds it.
    if (bytes === null) return 0;
    const { length } = bytes;
    verifyPackTable(packNameOfHex(hex), bytes, { safe: context.safe });
    releaseBytes(bytes);
    return length;
  } catch (error) {
    if (error instanceof FormatError) run.found('pack-damaged', name, String(error.context['defect'] ?? error.code));
    else if (error instanceof ProtocolError)
      run.found(error.code === 'vault-damaged' ? 'pack-damaged' : 'unreadable', name, error.code);
    else throw error;
    return null;
  }
}

/** Out of the way of live lists; ranges are still read from there. `vault-busy` when a clean-up runs for long. */
export async function setAside(context: SafeContext, damaged: ReadonlySet<string>): Promise<void> {
  const { store, layout } = context;
  await inLock(context, { name: 'clean' }, async (lock) => {
    for (const hex of damaged) {
      await lock.check();
      await store.move(layout.pack(hex), layout.inFolder('damaged', hex));
    }
  });
}
