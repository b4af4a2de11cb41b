/*
 * A run that was stopped keeps what it had sent: a record of kind checkpoint pins it until the job's next record. Its refs
 * are those of the part of the catalog that was finished, every pack of the run, and what an earlier checkpoint pinned.
 */
import { toHex } from '@twinvault/std';
import { parseRecord, parseRefs } from '@twinvault/format';
import type { RefsBuilder } from '@twinvault/format';
import type { VaultSafe } from '@twinvault/protocol';
import type { Uploader } from '../upload/uploader.ts';
import type { JobFilter, OpenedRun } from './opening.ts';

/** Adds to `refs` what must not be cleaned up before the next run has had its chance to reuse it. */
export async function addCheckpointRefs(
  refs: RefsBuilder,
  uploader: Uploader,
  earlier: { readonly vault: VaultSafe; readonly run: OpenedRun; readonly filter: JobFilter },
): Promise<void> {
  for (const { number: pack, rows } of uploader.acknowledged) {
    for (let position = 0; position < rows; position += 1) uploader.addRefs(refs, { pack, position });
  }
  const { vault, run, filter } = earlier;
  const previous = run.heads
    .map(({ digest }) => toHex(digest))
    .sort()
    .join();
  for (const summary of await vault.records({ ...filter, kind: 'checkpoint' })) {
    if (summary.retired || summary.public.sequence !== run.sequence) continue;
    if (summary.public.previous.map(toHex).sort().join() !== previous) continue;
    const record = parseRecord(await vault.record(summary.digest));
    for (const { pack, bitmap } of parseRefs(record.refs).packs()) refs.addBitmap(pack, bitmap);
  }
}
