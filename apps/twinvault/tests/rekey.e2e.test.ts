/*
 * Proves that a safe can be left for one with new keys: every safeset restores from the copy, what was said of it goes over, a copy that was
 * killed goes on, the old safe is as it was, and this computer's job goes on in the new one.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, jsonLines, resultOf, start, twinvault } from './support/command.ts';
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

function said(rows: readonly SafesetRow[]): unknown[] {
  return rows.map(({ job, computerName, type, result, counts }) => [job, computerName, type, result, counts]);
}

test('a safe with three safesets of two jobs, one of them held', async () => {
  const prng = new Prng('rekey');
  writeFileSync(newPasswordFile, 'nine calm geese by the river\n');
  makeTree(source, prng, { files: 80, bytes: 8_000_000 });
  await place.init();
  for (const type of ['daily', 'weekly']) {
    const { safeset } = await place.backup(['--type', type, source]);
    first.set(safeset, manifestOf(source));
    changeTree(source, prng);
  }
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
  const outcome = await place.run('safe rekey', [...place.secret, ...words]);
  const told = resultOf<{ safesets: number; already: number; rootKey: string }>(outcome);
  assert.equal(told.safesets, 3);
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
  assert.deepEqual(standing.sort(), ['first stands', 'rekey revoked']);
  const text = await twinvault(['safesets', ...next.base]);
  assert.match(text.stdout.toString(), /hold\n[^]*flag\n/u);
  const itself = ['--new-safe', 'home', '--new-password-file', place.passwordFile];
  assert.match(errorOf(await place.run('safe rekey', [...place.secret, ...itself]), 2).message, /was not made to follow/u);
});
