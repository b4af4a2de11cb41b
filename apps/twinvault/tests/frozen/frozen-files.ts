/* Frozen safes as they lie in the repository, and in a vault in memory, where they can be damaged and used without a trace. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { dayMs, fromHex, primitives, toHex } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import { memoryPlatform } from '@twinvault/testkit';
import type { MemoryPlatform } from '@twinvault/testkit';
import type { Plain } from './listing.ts';
import { frozenFolder } from './places.ts';
import type { FrozenName, frozenSuccession } from './places.ts';

/** Files below a folder by their path, with "/". */
export function filesBelow(folder: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(relative(folder, path).replaceAll('\\', '/'), new Uint8Array(readFileSync(path)));
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export type FrozenFolder = FrozenName | typeof frozenSuccession;

export type ExpectedFile = 'expected.jsonl' | 'expected-before.jsonl';

export function frozenText(name: FrozenFolder, file: 'kit.txt' | ExpectedFile): string {
  return readFileSync(join(frozenFolder, name, file), 'utf8');
}

export interface ExpectedSafeset {
  readonly record: string;
  readonly suite: number;
  readonly public: { readonly job: string; readonly computerName: string; readonly sequence: number };
  readonly entries: readonly { readonly [key: string]: Plain }[];
}

/** What was written down when the safe was frozen; the form of listing.ts. */
export function expectedSafesets(name: FrozenFolder, file: ExpectedFile = 'expected.jsonl'): ExpectedSafeset[] {
  return frozenText(name, file)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExpectedSafeset);
}

/** One step of damage to a vault's files. */
export type Change =
  | { readonly path: string; readonly remove: true }
  /** These bytes in the place of those from `at` on. */
  | { readonly path: string; readonly at: number; readonly bytes: string }
  | { readonly path: string; readonly cutTo: number }
  /** The bytes of this other file. */
  | { readonly path: string; readonly as: string };

/** The files with the changes made to them. */
export function changed(files: ReadonlyMap<string, Uint8Array>, changes: readonly Change[]): Map<string, Uint8Array> {
  const after = new Map(files);
  for (const change of changes) {
    const bytes = files.get(change.path);
    if (bytes === undefined) throw new RangeError(`no such file: ${change.path}`);
    if ('remove' in change) after.delete(change.path);
    else if ('cutTo' in change) after.set(change.path, bytes.slice(0, change.cutTo));
    else if ('as' in change) after.set(change.path, files.get(change.as) ?? new Uint8Array());
    else {
      const copy = bytes.slice();
      copy.set(fromHex(change.bytes) ?? [], change.at);
      after.set(change.path, copy);
    }
  }
  return after;
}

async function writeBelow(files: Files, folder: string, stored: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [path, bytes] of stored) {
    await files.makeDirectory(`${folder}/${path.slice(0, Math.max(0, path.lastIndexOf('/')))}`);
    await files.create(`${folder}/${path}`, [bytes]);
  }
}

/** A machine with the vault at /vault, long after it was frozen. */
export async function thawed(stored: ReadonlyMap<string, Uint8Array>): Promise<MemoryPlatform> {
  const platform = memoryPlatform('thawed');
  await platform.clock.advance(400 * dayMs);
  await writeBelow(platform.files, '/vault', stored);
  return platform;
}

export function frozenVault(name: FrozenFolder): Map<string, Uint8Array> {
  return filesBelow(join(frozenFolder, name, 'vault'));
}

/** "SHA-256  path" of each file, in order of paths. */
export function digestLines(files: ReadonlyMap<string, Uint8Array>): string[] {
  return Array.from(files, ([path, bytes]) => `${toHex(primitives.sha256(bytes))}  ${path}`);
}

/** On disk, for programs of their own. */
export function writeVault(folder: string, stored: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of stored) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}
