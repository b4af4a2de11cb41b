/*
 * Proves that a user's way through the command holds together: a safe is made, folders are backed up, changed and backed
 * up again, listed, read and restored in each of the ways the guide promises, the password is changed, a second computer
 * joins and is shut out again. Every step runs the real command in its own process and looks at its exit code, its JSON and
 * the disk; the tests of this file build on each other, in order.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { compareTrees } from '@twinvault/testkit';
import { errorOf, expectExit, jsonLines, resultOf, twinvault } from './support/command.ts';
import { makePlace } from './support/place.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './support/trees.ts';

const place = makePlace('journey');
const source = place.path('source');
const copies = [place.path('copy-1'), place.path('copy-2')] as const;
const newPassword = 'another nine calm geese';
const newPasswordFile = place.path('new-password');
const secondState = place.path('second-state');
/** The safesets of the first job, oldest first. */
const stored: string[] = [];

test('help and the version need nothing; what makes no sense ends with 2', async () => {
  const help = expectExit(await twinvault(['--help']), 0);
  for (const verb of ['init', 'backup', 'safesets', 'ls', 'cat', 'restore', 'check', 'clean', 'rebuild', 'safe']) {
    assert.match(help.stdout.toString(), new RegExp(`^ +${verb}\\b`, 'mu'));
    const own = expectExit(await twinvault(['help', verb]), 0);
    assert.match(own.stdout.toString(), /^Usage: /u);
  }
  expectExit(await twinvault(['--version']), 0);
  for (const words of [['swim'], ['backup'], ['backup', '--vault', place.vault], ['restore', '--sideways'], ['safe', 'swim']]) {
    expectExit(await twinvault(words), 2);
  }
});

test('init makes vault, safe and kit, each once', async () => {
  const weak = place.path('weak');
  writeFileSync(weak, 'aaaa\n');
  errorOf(await place.run('init', ['--password-file', weak, '--kit-file', place.kitFile]), 2);
  assert.ok(!existsSync(place.kitFile) && !existsSync(place.vault), 'a refused password leaves nothing behind');

  const made = resultOf<{ safe: string; label: string; rootKey: string; kitFile: string }>(
    await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--computer', 'first']),
  );
  assert.match(made.safe, /^[0-9a-f]{32}$/u);
  assert.equal(made.label, 'home');
  assert.equal(statSync(place.kitFile).mode & 0o777, 0o600);
  const kit = readFileSync(place.kitFile, 'utf8');
  assert.ok(kit.includes(made.rootKey) && kit.includes('home'));

  errorOf(await place.run('init', [...place.secret, '--kit-file', place.kitFile]), 2);
  errorOf(await place.run('init', [...place.secret, '--kit-file', place.path('kit-2.txt')]), 2);
  assert.equal(readFileSync(place.kitFile, 'utf8'), kit);
  assert.ok(!existsSync(place.path('kit-2.txt')));
});

test('the first backup stores all, the next only what changed', async () => {
  const prng = new Prng('journey');
  makeTree(source, prng, { files: 120, bytes: 6_000_000 });
  writeFileSync(`${source}/letter.txt`, 'first words\n');
  symlinkSync('letter.txt', `${source}/link`);
  assert.deepEqual(await place.safesets(), []);
  copyTree(source, copies[0]);
  const first = await place.backup([source]);
  assert.deepEqual([first.result, first.sequence, first.errors], ['ok', 1, []]);
  assert.ok(first.uploadedBytes > 3_000_000);

  const second = await place.backup([source]);
  assert.equal(second.counts['filesChanged'], 0);
  assert.ok(second.uploadedBytes < 20_000, `an unchanged tree sends ${second.uploadedBytes} bytes`);

  changeTree(source, prng);
  writeFileSync(`${source}/letter.txt`, 'other words\n');
  copyTree(source, copies[1]);
  const third = await place.backup(['--type', 'weekly', source]);
  stored.push(first.safeset, second.safeset, third.safeset);
  assert.ok(third.removed >= 2, `${third.removed} removed`);
  assert.ok(third.uploadedBytes < first.uploadedBytes, `${third.uploadedBytes} bytes`);
  const text = expectExit(await twinvault(['backup', ...place.base, '--job', 'text', source]), 0);
  assert.match(text.stdout.toString(), /Safeset [0-9a-f]{8} of job "text" is stored\./u);
});

