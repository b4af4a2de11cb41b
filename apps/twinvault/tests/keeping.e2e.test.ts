/*
 * Retention types, marks and their preview through the command, and what a user is told when a run looks like ransomware's.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resultOf, twinvault } from './support/command.ts';
import { makePlace } from './support/place.ts';
import type { Place, SafesetRow } from './support/place.ts';

interface MarkedRow extends SafesetRow {
  readonly marks: readonly { readonly kind: string; readonly by: string; readonly note: string }[];
}

interface Kept {
  readonly rules: readonly { readonly retention: string; readonly rule: unknown }[];
  readonly safesets: readonly { readonly safeset: string; readonly reason: string; readonly goes: string | null }[];
  readonly counts: readonly { readonly retention: string; readonly most: number; readonly end: number }[];
}

async function rows(place: Place): Promise<readonly MarkedRow[]> {
  return (await place.safesets()) as readonly MarkedRow[];
}

test('rules and marks are signed into the safe, shown, and gone by', async () => {
  const place = makePlace('keeping');
  const data = place.path('data');
  mkdirSync(data);
  writeFileSync(join(data, 'letter'), 'Dear Anna');
  await place.init();
  const ids: string[] = [];
  for (let night = 0; night < 3; night += 1) ids.push((await place.backup([data, '--type', 'daily'])).safeset);
  const [first = '', second = '', third = ''] = ids;

  assert.equal((await place.clean([])).status, 2, 'nobody said what to keep');
  const rule = ['--days', '0', '--copies', '1', '--intraday'];
  resultOf(await place.run('safe retention', ['daily', ...rule, ...place.secret]));
  assert.equal((await place.clean(['--keep', 'daily=99/99'])).status, 2, 'the safe says it itself');
  assert.equal((await place.run('safe retention', ['daily', ...rule, '--password-file', data])).status, 2);

  resultOf(await place.run('safe hold', [first.slice(0, 10), '--note', 'Akte 7', ...place.secret]));
  assert.equal((await place.run('safe lock', ['ffff', ...place.secret])).status, 11);
  const marked = (await rows(place)).find(({ safeset }) => safeset === first);
  assert.deepEqual(marked?.marks, [{ kind: 'hold', note: 'Akte 7', by: 'ledger' }]);
  const kept = resultOf<Kept>(await place.run('keep'));
  assert.deepEqual(kept.rules, [{ retention: 'daily', tried: false, rule: { days: 0, copies: 1, intraday: true } }]);
  assert.deepEqual(
    kept.safesets.map(({ reason }) => reason),
    ['held', 'retention', 'newest-good'],
  );
  resultOf(await place.clean([]));
  assert.deepEqual(
    (await rows(place)).map(({ safeset }) => safeset),
    [first, third],
  );
  resultOf(await place.run('safe hold', [first, '--off', ...place.secret]));
  assert.equal((await place.run('safe hold', [first, '--off', ...place.secret])).status, 2);
  resultOf(await place.clean([]));
  assert.deepEqual(
    (await rows(place)).map(({ safeset }) => safeset),
    [third],
  );
  assert.equal((await place.run('safe hold', [second, ...place.secret])).status, 11);
});

test('a plan is tried before anything is there, and before it is saved', async () => {
  const place = makePlace('plans');
  await place.init();
  const plan = ['--keep', 'daily=31/7', '--every', 'daily=daily', '--keep', 'monthly=0/12', '--every', 'monthly=monthly'];
  const { counts, safesets } = resultOf<Kept>(await place.run('keep', ['--simulate', ...plan]));
  assert.deepEqual(safesets, []);
  assert.deepEqual(
    counts.map(({ retention, most, end }) => [retention, most, end]),
    [
      ['daily', 32, 32],
      ['monthly', 12, 12],
    ],
  );
  assert.equal((await place.run('keep', ['--simulate', '--every', 'daily'])).status, 2);
  assert.equal((await place.run('keep', ['--simulate', '--keep', 'daily=1'])).status, 2);
});

test('a run that rewrites everything is told, flagged and keeps the older ones', async () => {
  const place = makePlace('unusual');
  const data = place.path('data');
  mkdirSync(data);
  const rewrite = (names: readonly number[]): void => {
    for (const name of names) writeFileSync(join(data, `file ${name}`), randomBytes(300_000));
  };
  const all = Array.from({ length: 30 }, (_, index) => index);
  rewrite(all);
  await place.init();
  for (let night = 0; night < 5; night += 1) {
    await place.backup([data]);
    rewrite([night]);
  }
  rewrite(all);
  const told = await twinvault(['backup', ...place.base, data]);
  assert.equal(told.status, 0);
  assert.match(told.stdout.toString(), /ATTENTION: this run changed far more than this job usually does/);
  const command = /twinvault safe flag ([0-9a-f]{8}) --off/.exec(told.stdout.toString());
  assert.ok(command);
  const flagged = (await rows(place)).at(-1);
  assert.deepEqual(flagged?.marks, [{ kind: 'flag', note: '', by: 'vault' }]);
  assert.match((await twinvault(['safesets', ...place.base])).stdout.toString(), /flag \(unusual run\)/);

  const limits = ['--days', '0', '--copies', '1', '--intraday'];
  resultOf(await place.clean(limits));
  assert.equal((await rows(place)).length, 6);
  resultOf(await place.run('safe flag', [command[1] ?? '', '--off', ...place.secret]));
  resultOf(await place.clean([...limits, '--allow-large']));
  assert.deepEqual(
    (await rows(place)).map(({ safeset, marks }) => [safeset, marks]),
    [[flagged?.safeset, []]],
  );
});
