/** `twinvault seed export`: safesets on a disk, with what restores them. */
import { resolve } from 'node:path';
import type { RecordSummary } from '@twinvault/protocol';
import { formatBytes, toHex } from '@twinvault/std';
import { createSeedDisk, exportSeed } from '@twinvault/vault';
import { formatCount } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { chooseSafeset, safesetsWanted } from '../wiring/open-safeset.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { putReader, readerFolder } from '../wiring/seed-reader.ts';
import type { ReaderChoice } from '../wiring/seed-reader.ts';

export interface SeedExportOptions extends VaultOptions {
  readonly safe: string;
  readonly safeset?: readonly string[] | undefined;
  readonly job?: string | undefined;
  readonly reader?: ReaderChoice;
  readonly mend?: true | undefined;
  readonly state?: string | undefined;
}

export async function seedExport(context: VerbContext, place: string, options: SeedExportOptions): Promise<void> {
  const { platform, progress, signal, output } = context;
  const path = resolve(place);
  const reader = await readerFolder(platform, options.reader);
  await using vault = await openVault(context, options);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  await seenLedger(context, safe, options.state);
  const records = chosen(await safe.records({ kind: 'safeset' }), options);
  await using disk = await createSeedDisk({ path, platform }, 'restore');
  await putReader(platform, { path, reader, safe: label });
  const report = await exportSeed({
    disk,
    from: safe,
    records,
    mend: options.mend === true,
    signal,
    progress: ({ bytes, bytesTotal, objects }) =>
      progress.report({ phase: 'Copying', done: bytes, total: bytesTotal, unit: 'bytes', files: objects }),
  });
  progress.finish();
  const { manifest, copiedBytes, copiedPacks } = report;
  const { site } = await disk.vault.site();
  output.result(
    {
      safe: toHex(safe.safe),
      label,
      disk: toHex(site),
      safesets: records.map(({ public: { safeset } }) => toHex(safeset)),
      onDisk: { safesets: manifest.records, objects: manifest.objects, bytes: manifest.bytes },
      copiedPacks,
      copiedBytes,
      reader: reader !== null,
    },
    [
      `${formatCount(records.length)} safesets of safe "${label}" are on ${path}, sealed as they are stored; ${formatBytes(copiedBytes)} were copied.`,
      `The disk holds ${formatCount(manifest.records)} safesets in ${formatBytes(manifest.bytes)} and is complete and signed. Prove it with: twinvault seed verify ${path}`,
      `READ-ME.txt on it says how to restore, with the password or the recovery kit${reader === null ? '' : ' and the program on the disk'}.`,
    ],
  );
}

/** Each of --safeset, or all that --job lets through. Oldest first, each once. */
function chosen(records: readonly RecordSummary[], { safeset, job, safe }: SeedExportOptions): readonly RecordSummary[] {
  if (safeset === undefined) return safesetsWanted(records, { safe, job });
  return [...new Set(safeset.map((one) => chooseSafeset(records, { safeset: one, job, safe })))];
}
