/* What is measured, in the order in which one round goes through it. All but the first look at what the backups before left. */

import { changeFiles, changePages, copyDirectory, insert, renameDirectory } from '../inputs/changes.ts';
import type { Changed } from '../inputs/changes.ts';
import type { Input, InputTrait } from '../inputs/input.ts';
import type { Prng } from '@twinvault/std';
import type { Action } from './contenders.ts';

export interface Case {
  /** In words that the command line takes. */
  readonly name: string;
  readonly about: string;
  readonly action: Action;
  /** The trait that an input must have; null: every input has it. */
  readonly needs: InputTrait | null;
  /** What happens to the data before; null: nothing. */
  readonly change: ((folder: string, random: Prng) => Changed) | null;
}

export const cases: readonly Case[] = [
  { name: 'first-backup', about: 'first backup', action: 'first', needs: null, change: null },
  { name: 'nothing-changed', about: 'nothing changed', action: 'unchanged', needs: null, change: null },
  { name: 'restore', about: 'restore of everything', action: 'restore', needs: null, change: null },
  { name: 'restore-one-file', about: 'restore of one file', action: 'restore-file', needs: 'tree', change: null },
  { name: 'check', about: 'check, reading all data', action: 'check', needs: null, change: null },
  { name: 'files-changed', about: '1 % of the files changed', action: 'again', needs: 'tree', change: changeFiles },
  { name: 'pages-changed', about: '1 % of the 4 KiB pages changed', action: 'again', needs: 'pages', change: changePages },
  { name: 'insertions', about: 'bytes inserted all over the file', action: 'again', needs: 'database', change: insert },
  { name: 'renamed-directory', about: 'a large directory renamed', action: 'again', needs: 'tree', change: renameDirectory },
  { name: 'copied-directory', about: 'a large directory copied', action: 'again', needs: 'tree', change: copyDirectory },
];

/** Nights are no case of a round: they run once, in this process, under a clock that goes a day at a time. */
export const nightsNames = ['nights', 'nights-of-files'] as const;

export function suits({ needs }: Case, { traits }: Input): boolean {
  return needs === null || traits.includes(needs);
}
