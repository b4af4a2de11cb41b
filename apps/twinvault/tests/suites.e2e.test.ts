/*
 * Proves that both cipher suites work through the command: a safe of suite 2 is made, backed up, restored, checked and
 * cleaned; the suite of a safe in use is raised, which holds for its other computer too, and is never lowered again.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parsePackHeader } from '@twinvault/format';
import { Prng } from '@twinvault/std';
import { compareTrees } from '@twinvault/testkit';
import { errorOf, expectExit, resultOf, twinvault } from './support/command.ts';
import { makePlace } from './support/place.ts';
import { copyTree, differencesBelow, makeTree } from './support/trees.ts';

interface ShownSuite {
  readonly suite: number;
  readonly madeWith: number;
}

test('a safe of suite 2 goes its whole way', async () => {
  const place = makePlace('suite-2');
  const source = place.path('source');
  makeTree(source, new Prng('suite 2'), { files: 20, bytes: 2_000_000 });
  expectExit(await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--suite', '3']), 2);
  const made = resultOf<{ suite: number }>(
    await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--suite', '2', '--computer', 'first']),
  );
  assert.equal(made.suite, 2);
  assert.deepEqual(resultOf<ShownSuite>(await place.run('safe suite')).suite, 2);
  const first = await place.backup([source]);
  writeFileSync(`${source}/new`, 'new\n');
  const second = await place.backup([source]);
  assert.ok(second.uploadedBytes < first.uploadedBytes / 4, `${second.uploadedBytes} bytes`);
  await place.restore(second.safeset, place.path('back'));
  assert.deepEqual(compareTrees(source, place.path('back', source)), []);
  resultOf(await place.run('check', ['--read-data', '--kit-file', place.kitFile]));
  resultOf(await place.clean(['--days', '0', '--copies', '1', '--intraday', '--delay-hours', '0', '--allow-large']));
  resultOf(await place.clean(['--days', '0', '--copies', '1', '--intraday', '--delay-hours', '0', '--allow-large']));
  await place.restore(second.safeset, place.path('back-again'));
  assert.deepEqual(compareTrees(source, place.path('back-again', source)), []);
  const lower = errorOf(await place.run('safe suite', ['1', ...place.secret]), 2);
  assert.match(lower.message, /never lowered/u);
});

test('the suite of a safe in use is raised for all its computers', async () => {
  const place = makePlace('suite-raised');
  const source = place.path('source');
  const early = place.path('early');
  makeTree(source, new Prng('raised'), { files: 20, bytes: 2_000_000 });
  await place.init();
  const other = ['--state', place.path('other state')];
  resultOf(await place.run('safe enrol', [...other, ...place.secret, '--computer', 'other']));
  const first = await place.backup([source]);
  copyTree(source, early);

  const raised = resultOf<ShownSuite>(await place.run('safe suite', ['2', '--kit-file', place.kitFile]));
  assert.deepEqual([raised.suite, raised.madeWith], [2, 1]);
  errorOf(await place.run('safe suite', ['2', ...place.secret]), 2);
  errorOf(await place.run('safe suite', ['1', ...place.secret]), 2);
  const text = expectExit(await twinvault(['safe', 'suite', ...place.base]), 0).stdout.toString();
  assert.match(text, /sealed with suite 2 \(AES-256-CBC/u);

  writeFileSync(`${source}/new`, 'new\n');
  const second = await place.backup([source]);
  assert.ok(second.uploadedBytes < first.uploadedBytes / 4, `${second.uploadedBytes} bytes`);
  const third = resultOf<{ safeset: string }>(await place.run('backup', [...other, '--job', 'other', source]));
  await place.restore(first.safeset, place.path('back-1'), ['--strip', source]);
  assert.deepEqual(differencesBelow(early, place.path('back-1')), []);
  for (const { safeset } of [second, third]) {
    const target = place.path(`back-${safeset}`);
    await place.restore(safeset, target, ['--strip', source]);
    assert.deepEqual(differencesBelow(source, target), []);
  }
  resultOf(await place.run('check', ['--read-data', ...place.secret]));

  // A copy under new keys has nothing of the old suite.
  const renewed = ['--new-safe', 'renewed', '--new-kit-file', place.path('kit-2.txt'), '--new-password-file', place.passwordFile];
  resultOf(await place.run('safe rekey', [...place.secret, ...renewed, '--no-check']));
  const shown = resultOf<ShownSuite & { readonly safe: string }>(await place.run('safe suite', ['--safe', 'renewed']));
  assert.deepEqual([shown.suite, shown.madeWith], [2, 2]);
  const packs = readdirSync(`${place.vault}/safes/${shown.safe}/packs`, { recursive: true, withFileTypes: true });
  const suites = packs
    .filter((entry) => entry.isFile())
    .map((entry) => parsePackHeader(readFileSync(`${entry.parentPath}/${entry.name}`)).suite);
  assert.deepEqual(new Set(suites), new Set([2]));
});
