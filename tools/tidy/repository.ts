/*
 * The repository as the rules see it: the files that git tracks, and new ones that it does not ignore.
 */

import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Repository {
  /** Absolute path; null for one that is held in memory. */
  readonly root: string | null;
  /** Sorted, from the root, with forward slashes. */
  readonly paths: readonly string[];
  has(path: string): boolean;
  sizeBytes(path: string): number;
  text(path: string): string;
}

/** The working tree of the clone at root. A file deleted but not yet committed does not count. */
export function openRepository(root: string): Repository {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  const sizes = new Map<string, number>();
  for (const path of new Set(listed.toString('utf8').split('\0').filter(Boolean))) {
    const entry = lstatSync(join(root, path), { throwIfNoEntry: false });
    if (entry !== undefined && (entry.isFile() || entry.isSymbolicLink())) sizes.set(path, entry.size);
  }
  return repositoryOf(root, sizes, (path) => readFileSync(join(root, path), 'utf8'));
}

/** A made-up repository for the tests of the rules: path to text. */
export function memoryRepository(files: Readonly<Record<string, string>>): Repository {
  const texts = new Map(Object.entries(files));
  const sizes = new Map([...texts].map(([path, text]) => [path, Buffer.byteLength(text)]));
  return repositoryOf(null, sizes, (path) => texts.get(path) ?? '');
}

function repositoryOf(root: string | null, sizes: ReadonlyMap<string, number>, read: (path: string) => string): Repository {
  const cache = new Map<string, string>();
  return {
    root,
    paths: [...sizes.keys()].sort(),
    has: (path) => sizes.has(path),
    sizeBytes: (path) => sizes.get(path) ?? 0,
    text(path) {
      const text = cache.get(path) ?? read(path);
      cache.set(path, text);
      return text;
    },
  };
}
