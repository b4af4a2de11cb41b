/*
 * Two sites that follow each other, each a process with a port of its own that it keeps when it is started again, and a computer that backs up to both. What was
 * stored is remembered with a copy of its source, and held against restores from each site alone.
 */

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@twinvault/testkit';
import type { Prng } from '@twinvault/std';
import { resultOf, twinvault } from './command.ts';
import type { CommandOptions, Outcome } from './command.ts';
import { temporaryDirectory } from './place.ts';
import { SteadySite } from './steady-site.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './trees.ts';

export type TwinName = 'a' | 'b';

export const twinNames: readonly TwinName[] = ['a', 'b'];

export interface TwinsOptions {
  /** Where each of them is; below the place of the test when left out. */
  readonly roots?: Partial<Readonly<Record<TwinName, string>>>;
  /** More lines of the configuration of each. */
  readonly lines?: Partial<Readonly<Record<TwinName, readonly string[]>>>;
  /** More of what is said of the twin in the configuration of each. */
  readonly following?: Partial<Readonly<Record<TwinName, string>>>;
  /** Through what each is called, by computer and twin: from the port where it listens to the one to be called. */
  readonly through?: (port: number, caller: 'computer' | TwinName) => Promise<number>;
  /** A tree of so many bytes, in 60 files. */
  readonly treeBytes?: number;
}

export interface TwinLagRow {
  readonly safe: string;
  readonly behindObjects: number;
  readonly problem?: string;
  readonly readMs?: number;
}

export interface StoredSafeset {
  readonly safeset: string;
  /** Of the tree when it was backed up. */
  readonly copy: string;
}

export class TwinPlace {
  readonly root: string;
  readonly a: SteadySite;
  readonly b: SteadySite;
  readonly tree: string;
  readonly stored: StoredSafeset[] = [];
  readonly #prng: Prng;
  readonly #words: Readonly<Record<TwinName, readonly string[]>>;

  constructor(twins: Twins, words: TwinPlace['words'], { root, prng }: { root: string; prng: Prng }) {
    this.root = root;
    this.a = twins.a;
    this.b = twins.b;
    this.#words = words;
    this.#prng = prng;
    this.tree = join(root, 'tree');
    writeFileSync(join(root, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });
  }

  /** --vault and --token-file of each. */
  get words(): Readonly<Record<TwinName, readonly string[]>> {
    return this.#words;
  }

  /** --safe and --state. */
  get own(): readonly string[] {
    return ['--safe', 'home', '--state', join(this.root, 'state')];
  }

  get secret(): readonly string[] {
    return ['--password-file', join(this.root, 'password')];
  }

