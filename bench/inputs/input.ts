/*
 * What the programs are measured on: inputs that are made here, by a seed, so that everybody can make the same ones again. An
 * input is made once for a scale and kept; what the code that makes it says is part of its name, so that a change of the code
 * makes it anew.
 */

import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Prng } from '@twinvault/std';

/** What can be done with it: `tree` has several directories of files, `compressed` files that do not compress, `pages` one large file that is written by page. */
export type InputTrait = 'tree' | 'compressed' | 'pages' | 'database';

export interface Input {
  /** In words that the command line takes. */
  readonly name: string;
  /** One line for the reader of a table. */
  readonly about: string;
  readonly traits: readonly InputTrait[];
  /** Fills the empty folder. `scale` 1 is what a run of a few minutes takes; sizes grow with it. */
  make(folder: string, scale: number, random: Prng): void;
}

export interface TreeSize {
  readonly files: number;
  /** Of the contents, holes included. */
  readonly bytes: number;
  /** What the contents take on disk. */
  readonly allocatedBytes: number;
}

const cacheDefault = fileURLToPath(new URL('../../node_modules/.cache/bench-inputs', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

function generatorsDigest(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(here).sort()) hash.update(readFileSync(join(here, name)));
  return hash.digest('hex').slice(0, 12);
}

/** The folder of the input at this scale: made now if it is not there. An older one of the same scale is removed. */
export function madeInput(input: Input, scale: number, cache: string = cacheDefault): string {
  const stem = `${input.name}-${scale}-`;
  const folder = join(cache, `${stem}${generatorsDigest()}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) if (name.startsWith(stem)) rmSync(join(cache, name), { recursive: true });
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished);
  input.make(unfinished, scale, new Prng(`bench ${input.name}`));
  renameSync(unfinished, folder);
  return folder;
}

/** Counts of everything below, links not followed. */
export function sizeOf(folder: string): TreeSize {
  let [files, bytes, allocatedBytes] = [0, 0, 0];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const below = sizeOf(path);
      files += below.files;
      bytes += below.bytes;
      allocatedBytes += below.allocatedBytes;
    } else {
      const stat = lstatSync(path);
      files += 1;
      bytes += stat.size;
      allocatedBytes += stat.blocks * 512;
    }
  }
  return { files, bytes, allocatedBytes };
}
