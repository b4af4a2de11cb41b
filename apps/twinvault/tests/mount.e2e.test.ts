/*
 * Proves that a mounted safeset is the tree that was backed up, to every program that looks: names, content, holes, links, owners, times,
 * attributes; that nothing in it can be changed; and that no end of the command leaves a dead folder behind. Needs root and FUSE.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Prng } from '@twinvault/std';
import { compareTrees, makeNastyTree } from '@twinvault/testkit';
import { errorOf, expectExit, start } from './support/command.ts';
import type { RunningCommand } from './support/command.ts';
import { makePlace } from './support/place.ts';
import { makeTree } from './support/trees.ts';

const skip = process.getuid?.() === 0 && existsSync('/dev/fuse') ? false : 'needs root and FUSE';
const place = makePlace('mount');
const folder = place.path('folder');
const plain = place.path('plain');
let root = '';

function isMounted(): boolean {
  return readFileSync('/proc/mounts', 'utf8').includes(` ${folder} fuse.twinvault `);
}

/** Waits for a state of the kernel, which tells nobody of it. */
async function until(condition: () => boolean, running?: RunningCommand): Promise<void> {
  const limitMs = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < limitMs, 'it does not come');
    if (running !== undefined && running.child.exitCode !== null) assert.fail((await running.ended).told);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function mounted(words: readonly string[]): Promise<RunningCommand> {
  const running = start(['mount', ...place.base, '--json', ...place.secret, folder, ...words]);
  // A test that fails leaves no process behind.
  after(() => void running.child.kill('SIGKILL'));
  await until(isMounted, running);
  return running;
}

test('a safeset is the tree that was backed up', { skip }, async () => {
  mkdirSync(folder);
  root = makeNastyTree(place.path('nasty')).root;
  await place.init();
  makeTree(plain, new Prng('mount'), { files: 60, bytes: 4_000_000 });
  await place.backup([root, plain]);
  const running = await mounted(['--safeset', 'latest']);
  assert.deepEqual(compareTrees(root, `${folder}${root}`), []);
  assert.throws(() => writeFileSync(`${folder}/new`, ''), { code: 'EROFS' });
  // cp knows no paths as long as those of the nasty tree.
  execFileSync('cp', ['-a', `${folder}${plain}`, place.path('copied')]);
  assert.deepEqual(compareTrees(plain, place.path('copied')), []);
  running.child.kill('SIGINT');
  const outcome = expectExit(await running.ended, 0);
  assert.match(outcome.told, /"type":"result"/u);
  assert.ok(!isMounted());
});

test('all safesets lie by computer, job and time; a folder in use is let go', { skip }, async () => {
  await place.backup(['--job', 'other', place.passwordFile]);
  const running = await mounted([]);
  assert.deepEqual(readdirSync(folder), ['first']);
  assert.deepEqual(readdirSync(`${folder}/first`).sort(), ['default', 'other']);
  const [name = ''] = readdirSync(`${folder}/first/other`);
  assert.match(name, /^\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_[0-9a-f]{8}$/u);
  assert.ok(statSync(`${folder}/first/other/${name}${place.passwordFile}`).size > 0);
  const open = openSync(`${folder}/first/other/${name}${place.passwordFile}`, 'r');
  running.child.kill('SIGTERM');
  await until(() => !isMounted());
  closeSync(open);
  assert.match(expectExit(await running.ended, 0).told, /still in the folder/u);
  await until(() => !isMounted());
});

test('killed, it leaves a plain folder', { skip }, async () => {
  const running = await mounted([]);
  running.child.kill('SIGKILL');
  await running.ended;
  await until(() => !isMounted());
  assert.deepEqual(readdirSync(folder), []);
});

test('what makes no sense is refused', { skip }, async () => {
  errorOf(await place.run('mount', [...place.secret, place.path('nowhere')]), 11);
  errorOf(await place.run('mount', [...place.secret, place.passwordFile]), 2);
  errorOf(await place.run('mount', [...place.secret, root]), 2);
  errorOf(await place.run('mount', [...place.secret, folder, '--job', 'nowhere']), 11);
  rmSync(folder, { recursive: true });
});
