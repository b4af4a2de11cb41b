/*
 * What the command line asks for. Words choose: names of inputs, of cases and of programs, and of each kind that is not named all
 * of it is taken.
 */

import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Input } from '../inputs/input.ts';
import { inputs } from '../inputs/inputs.ts';
import type { Case } from './cases.ts';
import { cases, nightsNames } from './cases.ts';
import type { Contender } from './contenders.ts';

export interface Settings {
  readonly inputs: readonly Input[];
  /** Absolute paths of folders that are there: they are only read. */
  readonly folders: readonly string[];
  readonly cases: readonly Case[];
  readonly nights: readonly string[];
  readonly contenders: readonly Contender[];
  readonly scale: number;
  readonly rounds: number;
  readonly profile: boolean;
  readonly markdown: boolean;
  /** Where to write what was measured, as one JSON object; null: nowhere. */
  readonly json: string | null;
}

const scaleMax = 64;
const roundsMax = 99;

export const usage = `npm run bench -- peers [WORD...] [--scale N] [--rounds N] [--folder PATH]... [--json FILE] [--markdown] [--profile]

Words choose what is measured; of each kind that no word names, all is taken:
  inputs    ${inputs.map(({ name }) => name).join(', ')}
  cases     ${[...cases.map(({ name }) => name), ...nightsNames].join(', ')}
  programs  twinvault, restic, borg, references

  --scale N      sizes of the inputs: 1 takes minutes, 16 makes a database of 1 GiB (default: BENCH_SCALE, or 1)
  --rounds N     how often everything is repeated; medians are shown (default: 3)
  --folder PATH  measure on a folder that is there instead of the made-up inputs; it is only read
  --json FILE    write all samples to this file
  --markdown     print the tables in Markdown
  --profile      show where the time of Twinvault goes instead of comparing it: stage by stage, for each chosen input and case
`;

function positive(text: string, name: string, max: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= max)) throw new Error(`--${name} takes a number above 0, up to ${max}.`);
  return value;
}

/** Null: help was asked for. Throws an Error with a message for the user for what it does not know. */
export function readSettings(words: readonly string[], all: readonly Contender[]): Settings | null {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      scale: { type: 'string', default: process.env['BENCH_SCALE'] ?? '1' },
      rounds: { type: 'string', default: '3' },
      folder: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const wanted = new Set(positionals);
  const known = new Set<string>();
  /** Those that a word names; all when no word names one. */
  const chosen = <T>(list: readonly T[], nameOf: (item: T) => string): readonly T[] => {
    const named = list.filter((item) => wanted.has(nameOf(item)));
    for (const item of named) known.add(nameOf(item));
    return named.length > 0 ? named : list;
  };
  const folders = values.folder.map((path) => resolve(path));
  const chosenCases = chosen([...cases.map(({ name }) => name), ...nightsNames], (name) => name);
  const settings: Settings = {
    inputs: folders.length > 0 ? [] : chosen(inputs, ({ name }) => name),
    folders,
    cases: cases.filter(({ name }) => chosenCases.includes(name)),
    nights: folders.length > 0 ? [] : nightsNames.filter((name) => chosenCases.includes(name)),
    contenders: chosen(all, ({ name, role }) => (role === 'reference' ? 'references' : name)),
    scale: positive(values.scale, 'scale', scaleMax),
    rounds: Math.ceil(positive(values.rounds, 'rounds', roundsMax)),
    profile: values.profile,
    markdown: values.markdown,
    json: values.json ?? null,
  };
  const unknown = positionals.filter((word) => !known.has(word));
  if (unknown.length > 0) throw new Error(`Nothing is called ${unknown.join(', ')}.\n\n${usage}`);
  return settings;
}

/** A folder of this machine as an input that cannot be changed. */
export function folderInput(path: string): Input {
  return { name: basename(path), about: path, traits: [], make: () => undefined };
}
