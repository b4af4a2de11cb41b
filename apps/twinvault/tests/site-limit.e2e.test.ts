/*
 * A site whose operator set a limit for new data, with the real command: a backup that needs more says so and ends with 8, and nothing else is held up.
 * And one with a minimum age: a command on its directory keeps to that too.
 */

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, resultOf, twinvault } from './support/command.ts';
import { Place, temporaryDirectory } from './support/place.ts';
import { startSite } from './support/site.ts';
import { copyTree, differencesBelow, makeTree } from './support/trees.ts';

const root = temporaryDirectory('site-limit');
const source = `${root}/source`;
const limitBytes = 8 * 1024 * 1024;

test('new data above the limit is refused in a sentence; all else goes on', async () => {
  const prng = new Prng('site-limit');
  const site = await startSite(`${root}/site`, [`limits: { safeGiB: ${limitBytes / 2 ** 30} }`]);
  const token = await site.token('token', { verbs: ['create', 'write'] });
  const options = { environment: { TWINVAULT_TOKEN_FILE: token } };
  const place = new Place(`${root}/place`, { vault: site.address });
  resultOf(await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--computer', 'first'], options));
  makeTree(source, prng, { files: 20, bytes: 2_000_000 });
  const { safeset } = resultOf<{ safeset: string }>(await place.run('backup', [source], options));
  const copy = `${root}/copy`;
  copyTree(source, copy);

  writeFileSync(`${source}/runaway`, prng.bytes(2 * limitBytes));
  const told = errorOf(await place.run('backup', [source], options), 8);
  assert.equal(told.code, 'quota-reached');
  assert.match(told.message, /no new data above the limit/u);
  assert.match(told.advice ?? '', /whoever runs the site/u);

  const words = [...place.secret, '--safeset', safeset, '--to', `${root}/back`, '--strip', source];
  resultOf(await place.run('restore', words, options));
  assert.deepEqual(differencesBelow(copy, `${root}/back`), []);
  resultOf(await place.run('safe hold', [...place.secret, '--note', 'case 7', safeset], options));
  const operator = { environment: { TWINVAULT_TOKEN_FILE: await site.token('operator', { verbs: ['read', 'operate'] }) } };
  const clean = ['clean', '--vault', site.address, '--safe', 'home', '--days', '3650', '--copies', '10', '--json'];
  resultOf(await twinvault(clean, operator));
  assert.equal(
    resultOf<{ ok: boolean }>(await twinvault(['check', '--read-data', '--vault', site.address, '--json'], operator)).ok,
    true,
  );

  rmSync(`${source}/runaway`);
  writeFileSync(`${source}/small`, 'a few words more\n');
  resultOf(await place.run('backup', [source], options));
});

test('a command on the directory of a site keeps what is younger than its minimum age', async () => {
  const site = await startSite(`${root}/aged`, ['care: { minimumAgeDays: 30 }']);
  const options = { environment: { TWINVAULT_TOKEN_FILE: await site.token('token', { verbs: ['create', 'write'] }) } };
  const place = new Place(`${root}/aged-place`, { vault: site.address });
  resultOf(await place.run('init', [...place.secret, '--kit-file', place.kitFile], options));
  for (const words of ['one', 'two']) {
    writeFileSync(`${root}/aged/letter`, words);
    resultOf(await place.run('backup', [`${root}/aged/letter`], options));
  }
  const clean = ['clean', '--vault', site.vault, '--safe', 'home', '--days', '0', '--copies', '1', '--intraday', '--json'];
  const { records } = resultOf<{ records: { action: string; reason: string }[] }>(
    await twinvault([...clean, '--delay-hours', '0', '--allow-large']),
  );
  assert.deepEqual(
    records.map(({ action, reason }) => [action, reason]),
    [
      ['keep', 'minimum-age'],
      ['keep', 'minimum-age'],
    ],
  );
});
