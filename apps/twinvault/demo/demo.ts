/*
 * The demo: serves a vault at two sites over HTTPS, protects a folder of real files, loses one site in the middle of the first backup and gets it back,
 * protects the folder again after changes, damages a stored pack and sees it healed, restores with one site away and proves the result equal.
 *
 *   npm run demo                    a folder found on this machine
 *   npm run demo -- FOLDER          this folder (it is copied first: nothing of yours is touched)
 *   npm run demo -- --keep FOLDER   and leave everything there to look at
 *
 * It calls the command as a user would; what it prints with "$" can be typed.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareTrees, freePort } from '@twinvault/testkit';
import { changeSomeFiles } from './change-files.ts';
import { SiteProcess } from './site-process.ts';

const launcher = fileURLToPath(new URL('../bin/twinvault', import.meta.url));
const sampleFolders = ['/usr/share/doc', '/usr/include', '/usr/share', '/Library/Documentation'];

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function shownCommand(words: readonly string[]): string {
  return `\n$ twinvault ${words.map((word) => (/\s/u.test(word) ? `'${word}'` : word)).join(' ')}`;
}

/** Serves until it is disposed of; resolves when it has said what to do next. */
async function serve(words: readonly string[]): Promise<AsyncDisposableStack> {
  say(shownCommand(['serve', ...words]));
  const serving = spawn(launcher, ['serve', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((ready, failed) => {
    let told = '';
    serving.stdout.on('data', (bytes: Buffer) => {
      process.stdout.write(bytes);
      told += bytes.toString();
      if (/^Next, .*\n/mu.test(told)) ready();
    });
    serving.once('exit', (code) => failed(new Error(`serve ended with ${code}`)));
  });
  const stack = new AsyncDisposableStack();
  stack.defer(async () => {
    serving.kill('SIGINT');
    if (serving.exitCode === null) await once(serving, 'exit');
  });
  return stack;
}

/** Runs the command with its output on our own, and its last JSON line returned when asked for. */
function twinvault(words: readonly string[], expected = 0): void {
  say(shownCommand(words));
  const { status } = spawnSync(launcher, words, { stdio: 'inherit' });
  if (status !== expected) throw new Error(`the command ended with ${status}`);
}

function twinvaultJson(words: readonly string[], expected: readonly number[] = [0]): Record<string, unknown> {
  const { status, stdout } = spawnSync(launcher, [...words, '--json'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status === null || !expected.includes(status)) throw new Error(`twinvault ${words.join(' ')} ended with ${status}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}

function chooseFolder(words: readonly string[]): string {
  const given = words.find((word) => !word.startsWith('--'));
  if (given !== undefined) {
    if (!existsSync(given) || !statSync(given).isDirectory()) throw new Error(`${given} is not a folder`);
    return resolve(given);
  }
  const found = sampleFolders.find((folder) => existsSync(folder));
  if (found === undefined) throw new Error('no folder to show with was found: name one');
  return found;
}

/** Runs the command beside the demo; `ended` resolves when it has ended well. */
function twinvaultBeside(words: readonly string[]): { readonly isOver: () => boolean; readonly ended: () => Promise<void> } {
  say(shownCommand(words));
  const running = spawn(launcher, words, { stdio: 'inherit' });
  const ended = async (): Promise<void> => {
    if (running.exitCode === null) await once(running, 'exit');
    if (running.exitCode !== 0) throw new Error(`the command ended with ${running.exitCode}`);
  };
  return { isOver: () => running.exitCode !== null, ended };
}

interface Site {
  readonly process: SiteProcess;
  /** --vault and --token-file. */
  readonly words: readonly string[];
}

interface Place {
  readonly place: string;
  /** The folder that is protected. */
  readonly folder: string;
  readonly a: Site;
  readonly b: Site;
  /** --vault with both sites, --token-file, --safe and --state. */
  readonly base: readonly string[];
  readonly secret: readonly string[];
}

const waitMsMax = 180_000;
const pauseMs = 500;

/** Asks again until the answer is yes. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const startMs = Date.now(); !isSo();) {
    if (Date.now() - startMs > waitMsMax) throw new Error(`after ${waitMsMax / 1000} s still not: ${what}`);
    await new Promise((done) => setTimeout(done, pauseMs));
  }
}

interface TwinsResult {
  readonly twins: readonly {
    readonly safes: readonly { readonly behindObjects: number; readonly problem?: string; readonly readMs?: number }[];
  }[];
}

/** Whether each site has read since `sinceMs` all that the other has. */
function areEqual({ a, b }: Pick<Place, 'a' | 'b'>, sinceMs: number): boolean {
  return [a, b].every(({ words }) => {
    const { twins } = twinvaultJson(['vault', 'twins', ...words], [0, 3]) as unknown as TwinsResult;
    const safes = twins.flatMap((twin) => twin.safes);
    return (
      safes.length > 0 &&
      safes.every(
        ({ behindObjects, problem, readMs }) => behindObjects === 0 && problem === undefined && (readMs ?? 0) >= sinceMs,
      )
    );
  });
}

async function untilEqual(parts: Place): Promise<void> {
  const sinceMs = Date.now();
  await until('both sites have the same', () => areEqual(parts, sinceMs));
}

/** What a took when it was halted and acknowledged to nobody is told to b as well, once a has held its tables against its store. */
async function sayPacks({ a, b }: Place): Promise<void> {
  const names = ({ process: site }: Site): string => [...site.packs().keys()].sort().join();
  await until('both sites have the same packs', () => names(a) === names(b));
  const [here, there] = [a.process.packs(), b.process.packs()];
  for (const [name, path] of there) {
    const other = readFileSync(here.get(name) ?? '');
    if (!readFileSync(path).equals(other)) throw new Error(`pack ${name} differs between the sites`);
  }
  say(`Both sites hold the same ${there.size} packs, byte for byte.`);
}

async function loseASite(parts: Place): Promise<void> {
  const { a, base, folder } = parts;
  say('\n--- The first backup; no password is needed to back up. In the middle of it site a stops answering');
  const run = twinvaultBeside(['backup', ...base, folder]);
  if (await a.process.untilPack(run.isOver)) {
    a.process.halt();
    say('(site a stands still from here on)');
  }
  await run.ended();
  say('\n--- Site a is killed, starts again, and takes in what it missed');
  a.process.kill();
  await untilEqual(parts);
  twinvault(['vault', 'twins', ...parts.a.words]);
  await sayPacks(parts);
}

function changeAndBackUp({ base, folder }: Place): void {
  say('\n--- Some files change');
  for (const line of changeSomeFiles(folder)) say(`  ${line}`);
  say('\n--- The second backup sends only what changed, wherever the first one went');
  say('(site a still holds the claim of the run that was left there: it lapses after five minutes)');
  twinvault(['backup', ...base, folder]);
}

async function damageAndHeal(parts: Place): Promise<void> {
  const { a } = parts;
  await untilEqual(parts);
  say('\n--- One bit of a stored pack flips at site a');
  say(`  ${a.process.damagePack()}`);
  twinvault(['check', ...a.words, '--safe', 'demo', '--read-data', '--set-aside'], 4);
  say('\n--- Nobody does anything: the site fetches the pack from its twin');
  await until('the pack is healed', () => {
    const { problems } = twinvaultJson(['check', ...a.words, '--safe', 'demo', '--read-data'], [0, 4]) as {
      problems?: readonly unknown[];
    };
    return problems !== undefined && problems.length === 0;
  });
  twinvault(['check', ...a.words, '--safe', 'demo', '--read-data']);
  await sayPacks(parts);
}

async function restoreWithoutA({ a, base, secret, place, folder }: Place): Promise<void> {
  say('\n--- Site a is away. Everything comes back from site b into a new place; this needs the password');
  a.process.halt();
  const restored = join(place, 'restored');
  twinvault(['restore', ...base, ...secret, '--safeset', 'latest', '--to', restored, '--strip', place]);
  a.process.kill();
  say('\n--- Proof');
  const differences = compareTrees(folder, join(restored, 'documents'));
  for (const difference of differences.slice(0, 20)) say(`  ${difference}`);
  if (differences.length > 0) throw new Error(`the restored folder differs in ${differences.length} places`);
  say('Compared every name, byte, time, owner, mode, link and attribute: 0 differences.');
}

function sayCost({ base }: Place): void {
  const listed = twinvaultJson(['safesets', ...base]);
  const [first, second] = (listed['safesets'] as { counts: { bytesUploaded: number } }[]) ?? [];
  if (first === undefined || second === undefined) throw new Error('two safesets should be there');
  const share = (100 * second.counts.bytesUploaded) / Math.max(1, first.counts.bytesUploaded);
  say(
    `\nThe first backup sent ${(first.counts.bytesUploaded / 1e6).toFixed(1)} MB, the second ${(second.counts.bytesUploaded / 1e6).toFixed(2)} MB (${share.toFixed(1)} %).`,
  );
}

async function demo(words: readonly string[]): Promise<void> {
  const source = chooseFolder(words);
  const place = mkdtempSync(join(tmpdir(), 'twinvault-demo-'));
  const folder = join(place, 'documents');
  const sites = join(place, 'sites');
  const address = `https://localhost:${await freePort()}`;
  const siteOf = (name: string): Site => ({
    process: new SiteProcess(sites, name),
    words: ['--vault', `${address}/${name}`, '--token-file', join(sites, name, 'token')],
  });
  const tokens = ['a', 'b'].map((name) => join(sites, name, 'token')).join(',');
  const vault = ['--vault', `${address}/a,${address}/b`, '--token-file', tokens];
  const parts: Place = {
    place,
    folder,
    a: siteOf('a'),
    b: siteOf('b'),
    base: [...vault, '--safe', 'demo', '--state', join(place, 'state')],
    secret: ['--password-file', join(place, 'password')],
  };
  try {
    say(`Copying ${source} to ${folder}, so that nothing of yours is touched.`);
    cpSync(source, folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    writeFileSync(join(place, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });

    say('\n--- A vault at two sites, for every computer that has their token files');
    await using _serving = await serve([sites, '--sites', 'a,b', '--address', address]);

    say('\n--- A new safe');
    twinvault(['init', ...parts.base, ...parts.secret, '--kit-file', join(place, 'kit.txt')]);
    await untilEqual(parts);
    await loseASite(parts);
    changeAndBackUp(parts);
    await damageAndHeal(parts);
    twinvault(['safesets', ...parts.base]);
    sayCost(parts);
    await restoreWithoutA(parts);
    say('Demo: ok');
  } finally {
    if (words.includes('--keep')) say(`Everything is left in ${place}.`);
    else rmSync(place, { recursive: true, force: true });
  }
}

await demo(process.argv.slice(2));
