/*
 * Proves that what is said of a safe, and what is looked at in it, works with a site as it does with a directory, with a token for this safe alone: every verb that
 * site.e2e.test.ts leaves out. Keys, rules and marks that were changed over the network are as good as others; what a token does not permit is said. The tests of
 * this file build on each other, in order.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, jsonLines, resultOf, start, twinvault } from './support/command.ts';
import type { CommandOptions, Outcome } from './support/command.ts';
import { Place, temporaryDirectory } from './support/place.ts';
import { startSite } from './support/site.ts';
import { changeTree, differencesBelow, makeTree } from './support/trees.ts';

const root = temporaryDirectory('site-verbs');
const source = `${root}/source`;
const site = await startSite(`${root}/site`);
const place = new Place(`${root}/place`);
const newPassword = place.path('new-password');
const prng = new Prng('site-verbs');
/** The token of a computer. */
let options: CommandOptions;
/** Short ids, oldest first. */
const safesets: string[] = [];

/** The verb with the token of this safe; no --vault. */
function at(verb: string, words: readonly string[] = [], as: CommandOptions = options): Promise<Outcome> {
  return twinvault([...verb.split(' '), '--safe', 'home', '--json', ...words], as);
}

function mine(verb: string, words: readonly string[] = [], as?: CommandOptions): Promise<Outcome> {
  return at(verb, ['--state', place.state, ...words], as);
}

test('a safe at a site, with two safesets', async () => {
  const invitation = { environment: { TWINVAULT_TOKEN_FILE: await site.token('invitation', { verbs: ['create'] }) } };
  const made = await mine('init', [...place.secret, '--kit-file', place.kitFile, '--computer', 'first'], invitation);
  const { safe } = resultOf<{ safe: string }>(made);
  options = { environment: { TWINVAULT_TOKEN_FILE: await site.token('computer', { verbs: ['write'], safe }) } };
  makeTree(source, prng, { files: 30, bytes: 1_500_000 });
  for (let count = 0; count < 2; count += 1) {
    safesets.push(resultOf<{ safeset: string }>(await mine('backup', [source])).safeset);
    changeTree(source, prng);
  }
});

test('diff, and marks and rules that are signed into the safe', async () => {
  const [first = '', second = ''] = safesets;
  const diff = await mine('diff', [...place.secret, first, second]);
  resultOf(diff);
  assert.ok(jsonLines(diff).some(({ type }) => type === 'item'));
  resultOf(await mine(`safe lock ${first}`, place.secret));
  resultOf(await mine(`safe flag ${second}`, [...place.secret, '--note', 'odd']));
  resultOf(await mine(`safe flag ${second}`, [...place.secret, '--off']));
  resultOf(await mine('safe retention standard', [...place.secret, '--days', '31', '--copies', '7']));
  const { rules } = resultOf<{ rules: Record<string, unknown> }>(await at('keep'));
  assert.match(JSON.stringify(rules), /31/u);
});