test('safesets lists them, without a password', async () => {
  const rows = await place.safesets(['--job', 'default']);
  assert.deepEqual(
    rows.map(({ safeset, sequence, type, result }) => [safeset, sequence, type, result]),
    stored.map((safeset, index) => [safeset, index + 1, index === 2 ? 'weekly' : 'standard', 'ok']),
  );
  assert.equal((await place.safesets()).length, 4);
  const text = expectExit(await twinvault(['safesets', ...place.base]), 0);
  for (const safeset of stored) assert.ok(text.stdout.includes(safeset.slice(0, 8)));
});

test('ls shows folders, single files and whole trees', async () => {
  const ls = async (words: readonly string[]) => {
    const outcome = await place.run('ls', [...place.secret, '--safeset', stored[2] ?? '', ...words]);
    resultOf(outcome);
    return jsonLines(outcome).filter(({ type }) => type === 'item');
  };
  const paths = (lines: readonly { readonly [key: string]: unknown }[]): string[] =>
    lines.map((line) => String(line['path'])).sort();
  const expected = readdirSync(source).map((name) => `${source}/${name}`);
  assert.deepEqual(paths(await ls([source])), expected.sort());
  const all = readdirSync(source, { recursive: true, encoding: 'utf8' }).map((name) => `${source}/${name}`);
  assert.deepEqual(paths((await ls(['-R', source])).filter((line) => line['path'] !== source)), all.sort());
  const [letter, ...more] = await ls([`${source}/letter.txt`]);
  assert.equal(more.length, 0);
  assert.deepEqual([letter?.['path'], letter?.['sizeBytes']], [`${source}/letter.txt`, 12]);
  assert.equal((await ls([])).length, 1);

  errorOf(await place.run('ls', [...place.secret, '--safeset', stored[2] ?? '', '/not/there']), 11);
  errorOf(await place.run('ls', [...place.secret, '--safeset', 'ffffffffffffffffffffff', '/']), 11);
  const several = errorOf(await place.run('ls', [...place.secret, '--safeset', 'latest', '/']), 2);
  assert.match(several.message, /"default".*"text"|"text".*"default"/u);
  errorOf(await place.run('ls', [...place.secret, '--safeset', 'latest', '--job', 'nowhere', '/']), 11);
  const text = expectExit(await twinvault(['ls', ...place.base, ...place.secret, '--safeset', stored[2] ?? '', source]), 0);
  assert.match(text.stdout.toString(), /^-rw-r--r-- .* letter\.txt$/mu);
});

test('cat writes exactly the bytes of the version that is asked for', async () => {
  const cat = (safeset: string, path: string) => twinvault(['cat', ...place.base, ...place.secret, '--safeset', safeset, path]);
  const [first = '', , third = ''] = stored;
  assert.equal(expectExit(await cat(first, `${source}/letter.txt`), 0).stdout.toString(), 'first words\n');
  assert.equal(expectExit(await cat(third.slice(0, 12), `${source}/letter.txt`), 0).stdout.toString(), 'other words\n');
  assert.ok(expectExit(await cat(third, `${source}/large`), 0).stdout.equals(readFileSync(`${source}/large`)));
  expectExit(await cat(third, source), 2);
  expectExit(await cat(third, `${source}/none`), 11);
});

test('restore brings back everything, of the last and of an earlier safeset', async () => {
  const [first = '', , third = ''] = stored;
  const last = await place.restore(third, place.path('all'));
  assert.deepEqual([last.errors, last.damagedChunks, last.skipped], [[], 0, 0]);
  assert.deepEqual(compareTrees(source, place.path('all', source)), []);
  await place.restore(first, place.path('early'), ['--strip', source]);
  assert.deepEqual(differencesBelow(copies[0], place.path('early')), []);
});

