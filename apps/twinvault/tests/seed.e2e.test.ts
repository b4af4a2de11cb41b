/*
 * A first backup by disk and the way back, with the real command and a site that serves: filled without a network, broken off by kill -9, proved,
 * damaged and made whole, taken in while the site runs; afterwards a run over the network sends changes only. And safesets on a disk are
 * restored by the program on that disk, in an empty home and a network namespace with nothing in it.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Prng } from '@twinvault/std';
import { errorOf, expectExit, resultOf, start, twinvault } from './support/command.ts';
import type { CommandOptions, Outcome } from './support/command.ts';
import { Place, temporaryDirectory } from './support/place.ts';
import { startSite } from './support/site.ts';
import { differencesBelow, makeTree } from './support/trees.ts';

const root = temporaryDirectory('seed');
const source = `${root}/source`;
const disk = `${root}/disk`;
const config = `${root}/site/site.yaml`;
const builder = fileURLToPath(new URL('../../../tools/build/run.ts', import.meta.url));
const noNetwork = { within: ['unshare', '-n'] } as const;
const isRoot = process.getuid?.() === 0;

const site = await startSite(`${root}/site`);
const options: CommandOptions = {
  environment: { TWINVAULT_TOKEN_FILE: await site.token('token', { verbs: ['create', 'write'] }) },
};
const place = new Place(`${root}/place`, { vault: site.address });

before(async () => {
  resultOf(await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--computer', 'first'], options));
  makeTree(source, new Prng('seed'), { files: 80, bytes: 30_000_000 });
  mkdirSync(disk);
});

const create = (how: CommandOptions = {}, to = disk): Promise<Outcome> =>
  twinvault(['seed', 'create', to, source, '--safe', 'home', '--job', 'files', '--state', place.state, '--json'], how);
const verify = (): Promise<Outcome> => twinvault(['seed', 'verify', disk, '--json']);
const importDisk = (from = disk): Promise<Outcome> => twinvault(['seed', 'import', from, '--config', config, '--json']);
const backupFiles = (): Promise<Outcome> => place.run('backup', ['--job', 'files', source], options);

interface Seed {
  readonly problems: readonly { readonly kind: string; readonly name: string; readonly defect: string }[];
  readonly incomplete: readonly string[];
}

/** Packs of the vault on a disk. */
function packsOn(at: string): string[] {
  return readdirSync(`${at}/vault/safes`, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\/packs\/[0-9a-f]{2}\/[0-9a-f]{64}$/u.test(name))
    .map((name) => `${at}/vault/safes/${name}`);
}

test('a disk is filled without a network, also after kill -9, and proves itself', async () => {
  const running = start(['seed', 'create', disk, source, '--safe', 'home', '--job', 'files', '--state', place.state]);
  const kill = setInterval(() => {
    // Broken off in the middle: as soon as there is a pack.
    try {
      if (packsOn(disk).length > 0) running.child.kill('SIGKILL');
    } catch {
      // The disk is still being made.
    }
  }, 5);
  await running.ended.finally(() => clearInterval(kill));
  const empty = `${root}/empty`;
  mkdirSync(empty);
  if (!readdirSync(disk).includes('manifests') || readdirSync(`${disk}/manifests`).length === 0) {
    assert.equal(errorOf(await verify(), 11).code, 'seed-unfinished');
    assert.equal(errorOf(await importDisk(), 11).code, 'seed-unfinished');
  }
  assert.equal(errorOf(await create({}, empty), 6).code, 'seed-missing');
  assert.deepEqual(readdirSync(empty), []);
  const made = resultOf<{ result: string; safesets: number; objects: number }>(await create(isRoot ? noNetwork : {}));
  assert.deepEqual([made.result, made.safesets], ['ok', 1]);
  const { seeds } = resultOf<{ seeds: Seed[] }>(await verify());
  assert.deepEqual(
    seeds.map(({ problems, incomplete }) => [problems, incomplete]),
    [[[], []]],
  );
});

test('the job waits for its disk, other jobs go on', async () => {
  const told = errorOf(await backupFiles(), 11);
  assert.equal(told.code, 'seed-awaited');
  assert.match(told.advice ?? '', /seed forget/u);
  const small = `${root}/small`;
  mkdirSync(small);
  writeFileSync(`${small}/note`, 'words');
  resultOf(await place.run('backup', ['--job', 'other', small], options));
});

test('a damaged file on the disk is named, the site takes what is whole, and the computer makes the disk whole', async () => {
  const packs = packsOn(disk).sort();
  const [bad] = packs;
  assert.ok(bad !== undefined && packs.length > 1);
  const good = readFileSync(bad);
  const bytes = Buffer.from(good);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(bad, bytes);
  const verified = resultOf<{ seeds: Seed[] }>(await verify(), 4);
  assert.deepEqual(
    verified.seeds[0]?.problems.map(({ kind, name }) => [kind, bad.endsWith(name)]),
    [['pack', true]],
  );
  const taken = resultOf<{ seeds: { held: { name: string }[]; safesets: number }[] }>(await importDisk(), 4);
  assert.ok(taken.seeds[0]?.held.some(({ name }) => bad.endsWith(name)));
  assert.equal(taken.seeds[0]?.safesets, 0);
  assert.equal(errorOf(await backupFiles(), 11).code, 'seed-awaited');
  // As the advice of verify says.
  expectExit(await twinvault(['check', '--vault', `${disk}/vault`, '--read-data', '--set-aside', '--json']), 4);
  resultOf(await create());
  resultOf(await verify());
});

