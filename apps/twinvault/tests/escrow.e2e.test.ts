/* Proves that a company's escrow key opens the safes that were given it, that everybody who uses them is told, and that it ends. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { errorOf, jsonLines, resultOf, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { makePlace } from './support/place.ts';

const place = makePlace('escrow');
const [key, open] = [place.path('company.key'), place.path('company.pub')];

function isTold(outcome: Outcome): boolean {
  return jsonLines(outcome).some(
    ({ type, text }) => type === 'note' && /escrow key of "Example Ltd" \(.{19}\)/u.test(String(text)),
  );
}

test('an escrow key opens the safe it was given to, and everybody is told', async () => {
  await place.init();
  await place.backup([place.passwordFile]);
  const words = ['escrow', '--json', '--name', 'Example Ltd', '--key-file', key, '--public-file', open];
  const { shortForm } = resultOf<{ shortForm: string }>(await twinvault(words));
  assert.equal(statSync(key).mode & 0o777, 0o600);
  errorOf(await twinvault(words), 2);

  const ls = ['--safeset', 'latest', '--escrow-file', key];
  assert.equal(errorOf(await place.run('ls', ls), 5).code, 'slot-missing');
  errorOf(await place.run('safe escrow', [...place.secret, '--add', key]), 5);
  const added = resultOf<{ added: { shortForm: string } }>(await place.run('safe escrow', [...place.secret, '--add', open]));
  assert.equal(added.added.shortForm, shortForm);
  errorOf(await place.run('safe escrow', [...place.secret, '--add', open]), 2);

  const outcomes = [
    await place.run('ls', ls),
    await place.run('backup', [place.passwordFile]),
    await place.run('safesets'),
    await place.run('restore', [...place.secret, '--safeset', 'latest', '--to', place.path('back')]),
  ];
  for (const outcome of outcomes) {
    resultOf(outcome);
    assert.ok(isTold(outcome), outcome.told);
  }
  const { escrows } = resultOf<{ escrows: unknown }>(await place.run('safe escrow'));
  assert.deepEqual(escrows, [{ name: 'Example Ltd', shortForm }]);
});

test('it ends when it is removed', async () => {
  resultOf(await place.run('safe escrow', ['--escrow-file', key, '--remove']));
  const shown = await place.run('safe slots');
  assert.ok(!isTold(shown), shown.told);
  assert.deepEqual(resultOf<{ escrows: unknown }>(shown).escrows, []);
  assert.equal(errorOf(await place.run('ls', ['--safeset', 'latest', '--escrow-file', key]), 5).code, 'slot-missing');
  resultOf(await place.run('ls', [...place.secret, '--safeset', 'latest']));
});