test('restore brings back parts, and leaves out what --strip says', async () => {
  const [, , third = ''] = stored;
  const folder = readdirSync(source).find((name) => name.startsWith('folder')) ?? '';
  await place.restore(third, place.path('part'), [`${source}/letter.txt`, `${source}/${folder}`]);
  assert.deepEqual(new Set(readdirSync(place.path('part', source))), new Set([folder, 'letter.txt']));
  assert.deepEqual(compareTrees(`${source}/${folder}`, place.path('part', source, folder)), []);

  await place.restore(third, place.path('stripped'), ['--strip', source, `${source}/${folder}`]);
  assert.deepEqual(readdirSync(place.path('stripped')), [folder]);
  assert.deepEqual(compareTrees(`${source}/${folder}`, place.path('stripped', folder)), []);

  const words = [...place.secret, '--safeset', third, '--to', place.path('none')];
  errorOf(await place.run('restore', [...words, '/not/there']), 11);
  errorOf(await place.run('restore', [...words, '--strip', '/elsewhere', source]), 2);
  errorOf(await place.run('restore', [...place.secret, '--safeset', third, '--to', place.passwordFile]), 2);
});

test('every conflict rule does what it says', async () => {
  const [, , third = ''] = stored;
  const prepare = (name: string): string => {
    const target = place.path(name);
    copyTree(source, target);
    writeFileSync(`${target}/letter.txt`, 'mine\n');
    writeFileSync(`${target}/only here`, 'stays\n');
    return target;
  };
  const restore = (target: string, words: readonly string[]) => place.restore(third, target, ['--strip', source, ...words]);
  const files = readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory()).length;

  const skip = prepare('skip');
  const skipped = await restore(skip, []);
  assert.deepEqual([skipped.skipped, skipped.files], [files, 0]);
  assert.equal(readFileSync(`${skip}/letter.txt`, 'utf8'), 'mine\n');

  const overwrite = prepare('overwrite');
  assert.equal((await restore(overwrite, ['--conflict', 'overwrite'])).skipped, 0);
  assert.equal(readFileSync(`${overwrite}/letter.txt`, 'utf8'), 'other words\n');
  assert.equal(readFileSync(`${overwrite}/only here`, 'utf8'), 'stays\n');

  const rename = prepare('rename');
  assert.equal((await restore(rename, ['--conflict', 'rename-incoming', `${source}/letter.txt`])).files, 1);
  assert.equal(readFileSync(`${rename}/letter.txt`, 'utf8'), 'mine\n');
  const incoming = readdirSync(rename).filter((name) => name.startsWith('letter') && name !== 'letter.txt');
  assert.equal(incoming.length, 1);
  assert.equal(readFileSync(`${rename}/${incoming[0]}`, 'utf8'), 'other words\n');
  expectExit(await place.run('restore', [...place.secret, '--safeset', third, '--to', rename, '--conflict', 'ask']), 2);
});

test('a new password opens the safe, the old one no longer, the kit as before', async () => {
  const ls = (secret: readonly string[]) => place.run('ls', [...secret, '--safeset', 'latest', '--job', 'default', '/']);
  writeFileSync(newPasswordFile, `${newPassword}\n`);
  const wrong = await place.run('safe passwd', ['--password-file', newPasswordFile, '--new-password-file', newPasswordFile]);
  assert.equal(errorOf(wrong, 5).code, 'password-wrong');
  resultOf(await place.run('safe passwd', [...place.secret, '--new-password-file', newPasswordFile]));
  assert.equal(errorOf(await ls(place.secret), 5).code, 'password-wrong');
  resultOf(await ls(['--password-file', newPasswordFile]));
  resultOf(await ls(['--kit-file', place.kitFile]));
  // The kit is the way back in when the password is lost.
  resultOf(await place.run('safe passwd', ['--kit-file', place.kitFile, '--new-password-file', place.passwordFile]));
  errorOf(await ls(['--password-file', newPasswordFile]), 5);
  resultOf(await ls(place.secret));
  const { slots } = resultOf<{ slots: readonly { readonly type: string }[] }>(await place.run('safe slots'));
  assert.deepEqual(slots.map(({ type }) => type).sort(), ['kit', 'password']);
  stored.push((await place.backup([source])).safeset);
});

