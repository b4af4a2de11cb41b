/* What happens to an input between two backups. Each change says how much it changed, and what of it could not but be sent. */

import {
  cpSync,
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { bundledBytesMax } from '@twinvault/seal';
import { primitives } from '@twinvault/std';
import type { Prng } from '@twinvault/std';
import { GiB, MiB } from '@twinvault/std';
import { databasePage, pageBytes } from './large-files.ts';
import { Words } from './text.ts';

export interface Changed {
  readonly bytes: number;
  /** What the changed bytes compress to in pieces of 256 KiB at level 1: the least that could be sent. Null where that is not known. */
  readonly leastBytes: number | null;
}

const share = 0.01;
const smallShare = 0.02;
const pieceBytes = 256 * 1024;

/** Paths of the regular files below, sorted. Links are not followed, which Node's own recursion does: a link to its own folder has no end. */
export function filesBelow(folder: string): string[] {
  return [...walk(folder)].sort();
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

function compressedBytes(bytes: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    total += primitives.zstdCompress(bytes.subarray(at, at + pieceBytes), { level: 1 }).length;
  }
  return total;
}

function only(folder: string): string {
  const [path] = filesBelow(folder);
  if (path === undefined) throw new Error('the input has no file');
  return path;
}

/** 1 % of the files (one at least) get a paragraph at their end, every second one also a few bytes in its middle. */
export function changeFiles(folder: string, random: Prng): Changed {
  const words = new Words(random);
  const paths = random.shuffle(filesBelow(folder));
  let bytes = 0;
  paths.slice(0, Math.max(1, Math.round(paths.length * share))).forEach((path, index) => {
    const file = openSync(path, 'r+');
    const { size } = statSync(path);
    bytes += writeSync(file, words.prose(300), size);
    if (index % 2 === 1) bytes += writeSync(file, words.prose(20), size >> 1);
    closeSync(file);
  });
  return { bytes, leastBytes: null };
}

/** 2 % of the files that are small enough for bundles get other words at a place in their middle; none changes its size. */
export function changeSmallFiles(folder: string, random: Prng): Changed {
  const words = new Words(random);
  const small = filesBelow(folder).filter((path) => statSync(path).size < bundledBytesMax);
  const contents = random
    .shuffle(small)
    .slice(0, Math.max(1, Math.round(small.length * smallShare)))
    .map((path) => {
      const content = readFileSync(path);
      content.write(words.prose(20), content.length >> 1);
      writeFileSync(path, content);
      return content;
    });
  const all = Buffer.concat(contents);
  return { bytes: all.length, leastBytes: compressedBytes(all) };
}

/** 1 % of the 4 KiB pages of the input's only file are written anew, in their places. */
export function changePages(folder: string, random: Prng): Changed {
  const path = only(folder);
  const pages = statSync(path).size / pageBytes;
  const numbers = new Set<number>();
  while (numbers.size < Math.max(1, Math.round(pages * share))) numbers.add(random.below(pages));
  const file = openSync(path, 'r+');
  const written = [...numbers].sort((a, b) => a - b).map((number) => ({ number, page: databasePage(number, random) }));
  for (const { number, page } of written) writeSync(file, page, 0, pageBytes, number * pageBytes);
  closeSync(file);
  const all = Buffer.concat(written.map(({ page }) => page));
  return { bytes: all.length, leastBytes: compressedBytes(all) };
}

/** 200 insertions of 1 to 199 bytes for each GiB of the input's only file, ten at least, all over it. */
export function insert(folder: string, random: Prng): Changed {
  const path = only(folder);
  const { size } = statSync(path);
  const count = Math.max(10, Math.round((200 * size) / GiB));
  const places = Array.from({ length: count }, () => random.below(size)).sort((a, b) => a - b);
  const [from, to] = [openSync(path, 'r'), openSync(`${path}.new`, 'w')];
  const buffer = new Uint8Array(4 * MiB);
  let bytes = 0;
  let at = 0;
  for (const place of [...places, size]) {
    while (at < place) {
      const got = readSync(from, buffer, 0, Math.min(buffer.length, place - at), at);
      writeSync(to, buffer, 0, got);
      at += got;
    }
    if (place < size) bytes += writeSync(to, random.bytes(1 + random.below(199)));
  }
  // A database stays one of whole pages.
  ftruncateSync(to, Math.floor((size + bytes) / pageBytes) * pageBytes);
  closeSync(from);
  closeSync(to);
  renameSync(`${path}.new`, path);
  return { bytes, leastBytes: bytes };
}

function largestDirectory(folder: string): { name: string; bytes: number } {
  const directories = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, paths: filesBelow(join(folder, name)) }))
    .sort((a, b) => b.paths.length - a.paths.length || (a.name < b.name ? -1 : 1));
  const [first] = directories;
  if (first === undefined) throw new Error('the input has no directory');
  return { name: first.name, bytes: first.paths.reduce((total, path) => total + statSync(path).size, 0) };
}

/** The directory at the top with the most files gets another name. */
export function renameDirectory(folder: string): Changed {
  const { name, bytes } = largestDirectory(folder);
  renameSync(join(folder, name), join(folder, `renamed ${name}`));
  return { bytes, leastBytes: 0 };
}

/** The directory at the top with the most files is there twice. */
export function copyDirectory(folder: string): Changed {
  const { name, bytes } = largestDirectory(folder);
  const copy = join(folder, `copy of ${name}`);
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(folder, name), copy, { recursive: true, preserveTimestamps: true });
  return { bytes, leastBytes: 0 };
}