test('the site takes the disk in while it serves, and a run over the network sends changes only', async () => {
  interface Taken {
    readonly seeds: readonly { readonly objects: number; readonly safesets: number; readonly held: readonly unknown[] }[];
  }
  const taken = resultOf<Taken>(await importDisk()).seeds[0];
  assert.ok(taken !== undefined && taken.held.length === 0 && taken.safesets >= 1 && taken.objects > 0);
  const again = resultOf<Taken>(await importDisk()).seeds[0];
  assert.deepEqual([again?.objects, again?.safesets], [0, taken.safesets]);
  writeFileSync(join(source, 'letter.txt'), 'a few words\n');
  const run = resultOf<{ result: string; sequence: number; uploadedBytes: number; unchanged: number }>(await backupFiles());
  assert.equal(run.result, 'ok');
  assert.ok(run.uploadedBytes < 100_000, `${run.uploadedBytes} bytes were sent`);
  assert.ok(run.unchanged >= 80);
  const late = errorOf(await create(), 2);
  assert.equal(late.code, 'seed-late');
  const to = `${root}/restored`;
  const words = [...place.secret, '--safeset', 'latest', '--job', 'files', '--to', to, '--strip', source];
  resultOf(await place.run('restore', words, options));
  assert.deepEqual(differencesBelow(source, to), []);
});

test('a disk of a safe that the site does not have is refused', async () => {
  const other = new Place(`${root}/other-place`);
  await other.init();
  const theirs = `${root}/theirs`;
  resultOf(await twinvault(['seed', 'create', theirs, source, '--safe', 'home', '--state', other.state, '--json']));
  assert.equal(errorOf(await importDisk(theirs), 11).code, 'seed-foreign');
  assert.equal(errorOf(await importDisk(`${root}/nowhere`), 6).code, 'seed-missing');
});

test('a lost disk is given up, and the job begins anew', async () => {
  const lost = new Place(`${root}/lost`);
  await lost.init();
  const words = ['--safe', 'home', '--state', lost.state, '--json'];
  resultOf(await twinvault(['seed', 'create', `${root}/lost-disk`, source, ...words]));
  rmSync(`${root}/lost-disk`, { recursive: true });
  assert.equal(errorOf(await twinvault(['seed', 'create', `${root}/second-disk`, source, ...words]), 6).code, 'seed-missing');
  errorOf(await twinvault(['seed', 'forget', '--job', 'nothing', ...words]), 11);
  resultOf(await twinvault(['seed', 'forget', ...words]));
  assert.equal((await lost.backup([source])).sequence, 1);
});

test('safesets on a disk are restored with nothing but the disk and the kit', async () => {
  const built = `${root}/built`;
  execFileSync(process.execPath, [builder, built], { stdio: ['ignore', 'ignore', 'inherit'] });
  const back = `${root}/back`;
  const words = ['seed', 'export', back, '--job', 'files', '--safeset', 'latest', ...place.base, '--json'];
  assert.equal(errorOf(await twinvault(words, options), 2).code, 'usage');
  const made = resultOf<{ copiedPacks: number; reader: boolean }>(await twinvault([...words, '--reader', built], options));
  assert.ok(made.reader && made.copiedPacks > 0);
  assert.equal(resultOf<{ copiedPacks: number }>(await twinvault([...words, '--reader', built], options)).copiedPacks, 0);
  for (const text of ['READ-ME.txt', 'LIES-MICH.txt']) {
    assert.match(readFileSync(`${back}/${text}`, 'utf8'), /\.\/twinvault\/bin\/twinvault restore --vault vault --safe home/u);
  }
  const home = `${root}/empty-home`;
  mkdirSync(home);
  const alone: CommandOptions = {
    launcher: `${back}/twinvault/bin/twinvault`,
    environment: { HOME: home, XDG_STATE_HOME: `${home}/state`, PATH: '/usr/bin:/bin' },
    ...(isRoot ? noNetwork : {}),
  };
  resultOf(await twinvault(['seed', 'verify', back, '--json'], alone));
  const to = `${root}/from-disk`;
  const restore = ['restore', '--vault', `${back}/vault`, '--safe', 'home', '--safeset', 'latest', '--kit-file', place.kitFile];
  resultOf(await twinvault([...restore, '--to', to, '--strip', source, '--json'], alone));
  assert.deepEqual(differencesBelow(source, to), []);
  assert.ok(readdirSync(`${back}/twinvault/decoder`).includes('twinvault_decode.py'));
});