interface AgentRow {
  readonly certificate: string;
  readonly name: string;
  readonly revoked: boolean;
}

async function agents(): Promise<readonly AgentRow[]> {
  return resultOf<{ agents: readonly AgentRow[] }>(await place.run('safe agents')).agents;
}

/** As the second computer: the last --state wins. */
function onSecond(verb: string, words: readonly string[]): ReturnType<typeof place.run> {
  return place.run(verb, ['--state', secondState, ...words]);
}

test('a second computer joins, and is shut out again', async () => {
  const folder = place.path('second source');
  mkdirSync(folder);
  writeFileSync(`${folder}/large`, readFileSync(`${source}/large`));
  writeFileSync(`${folder}/own`, 'of the second computer\n');
  assert.equal(errorOf(await onSecond('backup', [folder]), 13).code, 'agent-missing');
  resultOf(await onSecond('safe enrol', [...place.secret, '--computer', 'second']));
  errorOf(await onSecond('safe enrol', [...place.secret, '--computer', 'second']), 2);
  const made = resultOf<{ safeset: string; uploadedBytes: number }>(await onSecond('backup', ['--job', 'own', folder]));
  const [row] = await place.safesets(['--job', 'own']);
  assert.deepEqual([row?.safeset, row?.computerName, row?.sequence], [made.safeset, 'second', 1]);
  await place.restore(made.safeset, place.path('of-second'), ['--strip', folder]);
  assert.deepEqual(differencesBelow(folder, place.path('of-second')), []);

  const there = await agents();
  assert.deepEqual(new Set(there.map(({ name, revoked }) => `${name} ${revoked}`)), new Set(['first false', 'second false']));
  const certificate = there.find(({ name }) => name === 'second')?.certificate ?? '';
  errorOf(await place.run('safe revoke', [...place.secret, 'ffffffffffffffffffff']), 11);
  resultOf(await place.run('safe revoke', [...place.secret, certificate.slice(0, 12)]));
  errorOf(await place.run('safe revoke', [...place.secret, certificate]), 2);
  assert.equal((await agents()).find(({ name }) => name === 'second')?.revoked, true);

  writeFileSync(`${folder}/more`, 'too late\n');
  assert.equal(errorOf(await onSecond('backup', ['--job', 'own', folder]), 13).code, 'agent-revoked');
  assert.equal((await place.safesets(['--job', 'own'])).length, 1);
  await place.restore(made.safeset, place.path('of-second-again'), ['--strip', folder]);
  stored.push((await place.backup([source])).safeset);
});

test('check finds all well, clean keeps what it must, rebuild changes nothing', async () => {
  const vault = ['--vault', place.vault, '--json'];
  resultOf(await twinvault(['check', ...vault]));
  resultOf(await place.run('check', ['--read-data', ...place.secret]));
  resultOf(await place.clean(['--days', '0', '--copies', '2', '--intraday', '--delay-hours', '0', '--dry-run', '--allow-large']));
  assert.equal((await place.safesets(['--job', 'default'])).length, stored.length);

  resultOf(await place.clean(['--days', '0', '--copies', '2', '--intraday', '--delay-hours', '0', '--allow-large']));
  const left = (await place.safesets(['--job', 'default'])).map(({ safeset }) => safeset);
  assert.ok(left.length < stored.length && left.at(-1) === stored.at(-1), String(left));
  resultOf(await place.clean(['--days', '0', '--copies', '2', '--intraday', '--delay-hours', '0', '--allow-large']));
  resultOf(await twinvault(['rebuild', ...vault]));
  resultOf(await place.run('check', ['--read-data', ...place.secret]));
  await place.restore(left.at(-1) ?? '', place.path('at-the-end'), ['--strip', source]);
  assert.deepEqual(differencesBelow(source, place.path('at-the-end')), []);
});
