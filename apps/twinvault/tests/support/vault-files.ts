/*
 * What lies in a vault's directory, read by its own means: leftovers of runs that were broken off, and whether packs and
 * records fit each other.
 */

import { readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packTailBytes, packTrailerBytes, parsePackTail, parseRecord, parseRefs } from '@twinvault/format';
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

/**
 * Packs that no record needs, and packs that a record needs and whose blobs are nowhere: neither in the pack itself nor in one
 * that compaction made.
 */
export function unmatchedPacks(vault: string): { readonly surplus: string[]; readonly missing: string[] } {
  const files = filesBelow(join(vault, 'safes'));
  const held = new Map<string, readonly string[]>();
  for (const path of files.filter((file) => file.includes('/packs/'))) {
    held.set(path.slice(path.lastIndexOf('/') + 1), originsIn(join(vault, 'safes', path)));
  }
  const needed = new Set<string>();
  for (const path of files.filter((file) => file.includes('/records/'))) {
    const { refs } = parseRecord(readFileSync(join(vault, 'safes', path)));
    for (const { pack } of parseRefs(refs).packs()) needed.add(toHex(pack));
  }
  const there = new Set([...held.values()].flat());
  const isSurplus = (origins: readonly string[]): boolean => !origins.some((origin) => needed.has(origin));
  return {
    surplus: [...held].filter(([, origins]) => isSurplus(origins)).map(([pack]) => pack),
    missing: [...needed].filter((pack) => !there.has(pack)),
  };
}

/** Names of the packs in which the blobs of this one were first stored. */
function originsIn(path: string): string[] {
  const bytes = readFileSync(path);
  const tail = bytes.subarray(bytes.length - packTailBytes(bytes.subarray(bytes.length - packTrailerBytes)));
  const name = path.slice(path.lastIndexOf('/') + 1);
  return parsePackTail(tail).sections.map(({ origin }) => (origin === null ? name : toHex(origin)));
}
