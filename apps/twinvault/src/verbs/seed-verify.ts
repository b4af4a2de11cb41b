/** `twinvault seed verify`: proves a seed disk without any key. */
import { resolve } from 'node:path';
import type { SafeId } from '@twinvault/format';
import { formatBytes, toHex } from '@twinvault/std';
import { openSeedDisk, VaultError, verifySeed } from '@twinvault/vault';
import type { SeedDisk, SeedReport } from '@twinvault/vault';
import { formatCount } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';

export async function seedVerify(context: VerbContext, place: string): Promise<void> {
  const path = resolve(place);
  await using disk = await openSeedDisk({ path, platform: context.platform });
  const safes = await disk.safes();
  if (safes.length === 0) throw new VaultError('seed-unfinished', { context: { localPath: path } });
  const reports: SeedReport[] = [];
  for (const safe of safes) reports.push(await verifyOne(context, disk, safe));
  context.progress.finish();
  const bad = reports.some(({ problems, incomplete }) => problems.length + incomplete.length > 0);
  if (bad) context.setExit('damaged');
  const json = {
    disk: toHex((await disk.vault.site()).site),
    purpose: disk.purpose,
    seeds: reports.map(({ manifest, problems, incomplete }) => ({
      safe: toHex(manifest.safe),
      created: new Date(manifest.createdMs).toISOString(),
      objects: manifest.objects,
      safesets: manifest.records,
      bytes: manifest.bytes,
      problems: problems.map((problem) => ({ ...problem })),
      incomplete: [...incomplete],
    })),
  };
  context.output.result(json, [...reports.flatMap(linesOf), ...adviceOf(disk, bad)]);
}

function verifyOne({ progress, signal }: VerbContext, disk: SeedDisk, safe: SafeId): Promise<SeedReport> {
  return verifySeed(disk, safe, {
    signal,
    progress: ({ bytes, bytesTotal, objects }) =>
      progress.report({ phase: 'Verifying', done: bytes, total: bytesTotal, unit: 'bytes', files: objects }),
  });
}

const shownMax = 20;

function linesOf({ manifest, problems, incomplete }: SeedReport): string[] {
  const { safe, objects, records, bytes } = manifest;
  const about = `Safe ${toHex(safe).slice(0, 8)}: ${formatCount(records)} safesets, ${formatCount(objects)} objects, ${formatBytes(bytes)}`;
  if (problems.length + incomplete.length === 0) return [`${about}: complete and whole.`];
  const shown = problems.slice(0, shownMax).map(({ kind, name, defect }) => `  ${kind} ${name}: ${defect}`);
  const more = problems.length > shownMax ? [`  and ${formatCount(problems.length - shownMax)} more`] : [];
  return [
    `${about}: ${formatCount(problems.length)} objects are damaged or missing, and ${formatCount(incomplete.length)} safesets lack something.`,
    ...shown,
    ...more,
  ];
}

function adviceOf({ purpose, path }: SeedDisk, bad: boolean): string[] {
  if (!bad) return [];
  if (purpose === 'restore')
    return ['Give the same twinvault seed export again with --mend: it fetches what is damaged or missing.'];
  return [
    `Take the damaged packs away with twinvault check --vault ${path}/vault --read-data --set-aside, then give the same twinvault seed create again: it stores what is missing.`,
  ];
}
