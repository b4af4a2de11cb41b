/*
 * Proves that a safe can be left for one with new keys: every safeset restores from the copy, what was said of it goes over, a copy that was
 * killed goes on, the old safe is as it was, and this computer's job goes on in the new one. Another computer follows by its next backup, without a password.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, expectExit, jsonLines, resultOf, start, twinvault } from './support/command.ts';
import { makePlace, Place } from './support/place.ts';
import type { SafesetRow } from './support/place.ts';
import { changeTree, makeTree, manifestDifferences, manifestOf } from './support/trees.ts';
import { filesBelow } from './support/vault-files.ts';

const place = makePlace('rekey');
const source = place.path('source');
const newPasswordFile = place.path('new-password');
const first = new Map<string, ReturnType<typeof manifestOf>>();
const words = ['--new-safe', 'next', '--new-kit-file', place.path('next.pdf'), '--new-password-file', newPasswordFile];

/** The new safe: same vault, same state. */
class NextPlace extends Place {
  override get base(): string[] {
    return ['--vault', this.vault, '--safe', 'next', '--state', this.state];
  }

  override get secret(): string[] {
    return ['--password-file', newPasswordFile];
  }
}
const next = new NextPlace(place.root);

/** A second computer, which has never heard of the new safe's password. */
class Second extends Place {
  override get base(): string[] {
    return [...super.base.slice(0, -1), place.path('second state')];
  }
}
const second = new Second(place.root);
const third = ['--state', place.path('third state')];

function said(rows: readonly SafesetRow[]): unknown[] {
  return rows.map(({ job, computerName, type, result, counts }) => [job, computerName, type, result, counts]);
}

test('a safe with three safesets of two jobs, one of them held', async () => {
  const prng = new Prng('rekey');
  writeFileSync(newPasswordFile, 'nine calm geese by the river\n');
  makeTree(source, prng, { files: 80, bytes: 8_000_000 });
  await place.init();
  resultOf(await second.run('safe enrol', [...place.secret, '--computer', 'second', '--reuse', 'computer']));
  resultOf(await second.run('safe enrol', [...place.secret, '--computer', 'third', ...third]));
  for (const type of ['daily', 'weekly']) {
    const { safeset } = await place.backup(['--type', type, source]);
    first.set(safeset, manifestOf(source));
    changeTree(source, prng);
  }
  await second.backup(['--job', 'of the second', source]);
  first.set('second', manifestOf(source));
  const { safeset } = await place.backup(['--job', 'other', source]);
  first.set(safeset, manifestOf(source));
  const held = [...first.keys()][0] ?? '';
  resultOf(await place.run(`safe hold ${held}`, place.secret));
  resultOf(await place.run(`safe flag ${safeset}`, place.secret));
});

