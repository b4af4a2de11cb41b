/*
 * Checks a vault without keys: form, digest, signature and chain of every object, that all a record refers to is here, and with
 * `readData` every byte of every pack. Changes nothing, unless it is told to keep damaged packs aside.
 */

import type { SafeId } from '@twinvault/format';
import { toHex } from '@twinvault/std';
import type { CommitParts } from '../commit/commit.ts';
import { safeContext, signerOf } from '../context.ts';
import type { VaultContext } from '../context.ts';
import { isUnfinished, safeFolderIds } from '../safes/safes.ts';
import { readGeneration } from '../site/site.ts';
import {
  cacheFolder,
  generationName,
  markerName,
  minimumAgesFolder,
  safesFolder,
  siteKeyName,
  twinsName,
} from '../store/layout.ts';
import { checkPacks } from './check-packs.ts';
import { checkPlans } from './check-plans.ts';
import { checkRecords } from './check-records.ts';
import { CheckRun } from './check-run.ts';
import type { CheckOptions, CheckReport } from './check-run.ts';
import { checkSafeObjects } from './check-safe.ts';

export async function checkVault(
  context: VaultContext,
  options: CheckOptions,
  partsOf: (safe: SafeId) => CommitParts,
): Promise<CheckReport> {
  const run = new CheckRun(options);
  await checkSite(context, run);
  const safes = options.safe === undefined ? await safesToCheck(context, run) : [options.safe];
  for (const safe of safes) await checkSafe(partsOf(safe), run);
  return run.report(safes.length);
}

/** All that were ever finished: one that lost its descriptor too. */
async function safesToCheck(context: VaultContext, run: CheckRun): Promise<SafeId[]> {
  const { safes, headless } = await safeFolderIds(context);
  for (const safe of headless) {
    const own = safeContext(context, safe);
    if (await isUnfinished(own)) run.found('safe-unfinished', own.layout.folder);
    else safes.push(safe);
  }
  return safes;
}

async function checkSite(context: VaultContext, run: CheckRun): Promise<void> {
  const { store } = context;
  await run.object('site-key-damaged', siteKeyName, () => signerOf(context));
  await run.object('generation-damaged', generationName, () => readGeneration(store));
  await namesIn(context, run, { folder: '', known: [markerName, 'site', safesFolder, cacheFolder, 'lost+found'] });
  await namesIn(context, run, { folder: 'site', known: ['key', 'generation', 'life', 'minimum-age', 'reserve', 'twins'] });
  await run.object('twins-unknown', twinsName, () => context.twins.sites());
  await run.object('minimum-age-unknown', minimumAgesFolder, () => context.minimumAgeMs());
  const { safes, headless } = await safeFolderIds(context);
  const ids = new Set([...safes, ...headless].map((id) => toHex(id)));
  for (const name of await store.entries(safesFolder)) {
    if (!ids.has(name)) run.found('name-unknown', `${safesFolder}/${name}`);
  }
}

async function namesIn(
  { store }: VaultContext,
  run: CheckRun,
  { folder, known }: { folder: string; known: readonly string[] },
): Promise<void> {
  const prefix = folder === '' ? '' : `${folder}/`;
  for (const name of await store.entries(folder)) {
    if (!known.includes(name)) run.found('name-unknown', `${prefix}${name}`);
  }
}

async function checkSafe(parts: CommitParts, run: CheckRun): Promise<void> {
  const ledger = await checkSafeObjects(parts, run);
  const damaged = await checkPacks(parts, run);
  await checkPlans(parts, run, damaged);
  await checkRecords(parts, run, { ledger, damaged });
}
