/*
 * A load taken in at its site: the manifest is judged by the site's own ledger, then everything comes the way that it comes from a twin, each object
 * verified as if the computer had sent it. It can be broken off and repeated; what is here is not asked for again.
 */

import type { Ledger, SafeId, SeedManifest } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { NewObject } from '../database/inventory.ts';
import { VaultError } from '../errors.ts';
import { homeOf } from '../homes/homes.ts';
import { packNames } from '../packs/pack-files.ts';
import type { SafeParts } from '../site-safe.ts';
import type { SiteVault } from '../site-vault.ts';
import type { UntakenObject } from '../twins/taking-in.ts';
import { onDisk } from './seed-disk.ts';
import type { SeedContents, SeedDisk } from './seed-disk.ts';
import { seedSource } from './seed-source.ts';
import { demandMaker } from './verify-seed.ts';
import type { SeedProgress } from './verify-seed.ts';

export interface ImportOptions {
  readonly vault: SiteVault;
  readonly disk: SeedDisk;
  readonly safe: SafeId;
  /** What became durable, in order: for the site's inventory. */
  readonly announce?: (objects: readonly NewObject[]) => Promise<void>;
  /** Of what has to be taken; what the site has already does not count. */
  readonly progress?: (progress: SeedProgress) => void;
  readonly signal?: AbortSignal;
}

export interface ImportReport {
  readonly manifest: SeedManifest;
  /** What was taken now, in objects and bytes. */
  readonly objects: number;
  readonly bytes: number;
  /** Not taken: damaged on the disk, or lacking what is. */
  readonly held: readonly UntakenObject[];
  /** Never to be taken: of a revoked certificate, or covered by an erase order. */
  readonly left: readonly UntakenObject[];
  /** Safesets of the manifest that stand here now, and how many stood here before. */
  readonly safesets: number;
  readonly safesetsBefore: number;
}

/** `seed-purpose`, `seed-unfinished`, `seed-damaged`, `seed-foreign`, `seed-signer`, `seed-away`, `ledger-forked`; `vault-full` and its kin of the site. */
export async function importSeed({ vault, disk, safe, announce, progress, signal }: ImportOptions): Promise<ImportReport> {
  const { purpose, path } = disk;
  if (purpose !== 'load') throw new VaultError('seed-purpose', { context: { localPath: path, purpose } });
  const contents = await disk.contents(safe);
  const parts = await partsHere(vault, safe, path);
  demandMaker(contents.manifest, await newerLedger(parts, disk), (await disk.vault.site()).publicKey);
  const totals = await missingHere(parts, contents);
  const safesetsBefore = await countHere(parts, contents);
  const taken = await vault.takeIn(safe, {
    source: seedSource(disk, contents, await homeOf(parts)),
    ...(announce === undefined ? {} : { announce }),
    ...(signal === undefined ? {} : { signal }),
    progress: (told) => progress?.({ ...told, ...totals }),
  });
  const { objects, bytes, held, left } = taken;
  return { manifest: contents.manifest, objects, bytes, held, left, safesets: await countHere(parts, contents), safesetsBefore };
}

async function partsHere(vault: SiteVault, safe: SafeId, localPath: string): Promise<SafeParts> {
  try {
    return await vault.partsOf(safe);
  } catch (cause) {
    if (!(cause instanceof ProtocolError) || cause.code !== 'safe-unknown') throw cause;
    throw new VaultError('seed-foreign', { context: { localPath, safe: toHex(safe) }, cause });
  }
}

/** The site's, unless that is a beginning of the disk's. */
async function newerLedger({ ledger }: SafeParts, disk: SeedDisk): Promise<Ledger> {
  const here = await ledger.current();
  const parts = await disk.vault.partsOf(here.descriptor.safe);
  const there = await onDisk(disk.path, () => parts.ledger.current());
  const [longer, shorter] = here.head.number >= there.head.number ? [here, there] : [there, here];
  if (!longer.extends(shorter.head)) throw new ProtocolError('ledger-forked', { context: { number: shorter.head.number } });
  return longer;
}

/** Packs and records of the seed that the site has not got. */
async function missingHere(
  { context }: SafeParts,
  { objects }: SeedContents,
): Promise<Pick<SeedProgress, 'objectsTotal' | 'bytesTotal'>> {
  const packs = await packNames(context);
  const missing = objects.filter(({ kind, name }) => kind === 'record' || (kind === 'pack' && !packs.has(name)));
  return { objectsTotal: missing.length, bytesTotal: missing.reduce((sum, { bytes }) => sum + bytes, 0) };
}

async function countHere({ records }: SafeParts, { objects }: SeedContents): Promise<number> {
  const here = new Set((await records.all()).map(({ digest }) => toHex(digest)));
  return objects.filter(({ kind, name }) => kind === 'record' && here.has(name)).length;
}
