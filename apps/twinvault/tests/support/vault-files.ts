/*
 * What lies in a vault's directory, read by its own means: leftovers of runs that were broken off, and whether packs and
 * records fit each other.
 */

import { readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseRecord, parseRefs } from '@twinvault/format';
import { toHex } from '@twinvault/std';

const dayS = 86_400;

/** All files below a directory, relative to it, sorted. */
export function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** Temporary names are swept when they are a day old: makes all that are there so old. Gives how many. */
export function ageTemporaries(vault: string): number {
  const nowS = Date.now() / 1000;
  const temporary = readdirSync(vault, { recursive: true, withFileTypes: true }).filter(({ name }) => name.startsWith('.'));
  for (const { parentPath, name } of temporary) utimesSync(join(parentPath, name), nowS - 2 * dayS, nowS - 2 * dayS);
  return temporary.length;
}

/** Temporary files, leases, locks, commits under way and notes of quarantine. */
export function leftovers(vault: string): string[] {
  const temporary = readdirSync(vault, { recursive: true, withFileTypes: true })
    .filter(({ name }) => name.startsWith('.'))
    .map(({ parentPath, name }) => relative(vault, join(parentPath, name)));
  const notes = filesBelow(vault).filter((path) => /^safes\/[^/]+\/(?:leases|locks|committing|quarantine|damaged)\//u.test(path));
  return [...temporary, ...notes];
}

/** Packs that no record needs, and packs that a record needs and that are not there. */
export function unmatchedPacks(vault: string): { readonly surplus: string[]; readonly missing: string[] } {
  const files = filesBelow(join(vault, 'safes'));
  const packs = new Set(files.filter((path) => path.includes('/packs/')).map((path) => path.slice(path.lastIndexOf('/') + 1)));
  const needed = new Set<string>();
  for (const path of files.filter((file) => file.includes('/records/'))) {
    const { refs } = parseRecord(readFileSync(join(vault, 'safes', path)));
    for (const { pack } of parseRefs(refs).packs()) needed.add(toHex(pack));
  }
  return { surplus: [...packs].filter((pack) => !needed.has(pack)), missing: [...needed].filter((pack) => !packs.has(pack)) };
}
