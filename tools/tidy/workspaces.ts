/*
 * Packages and apps as their manifests and tsconfig files describe them, and which part of one a file belongs to.
 */

import { posix } from 'node:path';
import type { Repository } from './repository.ts';

export const scope = '@twinvault/';

export interface Workspace {
  /** `packages/std` */
  readonly folder: string;
  /** `std`: the name in the import table. */
  readonly name: string;
  readonly isApp: boolean;
  readonly manifest: Manifest;
}

export interface Manifest {
  readonly name?: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export function readJson(repository: Repository, path: string): unknown {
  return JSON.parse(repository.text(path));
}

export function workspacesOf(repository: Repository): Workspace[] {
  const workspaces: Workspace[] = [];
  for (const path of repository.paths) {
    const match = /^(packages|apps)\/([^/]+)\/package\.json$/.exec(path);
    const [, parent, name] = match ?? [];
    if (parent === undefined || name === undefined) continue;
    const manifest = readJson(repository, path) as Manifest;
    workspaces.push({ folder: `${parent}/${name}`, name, isApp: parent === 'apps', manifest });
  }
  return workspaces;
}

/** Folders of the packages of ours that a tsconfig file refers to; its own folder is left out. */
export function referencedFolders(repository: Repository, path: string): string[] {
  if (!repository.has(path)) return [];
  const { references = [] } = readJson(repository, path) as { references?: { path: string }[] };
  const own = posix.dirname(path);
  const folders = references.map((reference) => {
    const target = posix.join(own, reference.path);
    return target.endsWith('.json') ? posix.dirname(target) : target;
  });
  return [...new Set(folders)].filter((folder) => folder !== own).sort();
}

/** TypeScript that runs in Node or a browser. What lies in a folder `assembly` is another language and has its own compiler. */
export function isSource(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.endsWith('.d.ts') && !path.includes('/assembly/');
}

/** Tests, tools, benches, the demo and the testkit: they import whatever they need. */
export function isFreeCode(path: string): boolean {
  return (
    path.endsWith('.test.ts') ||
    /^(packages|apps)\/[^/]+\/(tests|tools|bench|demo)\//.test(path) ||
    /^(bench|tools|packages\/testkit)\//.test(path)
  );
}

/** `@noble/hashes/sha2.js` is of the package `@noble/hashes`; null for a relative, `#` or `node:` specifier. */
export function packageNamed(specifier: string): string | null {
  if (/^[./#]/.test(specifier) || specifier.startsWith('node:')) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
