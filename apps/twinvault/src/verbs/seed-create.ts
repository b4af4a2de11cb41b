/** `twinvault seed create`: the first run of a job onto a disk that goes to the site by courier. */
import { resolve } from 'node:path';
import { backup, headKey } from '@twinvault/engine';
import type { BackupReport } from '@twinvault/engine';
import type { SeedManifest } from '@twinvault/format';
import { formatBytes, primitives, toHex } from '@twinvault/std';
import { createSeedDisk, finishLoad, onDisk, openSeedDisk } from '@twinvault/vault';
import type { SeedDisk } from '@twinvault/vault';
import { reportJson, reportLines } from '../output/backup-report.ts';
import { formatCount } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openKeptSafe } from '../wiring/kept-safe.ts';
import type { KeptSafe } from '../wiring/kept-safe.ts';
import { jobRun } from '../wiring/run-job.ts';
import type { RunOptions } from '../wiring/run-job.ts';

export interface SeedCreateOptions extends RunOptions {
  readonly safe: string;
}

export interface SeedCreateArguments {
  readonly disk: string;
  readonly paths: readonly string[];
}

export async function seedCreate(
  context: VerbContext,
  { disk: place, paths }: SeedCreateArguments,
  options: SeedCreateOptions,
): Promise<void> {
  const path = resolve(place);
  using kept = await openKeptSafe(context, options);
  await using disk = await openDisk(context, kept, { path, job: options.job });
  const { report, manifest } = await onDisk(path, () => load(context, { kept, disk }, { paths, options }));
  const { site } = await disk.vault.site();
  const shown = toHex(site).slice(0, 8);
  context.output.result(
    {
      safe: toHex(kept.safe),
      label: kept.label,
      job: options.job,
      disk: toHex(site),
      objects: manifest.objects,
      safesets: manifest.records,
      bytes: manifest.bytes,
      ...reportJson(report),
    },
    [
      ...reportLines(report, options),
      '',
      `The seed on ${path} is complete and signed: ${formatCount(manifest.objects)} objects, ${formatBytes(manifest.bytes)}. The disk's id is ${shown}.`,
      `Prove it with: twinvault seed verify ${path}`,
      `Then it goes to whoever runs the site: twinvault seed import ${path} --config site.yaml`,
      `Until that is done, runs of job "${options.job}" to the vault wait; afterwards they send only what changed.`,
    ],
  );
}

/** A new disk only where none was begun for the job: an empty mount point is no new disk. */
async function openDisk(
  { platform }: VerbContext,
  { state, agent }: KeptSafe,
  { path, job }: { readonly path: string; readonly job: string },
): Promise<SeedDisk> {
  const begun = (await state.pins()).seed(headKey(agent, job));
  return begun === null ? createSeedDisk({ path, platform }, 'load') : openSeedDisk({ path, platform });
}

interface Load {
  readonly kept: KeptSafe;
  readonly disk: SeedDisk;
}

async function load(
  context: VerbContext,
  { kept, disk }: Load,
  run: { readonly paths: readonly string[]; readonly options: SeedCreateOptions },
): Promise<{ readonly report: BackupReport; readonly manifest: SeedManifest }> {
  const { agent, ledger } = kept;
  const safe = await disk.vault.placeSafe({ ...ledger, slots: [] });
  const { site, publicKey: siteKey } = await disk.vault.site();
  const report = await backup({ ...(await jobRun(context, agent, run)), vault: safe, siteKey, seedDisk: site });
  context.progress.finish();
  if (report.result === 'with errors') context.setExit('withErrors');
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(agent.agentSeed, message);
  return { report, manifest: await finishLoad(disk, kept.safe, { certificate: agent.certificate, sign }) };
}
