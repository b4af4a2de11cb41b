/* Proves that the home of a safe moves when two operators agree, and in no other case. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorOf, resultOf, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { makePlace } from './support/place.ts';

const place = makePlace('operators');

interface Key {
  readonly shortForm: string;
  readonly keyFile: string;
  readonly publicFile: string;
}

async function operatorKey(name: string): Promise<Key> {
  const files = ['--key-file', place.path(`${name}.key`), '--public-file', place.path(`${name}.pub`)];
  return resultOf<Key>(await twinvault(['vault', 'operator-key', '--json', '--name', name, ...files]));
}

function promote(...words: readonly string[]): Promise<Outcome> {
  return twinvault(['vault', 'promote', '--json', '--vault', place.vault, ...words]);
}

function add(key: Key): Promise<Outcome> {
  return place.run('safe operator', [...place.secret, '--add', key.publicFile]);
}

test('an operator needs a key of their own, and the owner of the safe says who is one', async () => {
  await place.init();
  const anna = await operatorKey('Anna');
  assert.equal(statSync(anna.keyFile).mode & 0o777, 0o600);
  errorOf(
    await twinvault([
      'vault',
      'operator-key',
      '--name',
      'x',
      '--json',
      '--key-file',
      anna.keyFile,
      '--public-file',
      place.path('x'),
    ]),
    2,
  );
  assert.equal(
    errorOf(await place.run('safe operator', [...place.secret, '--add', anna.keyFile]), 2).code,
    'operator-key-invalid',
  );
  const { added } = resultOf<{ added: { shortForm: string } }>(await add(anna));
  assert.equal(added.shortForm, anna.shortForm);
  errorOf(await add(anna), 2);
  const proposal = place.path('alone.json');
  assert.equal(
    errorOf(await promote('--key-file', anna.keyFile, '--safe', 'home', '--propose', proposal), 12).code,
    'operator-alone',
  );
});

test('two of them move the home; one alone, a stranger, or a file that others can read do not', async () => {
  const anna = { keyFile: place.path('Anna.key') };
  const [ben, eve] = [await operatorKey('Ben'), await operatorKey('Eve')];
  resultOf(await add(ben));
  const { operators } = resultOf<{ operators: { name: string }[] }>(await place.run('safe operator'));
  assert.deepEqual(
    operators.map(({ name }) => name),
    ['Anna', 'Ben'],
  );
  const file = place.path('move.json');
  assert.equal(
    errorOf(await promote('--key-file', eve.keyFile, '--safe', 'home', '--propose', file), 12).code,
    'operator-unknown',
  );
  const proposed = resultOf<{ safes: string[]; site: string }>(
    await promote('--key-file', anna.keyFile, '--all-safes', '--propose', file),
  );
  assert.equal(proposed.safes.length, 1);
  for (const key of [anna.keyFile, eve.keyFile])
    assert.equal(errorOf(await promote('--key-file', key, '--countersign', file), 12).code, 'operator-unknown');
  chmodSync(ben.keyFile, 0o644);
  assert.equal(errorOf(await promote('--key-file', ben.keyFile, '--countersign', file), 9).code, 'secret-exposed');
  chmodSync(ben.keyFile, 0o600);

  const forged = place.path('forged.json');
  writeFileSync(forged, readFileSync(file, 'utf8').replace(/"created": \d+,\n {8}"epoch"/u, '"created": 5,\n        "epoch"'));
  assert.equal(errorOf(await promote('--key-file', ben.keyFile, '--countersign', forged), 12).code, 'ledger-signer');
  const moved = resultOf<{ safes: string[]; by: string }>(await promote('--key-file', ben.keyFile, '--countersign', file));
  assert.deepEqual([moved.by, moved.safes], ['Anna', proposed.safes]);
  // The same again changes nothing.
  resultOf(await promote('--key-file', ben.keyFile, '--countersign', file));
  errorOf(await promote('--key-file', ben.keyFile, '--safe', 'home', '--propose', place.path('again.json')), 2);
  await place.backup([place.passwordFile]);
});

test('who is removed signs nothing any more', async () => {
  resultOf(await place.run('safe operator', [...place.secret, '--remove', 'Ben']));
  const { operators } = resultOf<{ operators: { name: string }[] }>(await place.run('safe operator'));
  assert.deepEqual(
    operators.map(({ name }) => name),
    ['Anna'],
  );
  errorOf(await place.run('safe operator', [...place.secret, '--remove', 'Ben']), 11);
});