test('a copy that is killed goes on; all of it restores, and the old safe is as it was', async () => {
  const before = await place.safesets();
  const objects = filesBelow(place.vault).filter((path) => /packs|records|slots|ledger/u.test(path));
  const { child, ended } = start(['safe', 'rekey', ...place.base, '--json', ...place.secret, ...words]);
  const records = (): number => {
    const safes = readdirSync(`${place.vault}/safes`).map((safe) => `${place.vault}/safes/${safe}/records`);
    return safes
      .filter((path) => existsSync(path))
      .reduce((sum, path) => sum + readdirSync(path).filter((name) => /^[0-9a-f]{64}$/u.test(name)).length, 0);
  };
  while (records() < before.length + 1 && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await ended;
  const { agents } = resultOf<{ agents: { name: string; certificate: string }[] }>(await place.run('safe agents'));
  const lost = agents.find(({ name }) => name === 'third')?.certificate ?? '';
  resultOf(await place.run(`safe revoke ${lost}`, place.secret));
  const outcome = await place.run('safe rekey', [...place.secret, ...words]);
  const told = resultOf<{ safesets: number; already: number; rootKey: string; admitted: string[]; named: boolean }>(outcome);
  assert.equal(told.safesets, 4);
  assert.deepEqual([told.admitted, told.named], [['second'], true]);
  assert.ok(told.already >= 1, outcome.told);
  assert.ok(jsonLines(outcome).some(({ type, text }) => type === 'note' && String(text).includes('Going on')));

  assert.deepEqual(said(await next.safesets()), said(before));
  assert.deepEqual(said(await place.safesets()), said(before));
  const now = new Set(filesBelow(place.vault));
  assert.deepEqual(
    objects.filter((path) => !now.has(path)),
    [],
  );
  const manifests = [...first.values()];
  for (const [index, { safeset }] of (await next.safesets()).entries()) {
    const to = place.path(`back-${index}`);
    await next.restore(safeset, to, ['--strip', place.root]);
    assert.deepEqual(manifestDifferences(manifests[index] ?? new Map(), manifestOf(`${to}/source`)), []);
  }
  const checked = resultOf<{ problems: unknown[] }>(await next.run('check', ['--read-data', ...next.secret]));
  assert.deepEqual(checked.problems, []);
  errorOf(await next.run('ls', [...place.secret, '--safeset', 'latest', '--job', 'default']), 5);
});

test('this computer goes on with its job; holds went over; the keys that copied end', async () => {
  const { sequence } = await next.backup([source]);
  assert.equal(sequence, 3);
  const { agents } = resultOf<{ agents: { name: string; revoked: boolean }[] }>(await next.run('safe agents'));
  const standing = agents.map(({ name, revoked }) => `${name.replace(/ on .*/u, '')} ${revoked ? 'revoked' : 'stands'}`);
  assert.deepEqual(standing.sort(), ['first stands', 'rekey revoked', 'second stands']);
  const text = await twinvault(['safesets', ...next.base]);
  assert.match(text.stdout.toString(), /hold\n[^]*flag\n/u);
  const itself = ['--new-safe', 'home', '--new-password-file', place.passwordFile];
  assert.match(errorOf(await place.run('safe rekey', [...place.secret, ...itself]), 2).message, /"next" took its place/u);
  assert.match(errorOf(await next.run('safe rekey', [...next.secret, ...itself]), 2).message, /was not made to follow/u);
});

test('another computer follows with its next backup; one that was revoked does not', async () => {
  const outcome = await second.run('backup', ['--job', 'of the second', source]);
  assert.equal(resultOf<{ sequence: number }>(outcome).sequence, 2);
  const notes = jsonLines(outcome).flatMap(({ type, text }) => (type === 'note' ? [String(text)] : []));
  assert.match(notes.join(' '), /"next" took its place.*root key is/u);
  const again = await second.run('verify', ['--job', 'of the second']);
  assert.equal(resultOf<{ label: string }>(again).label, 'next');
  assert.match(again.told, /--safe next/u);
  assert.equal(resultOf<{ reuse: string }>(await second.run('safe reuse')).reuse, 'computer');
  // By the new name, too.
  const named = ['--vault', place.vault, '--safe', 'next', '--state', place.path('second state')];
  expectExit(await twinvault(['backup', ...named, '--job', 'of the second', source]), 0);
  const [safeset] = (await next.safesets(['--job', 'of the second'])).slice(-1);
  await next.restore(safeset?.safeset ?? '', place.path('back of the second'), ['--strip', place.root]);
  assert.deepEqual(manifestDifferences(manifestOf(source), manifestOf(place.path('back of the second', 'source'))), []);

  const refused = errorOf(await second.run('backup', [...third, source]), 13);
  assert.equal(refused.code, 'not-admitted');
  assert.match(refused.advice ?? '', /safe enrol --safe [0-9a-f]{32}/u);
  assert.match(
    errorOf(await second.run('safe enrol', [...third, ...place.secret]), 2).message,
    /enrolled in safe "home" already/u,
  );
});