test('a mounted safeset is read over the network', { skip: process.getuid?.() !== 0 || !existsSync('/dev/fuse') }, async () => {
  const folder = place.path('folder');
  mkdirSync(folder);
  const [first = ''] = safesets;
  const words = ['mount', '--safe', 'home', '--state', place.state, '--json', ...place.secret, folder, '--safeset', first];
  const running = start(words, options);
  after(() => void running.child.kill('SIGKILL'));
  const isMounted = (): boolean => readFileSync('/proc/mounts', 'utf8').includes(` ${folder} fuse.twinvault `);
  while (!isMounted() && running.child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  const back = place.path('back');
  resultOf(await mine('restore', [...place.secret, '--safeset', first, '--to', back, '--strip', source]));
  assert.deepEqual(differencesBelow(back, `${folder}${source}`), []);
  running.child.kill('SIGINT');
  await running.ended;
  assert.equal(isMounted(), false);
});

test('password, kit, escrow key and suite change at the site', async () => {
  const listing = ['--safeset', 'latest'];
  writeFileSync(newPassword, 'nine calm geese by the river\n');
  const changed = ['--password-file', newPassword];
  resultOf(await mine('safe passwd', [...place.secret, '--new-password-file', newPassword]));
  errorOf(await mine('ls', [...place.secret, ...listing]), 5);
  const kit = place.path('kit-2.pdf');
  resultOf(await mine('safe kit', [...changed, '--new-kit-file', kit]));
  errorOf(await mine('ls', ['--kit-file', place.kitFile, ...listing]), 5);
  resultOf(await mine('ls', ['--kit-file', kit, ...listing]));
  const [key, open] = [place.path('company.key'), place.path('company.pub')];
  resultOf(await twinvault(['escrow', '--json', '--name', 'Example Ltd', '--key-file', key, '--public-file', open]));
  resultOf(await mine('safe escrow', [...changed, '--add', open]));
  const { slots } = resultOf<{ slots: unknown[] }>(await at('safe slots'));
  assert.equal(slots.length, 3);
  resultOf(await mine('restore', ['--escrow-file', key, ...listing, '--to', place.path('by-escrow'), '--strip', source]));
  resultOf(await mine('safe escrow', ['--escrow-file', key, '--remove']));
  errorOf(await mine('ls', ['--escrow-file', key, ...listing]), 5);
  resultOf(await mine('safe suite 2', changed));
  resultOf(await mine('safe reuse computer'));
  safesets.push(resultOf<{ safeset: string }>(await mine('backup', [source])).safeset);
  assert.equal(resultOf<{ suite: number }>(await mine('safe suite')).suite, 2);
  resultOf(await mine('verify', [source]));
});

test('a computer and an operator come and go', async () => {
  const secret = ['--password-file', newPassword];
  const second = ['--state', place.path('second state')];
  resultOf(await at('safe enrol', [...second, ...secret, '--computer', 'second']));
  const { agents } = resultOf<{ agents: { name: string; certificate: string }[] }>(await at('safe agents'));
  const certificate = agents.find(({ name }) => name === 'second')?.certificate ?? '';
  resultOf(await mine(`safe revoke ${certificate}`, secret));
  errorOf(await at('backup', [...second, source]), 13);
  const files = ['--key-file', place.path('anna.key'), '--public-file', place.path('anna.pub')];
  resultOf(await twinvault(['vault', 'operator-key', '--json', '--name', 'Anna', ...files]));
  resultOf(await mine('safe operator', [...secret, '--add', place.path('anna.pub')]));
  resultOf(await mine('safe operator', [...secret, '--remove', 'Anna']));
});

test('a safe gets new keys at its site: with an invitation, then with a token for the new safe', async () => {
  const secret = ['--password-file', newPassword];
  const words = [...secret, '--new-safe', 'next', '--new-kit-file', place.path('next.pdf'), '--new-password-file', newPassword];
  assert.match(errorOf(await mine('safe rekey', words), 9).message, /--verbs create\).* --new-token-file/u);
  assert.equal(existsSync(place.path('next.pdf')), false);
  const invited = await mine('safe rekey', [...words, '--new-token-file', await site.token('invited', { verbs: ['create'] })]);
  const [, id = ''] = /its id is ([0-9a-f]{32})/u.exec(errorOf(invited, 9).message) ?? [];
  assert.ok(existsSync(place.path('next.pdf')));
  const token = await site.token('next', { verbs: ['write'], safe: id });
  resultOf(await mine('safe rekey', [...words, '--new-token-file', token]));
  const next = ['--token-file', token, '--safe', 'next', '--state', place.state, '--json'];
  const listed = resultOf<{ safesets: object[] }>(await twinvault(['safesets', ...next]));
  assert.equal(listed.safesets.length, safesets.length);
  resultOf(await twinvault(['backup', ...next, source]));
  const back = place.path('back-next');
  resultOf(await twinvault(['restore', ...next, ...secret, '--safeset', 'latest', '--to', back, '--strip', source]));
  assert.deepEqual(differencesBelow(source, back), []);
});

test('what needs the directory says so', async () => {
  const stopped = errorOf(await twinvault(['vault', 'twins', '--vault', site.vault, '--json']), 2);
  assert.match(stopped.message, /--token-file/u);
});
