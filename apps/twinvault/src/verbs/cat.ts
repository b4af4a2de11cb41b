/** `twinvault cat`: one file to standard output, verified chunk by chunk. */
import { entryTypes, splitName } from '@twinvault/engine';
import { packKinds } from '@twinvault/format';
import { UsageError } from '../errors/usage-error.ts';
import { shownPath } from '../output/entry-errors.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { SafesetOptions } from '../wiring/open-safeset.ts';
import { openSafeset } from '../wiring/open-safeset.ts';
import { openVault } from '../wiring/open-vault.ts';
import { safesetPath } from '../wiring/paths.ts';

const zeros = new Uint8Array(1024 * 1024);

export async function cat(context: VerbContext, path: string, options: SafesetOptions): Promise<void> {
  await using vault = await openVault(context, options);
  await using opened = await openSafeset(context, vault, options);
  const { catalog, chunks } = opened.safeset;
  const wanted = safesetPath(path);
  const { directory, name } = splitName(wanted);
  const entry = await catalog.entry(directory, name);
  if (entry === null) throw new UsageError(`The safeset holds no ${shownPath(wanted)}.`, 'missing');
  if (entry.type !== entryTypes.file) throw new UsageError(`${shownPath(wanted)} is no file. twinvault ls shows it.`);
  if (entry.unread === true) throw new UsageError(`The content of ${shownPath(wanted)} was never read by a backup.`, 'missing');
  for await (const extent of catalog.extentsOf(entry)) {
    context.signal.throwIfAborted();
    if (extent.chunk === null) {
      for (let left = extent.lengthBytes; left > 0; left -= zeros.length)
        await context.output.raw(zeros.subarray(0, Math.min(left, zeros.length)));
      continue;
    }
    const plaintext = await chunks.read(extent.chunk, packKinds.data);
    await context.output.raw(plaintext.subarray(extent.offsetBytes, extent.offsetBytes + extent.lengthBytes));
  }
}
