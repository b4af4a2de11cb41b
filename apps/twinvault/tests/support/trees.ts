/*
 * Small trees of files from a seed, everyday changes to them, and manifests: what a tree holds, in memory, so that a
 * restore can be compared with a source that has changed since.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '@twinvault/std';
import { compareTrees } from '@twinvault/testkit';
import type { CompareOptions } from '@twinvault/testkit';

export interface TreeShape {
  readonly files: number;
  readonly bytes: number;
}

/** Half of the bytes in one file of noise, the rest spread over small files, some of which are alike. */
export function makeTree(root: string, prng: Prng, { files, bytes }: TreeShape): void {
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'large'), noise(prng, Math.floor(bytes / 2)));
  const each = Math.floor(bytes / 2 / files);
  for (let index = 0; index < files; index += 1) {
    const folder = join(root, `folder ${prng.below(8)}`, `below ${prng.below(3)}`);
    mkdirSync(folder, { recursive: true });
    const content = index % 10 === 9 ? Buffer.from('the same in many files\n') : noise(prng, prng.below(2 * each + 1));
    writeFileSync(join(folder, `file-${index}`), content);
    if (index % 25 === 0) symlinkSync(`file-${index}`, join(folder, `link-${index}`));
  }
}

/** Edits, appends, adds, renames and removes a few files. */
export function changeTree(root: string, prng: Prng): void {
  const files = filesIn(root).filter((path) => !path.endsWith('/large'));
  const taken = new Set<string>();
  const pick = (): string => {
    const left = files.filter((path) => !taken.has(path));
    const path = prng.pick(left);
    taken.add(path);
    return path;
  };
  for (let count = 0; count < 3; count += 1) writeFileSync(pick(), noise(prng, prng.below(50_000)));
  appendFileSync(pick(), 'one more line\n');
  const moved = pick();
  renameSync(moved, `${moved} moved`);
  rmSync(pick());
  mkdirSync(join(root, `new ${prng.u32()}`));
  writeFileSync(join(root, `added ${prng.u32()}`), noise(prng, 1 + prng.below(400_000)));
  const large = join(root, 'large');
  const content = readFileSync(large);
  noise(prng, 100).copy(content, prng.below(content.length - 100));
  writeFileSync(large, content);
}

/** Nothing compresses it. */
export function noise(prng: Prng, bytes: number): Buffer {
  return Buffer.from(prng.bytes(bytes));
}

/** All of it, with times to the nanosecond, owners, links and holes. */
export function copyTree(from: string, to: string): void {
  execFileSync('cp', ['-a', '--', from, to]);
}

/** Compares all that lies in two directories, not the directories themselves: a restore leaves those of its target as they were. */
export function differencesBelow(a: string, b: string, options?: CompareOptions): string[] {
  return compareTrees(a, b, options).filter((line) => !line.startsWith('".": '));
}

function filesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export type Manifest = ReadonlyMap<string, string>;

/** Path below the root to type, mode, owner, time and a digest of the content; the root itself is ".". */
export function manifestOf(root: string): Manifest {
  const all = new Map<string, string>();
  const paths = ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()];
  for (const path of paths) {
    const full = join(root, path);
    const stat = lstatSync(full, { bigint: true });
    const facts = [stat.mode.toString(8), `${stat.uid}:${stat.gid}`, String(stat.mtimeNs)];
    if (stat.isFile()) facts.push(createHash('sha256').update(readFileSync(full)).digest('hex'));
    if (stat.isSymbolicLink()) facts.push(readlinkSync(full));
    all.set(path, facts.join(' '));
  }
  return all;
}

/** One line for each difference. */
export function manifestDifferences(expected: Manifest, found: Manifest): string[] {
  const paths = new Set([...expected.keys(), ...found.keys()]);
  return [...paths]
    .filter((path) => expected.get(path) !== found.get(path))
    .map((path) => `${path}: ${expected.get(path)} | ${found.get(path)}`);
}