  /** --vault with both, --token-file, --safe, --state. */
  get base(): readonly string[] {
    const [[, a = '', , tokenA = ''], [, b = '', , tokenB = '']] = [this.#words.a, this.#words.b];
    return ['--vault', `${a},${b}`, '--token-file', `${tokenA},${tokenB}`, ...this.own];
  }

  run(words: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return twinvault([...words, '--json'], options);
  }

  /** What `vault twins` of a site says; none while it cannot be asked. */
  async lags(name: TwinName): Promise<readonly TwinLagRow[]> {
    const outcome = await this.run(['vault', 'twins', ...this.#words[name]]);
    if (outcome.status !== 0 && outcome.status !== 3) return [];
    const { twins } = resultOf<{ twins: readonly { safes: readonly TwinLagRow[] }[] }>(outcome, outcome.status);
    return twins.flatMap(({ safes }) => safes);
  }

  /** Until each site has read from now on what the other has. */
  async untilEqual(): Promise<void> {
    const sinceMs = Date.now();
    for (const name of twinNames) while (!(await this.#isEven(name, sinceMs)));
  }

  async #isEven(name: TwinName, sinceMs: number): Promise<boolean> {
    const safes = await this.lags(name);
    return (
      safes.length > 0 &&
      safes.every(({ behindObjects, problem, readMs = 0 }) => behindObjects === 0 && problem === undefined && readMs >= sinceMs)
    );
  }

  /** Remembers what the outcome of a backup of the tree says was stored, and changes the tree. */
  keep(outcome: Outcome): void {
    const { safeset } = resultOf<{ safeset: string }>(outcome);
    const copy = join(this.root, `copy-${this.stored.length}`);
    copyTree(this.tree, copy);
    this.stored.push({ safeset, copy });
    changeTree(this.tree, this.#prng);
  }

  /** To the site that is to be preferred, or to either. */
  async backUp(words: readonly string[] = this.base, options?: CommandOptions): Promise<Outcome> {
    const outcome = await this.run(['backup', ...words, this.tree], options);
    this.keep(outcome);
    return outcome;
  }

  /** All that was stored, or the newest `count`, from a site alone; and its check finds nothing. */
  async assertAllAt(name: TwinName, count = this.stored.length): Promise<void> {
    for (const each of this.stored.slice(-count)) await this.assertRestores([...this.#words[name], ...this.own], each);
    resultOf(await this.run(['check', ...this.#words[name], '--safe', 'home', '--read-data']));
  }

  async assertRestores(words: readonly string[], { safeset, copy }: StoredSafeset): Promise<void> {
    const to = join(this.root, 'restored');
    resultOf(await this.run(['restore', ...words, ...this.secret, '--safeset', safeset, '--to', to, '--strip', this.tree]));
    assert.deepEqual(differencesBelow(copy, to), []);
    rmSync(to, { recursive: true });
  }
}

type Twins = Readonly<Record<TwinName, SteadySite>>;

type Caller = 'computer' | TwinName;

async function addressFor({ port }: SteadySite, caller: Caller, { through }: TwinsOptions): Promise<string> {
  return `https://127.0.0.1:${through === undefined ? port : await through(port, caller)}/a`;
}

/** Both run and follow each other when it resolves. */
export async function startTwins(root: string, options: TwinsOptions = {}): Promise<Twins> {
  const { roots = {}, lines = {}, following = {} } = options;
  const twin = async (own: TwinName): Promise<SteadySite> =>
    new SteadySite(roots[own] ?? join(root, own), { port: await freePort(), lines: lines[own] ?? [] });
  const twins = { a: await twin('a'), b: await twin('b') };
  const followToken = async (of: TwinName, by: TwinName): Promise<void> => {
    const address = await addressFor(twins[of], by, options);
    const token = await twins[of].site.token(`for-${by}.token`, { verbs: ['follow'], address });
    twins[by].configure(`twins: [{ token: ${token}${following[by] ?? ''} }]`);
  };
  await twins.a.start();
  await followToken('a', 'b');
  await twins.b.start();
  await followToken('b', 'a');
  await twins.a.stop();
  await twins.a.start();
  return twins;
}

/** Both run and follow each other, and both have the safe `home`, when it resolves. */
export async function makeTwins(name: string, prng: Prng, options: TwinsOptions = {}): Promise<TwinPlace> {
  const { treeBytes = 8_000_000 } = options;
  const root = temporaryDirectory(name);
  const twins = await startTwins(root, options);
  const verbs = ['create', 'read', 'write', 'operate'] as const;
  const wordsOf = async (each: SteadySite): Promise<readonly string[]> => {
    const address = await addressFor(each, 'computer', options);
    return ['--vault', address, '--token-file', await each.site.token('own.token', { verbs, address })];
  };
  const place = new TwinPlace(twins, { a: await wordsOf(twins.a), b: await wordsOf(twins.b) }, { root, prng });
  resultOf(await place.run(['init', ...place.base, ...place.secret, '--kit-file', join(root, 'kit.txt')]));
  makeTree(place.tree, prng, { files: 60, bytes: treeBytes });
  await place.untilEqual();
  return place;
}
