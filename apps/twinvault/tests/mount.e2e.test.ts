/*
 * Proves that a mounted safeset is the tree that was backed up, to every program that looks: names, content, holes, links, owners, times,
 * attributes; that nothing in it can be changed; and that no end of the command leaves a dead folder behind. Needs root and FUSE; what other users
 * may do needs fusermount3 and, to mount in earnest, a /dev/fuse that is open to them.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { after, test } from 'node:test';
import { Prng } from '@twinvault/std';
import { compareTrees, makeNastyTree } from '@twinvault/testkit';
import { errorOf, expectExit, resultOf, start, twinvault } from './support/command.ts';
import type { RunningCommand } from './support/command.ts';
import { makePlace } from './support/place.ts';
import { cannotSwitchUser, openForOthers, otherUser } from './support/system.ts';
import { makeTree } from './support/trees.ts';

const skip = process.getuid?.() === 0 && existsSync('/dev/fuse') ? false : 'needs root and FUSE';
const noUser = cannotSwitchUser();
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

/** What another user has: a safe, and a folder. */
async function placeOfUser(): Promise<{ base: string[]; secret: string[]; at: string; data: string; as: { user: number } }> {
  const as = { user: otherUser };
  openForOthers(place.root);
  chmodSync(place.passwordFile, 0o644);
  const own = place.path('of a user');
  const [at, data] = [`${own}/at`, `${own}/data`];
  for (const path of [own, at, data]) {
    mkdirSync(path);
    chownSync(path, otherUser, otherUser);
  }
  writeFileSync(`${data}/letter`, 'dear reader');
  const base = ['--vault', `${own}/vault`, '--safe', 'own', '--state', `${own}/state`, '--json'];
  resultOf(await twinvault(['init', ...base, ...place.secret, '--kit-file', `${own}/kit`, '--computer', 'pc'], as));
  resultOf(await twinvault(['backup', ...base, data], as));
  return { base, secret: place.secret, at, data, as };
}

test('a user who is not root mounts by fusermount3, or is told the way', { skip: skip || noUser }, async (t) => {
  const { base, secret, at, data, as } = await placeOfUser();
  const mount = ['mount', ...base, ...secret, at, '--safeset', 'latest'];
  if (!existsSync('/usr/bin/fusermount3')) {
    assert.equal(errorOf(await twinvault(mount, as), 9).code, 'mount-helper-missing');
    t.skip('fusermount3 (package fuse3) is not installed: its error was checked');
    return;
  }
  if ((statSync('/dev/fuse').mode & 0o006) !== 0o006) {
    assert.equal(errorOf(await twinvault(mount, as), 9).code, 'mount-device-closed');
    t.skip('/dev/fuse is closed to users: its error was checked');
    return;
  }
  const id = String(otherUser);
  const there = (): boolean => readFileSync('/proc/mounts', 'utf8').includes(` ${at.replaceAll(' ', '\\040')} fuse.twinvault `);
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const running = start(mount, as);
    after(() => void running.child.kill('SIGKILL'));
    await until(there, running);
    const cat = execFileSync('setpriv', ['--reuid', id, '--regid', id, '--clear-groups', 'cat', `${at}${data}/letter`]);
    assert.equal(cat.toString(), 'dear reader');
    // Root is another user, too.
    assert.throws(() => readdirSync(at), { code: 'EACCES' });
    running.child.kill(signal);
    const outcome = await running.ended;
    if (signal === 'SIGINT') expectExit(outcome, 0);
    await until(() => !there());
    assert.deepEqual(readdirSync(at), []);
  }
  assert.equal(errorOf(await twinvault(['mount', ...base, ...secret, folder], as), 9).code, 'mount-folder-denied');
  if (!/^user_allow_other/mu.test(readFileSync('/etc/fuse.conf', 'utf8'))) {
    assert.equal(errorOf(await twinvault([...mount, '--allow-others'], as), 9).code, 'mount-others-denied');
  }
});

test('what makes no sense is refused', { skip }, async () => {
  errorOf(await place.run('mount', [...place.secret, place.path('nowhere')]), 11);
  errorOf(await place.run('mount', [...place.secret, place.passwordFile]), 2);
  errorOf(await place.run('mount', [...place.secret, root]), 2);
  errorOf(await place.run('mount', [...place.secret, folder, '--job', 'nowhere']), 11);
  rmSync(folder, { recursive: true });
});
