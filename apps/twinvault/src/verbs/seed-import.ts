/** `twinvault seed import`: a disk with a first backup is taken in at its site. */
import { resolve } from 'node:path';
import { safeIdFromHex } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { formatBytes, toHex } from '@twinvault/std';
import { importSeed, openSeedDisk, VaultError } from '@twinvault/vault';
import type { ImportReport, SeedDisk } from '@twinvault/vault';
import { Inventory } from '@twinvault/vault/service';
import { UsageError } from '../errors/usage-error.ts';
import { formatCount } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openSite } from '../wiring/open-site.ts';
import type { OpenSite } from '../wiring/open-site.ts';
import { loadConfig } from '../wiring/site-files.ts';

export interface SeedImportOptions {
  readonly config: string;
  readonly safe?: string | undefined;
}

export async function seedImport(context: VerbContext, place: string, options: SeedImportOptions): Promise<void> {
  const { platform, output, progress } = context;
  const path = resolve(place);
  await using disk = await openSeedDisk({ path, platform });
  const safes = await chosenSafes(disk, options.safe);
  await using site = await openSite(platform, await loadConfig(platform, options.config));
  const reports: ImportReport[] = [];
  for (const safe of safes) reports.push(await importOne(context, site, { disk, safe }));
  progress.finish();
  if (reports.some(({ left }) => left.length > 0)) context.setExit('withErrors');
  if (reports.some(({ held }) => held.length > 0)) context.setExit('damaged');
  const json = {
    disk: toHex((await disk.vault.site()).site),
    seeds: reports.map(({ manifest, held, left, ...counts }) => ({
      safe: toHex(manifest.safe),
      created: new Date(manifest.createdMs).toISOString(),
      safesetsOnDisk: manifest.records,
      ...counts,
      held: held.map((one) => ({ ...one })),
      left: left.map((one) => ({ ...one })),
    })),
  };
  output.result(json, reports.flatMap(linesOf));
}

async function chosenSafes(disk: SeedDisk, wanted: string | undefined): Promise<readonly SafeId[]> {
  if (wanted !== undefined && !/^[0-9a-f]{32}$/iu.test(wanted))
    throw new UsageError("--safe takes a safe's id: 32 hexadecimal digits, as twinvault seed verify --json shows it.");
  const safes = await disk.safes();
  if (safes.length === 0) throw new VaultError('seed-unfinished', { context: { localPath: disk.path } });
  return wanted === undefined ? safes : [safeIdFromHex(wanted)];
}

function importOne(
  { progress, signal }: VerbContext,
  { vault, database }: OpenSite,
  { disk, safe }: { readonly disk: SeedDisk; readonly safe: SafeId },
): Promise<ImportReport> {
  const inventory = new Inventory(database);
  return importSeed({
    vault,
    disk,
    safe,
    signal,
    announce: (objects) => inventory.announce(toHex(safe), objects),
    progress: ({ bytes, bytesTotal, objects }) =>
      progress.report({ phase: 'Taking in', done: bytes, total: Math.max(bytes, bytesTotal), unit: 'bytes', files: objects }),
  });
}

const shownMax = 20;

function linesOf({ manifest, held, left, objects, bytes, safesets, safesetsBefore }: ImportReport): string[] {
  const safe = toHex(manifest.safe).slice(0, 8);
  const all = `${formatCount(safesets)} of ${formatCount(manifest.records)} safesets of the seed stand at this site`;
  const some =
    objects === 0
      ? 'nothing was left to take'
      : `${formatCount(objects)} objects, ${formatBytes(bytes)} were taken in and verified`;
  const wasThere = safesets > 0 && safesetsBefore === safesets ? ' They stood here before.' : '';
  const untaken = [...held, ...left];
  return [
    `Safe ${safe}: ${all}; ${some}.${wasThere}`,
    ...untaken.slice(0, shownMax).map(({ kind, name, code }) => `  ${kind} ${name}: ${code}`),
    ...(untaken.length > shownMax ? [`  and ${formatCount(untaken.length - shownMax)} more`] : []),
    ...(held.length === 0
      ? []
      : [
          'These are damaged or missing on the disk. Either the computer makes the disk whole again (twinvault seed create, after twinvault seed verify has said how) and it is taken in once more, or the line has to do: twinvault seed forget at the computer.',
        ]),
    ...(left.length === 0 ? [] : ['What an erase order covers, or a revoked computer wrote, is not taken in.']),
  ];
}
