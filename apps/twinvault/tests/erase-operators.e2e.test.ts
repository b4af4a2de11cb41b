/* Proves that two operators have safes erased, and take that back, in files that they hand to each other; that one alone cannot; and what each of them sees. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorOf, resultOf, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { makePlace } from './support/place.ts';

const place = makePlace('erase-operators');
const [anna, ben, eve] = ['Anna', 'Ben', 'Eve'].map((name) => ({
  name,
  key: place.path(`${name}.key`),
  pub: place.path(`${name}.pub`),
})) as [Person, Person, Person];

interface Person {
  readonly name: string;
  readonly key: string;
  readonly pub: string;
}

function erase({ key }: Person, ...words: readonly string[]): Promise<Outcome> {
  return twinvault(['vault', 'erase', '--json', '--vault', place.vault, '--key-file', key, ...words]);
}

function certificates(...words: readonly string[]): Promise<Outcome> {
  return twinvault(['vault', 'certificate', '--json', '--vault', place.vault, ...words]);
}

interface Submitted {
  readonly safes: readonly { readonly label: string; readonly order: string; readonly due: number | null }[];
  readonly left: readonly { readonly label: string; readonly code: string }[];
}

const files = ['home', 'office'];

test('two safes, two operators of both', async () => {
  await place.init();
  const init = [
    '--safe',
    'office',
    '--kit-file',
    place.path('office.txt'),
    '--password-file',
    place.passwordFile,
    '--state',
    place.state,
  ];
  resultOf(await twinvault(['init', '--json', '--vault', place.vault, ...init]));
  for (const { name, key, pub } of [anna, ben, eve])
    resultOf(await twinvault(['vault', 'operator-key', '--json', '--name', name, '--key-file', key, '--public-file', pub]));
  for (const safe of files) {
    for (const { pub } of [anna, ben]) {
      const words = ['--safe', safe, '--add', pub, '--password-file', place.passwordFile, '--state', place.state];
      resultOf(await twinvault(['safe', 'operator', '--json', '--vault', place.vault, ...words]));
    }
  }
  await place.backup([place.passwordFile]);
});

test('the first proposes, and nothing has happened; the second sees what it is and has to say so', async () => {
  const file = place.path('home.json');
  errorOf(await erase(anna, '--safe', 'home', '--propose', file), 2);
  errorOf(await erase(anna, '--whole', '--propose', file), 2);
  errorOf(await erase(anna, '--safe', 'home', '--whole', '--job', 'files', '--propose', file), 2);
  errorOf(await erase(anna, '--safe', 'home', '--job', 'none', '--propose', file), 11);
  assert.equal(errorOf(await erase(eve, '--safe', 'home', '--whole', '--propose', file), 12).code, 'operator-unknown');
  resultOf(await erase(anna, '--safe', 'home', '--whole', '--propose', file));
  errorOf(await certificates('--safe', 'home'), 11);

  const { message } = errorOf(await erase(ben, '--countersign', file), 2);
  assert.match(message, /"Anna" proposes[^]*home[^]*the whole safe[^]*--confirm home/u);
  errorOf(await erase(ben, '--countersign', file, '--confirm', 'office'), 2);
  for (const who of [anna, eve])
    assert.equal(errorOf(await erase(who, '--countersign', file, '--confirm', 'home'), 12).code, 'operator-unknown');
  const forged = place.path('forged.json');
  writeFileSync(forged, readFileSync(file, 'utf8').replace('"number": 1,\n        "jobs"', '"number": 2,\n        "jobs"'));
  assert.notEqual(readFileSync(forged, 'utf8'), readFileSync(file, 'utf8'));
  errorOf(await erase(ben, '--countersign', forged, '--confirm', 'home'), 12);
  errorOf(
    await twinvault(['vault', 'promote', '--json', '--vault', place.vault, '--key-file', ben.key, '--countersign', file]),
    2,
  );

  const { safes } = resultOf<Submitted>(await erase(ben, '--countersign', file, '--confirm', 'home'));
  assert.deepEqual(
    safes.map(({ label }) => label),
    ['home'],
  );
  // The same again changes nothing.
  assert.deepEqual(resultOf<Submitted>(await erase(ben, '--countersign', file, '--confirm', 'home')).safes, safes);
  const { orders } = resultOf<{ orders: { state: string; byRoot: boolean }[] }>(await certificates('--safe', 'home'), 3);
  assert.deepEqual(
    orders.map(({ state, byRoot }) => [state, byRoot]),
    [['waiting', false]],
  );
  errorOf(await certificates('--safe', 'home', '--out', place.path('none.jsonl')), 11);
});

test('two take it back, and nobody else', async () => {
  const { orders } = resultOf<{ orders: { order: string }[] }>(await place.run('safe erase'));
  const id = orders[0]?.order.slice(0, 8) ?? '';
  errorOf(await place.run('safe erase', [...place.secret, '--cancel', id]), 12);
  const file = place.path('back.json');
  errorOf(await erase(ben, '--safe', 'home', '--cancel', 'ffff', '--propose', file), 11);
  resultOf(await erase(ben, '--safe', 'home', '--cancel', id, '--propose', file));
  assert.equal(errorOf(await erase(eve, '--countersign', file), 12).code, 'operator-unknown');
  const { safes } = resultOf<Submitted>(await erase(anna, '--countersign', file));
  assert.equal(safes[0]?.order, orders[0]?.order);
  resultOf(await certificates('--safe', 'home'));
  errorOf(await erase(ben, '--safe', 'home', '--cancel', 'all', '--propose', place.path('again.json')), 11);
  await place.backup([place.passwordFile]);
});

test('several safes go one by one: what is left out is named, and the same call goes on', async () => {
  const file = place.path('both.json');
  resultOf(await erase(anna, '--safe', 'home', '--safe', 'office', '--safe', 'home', '--whole', '--propose', file));
  // The ledger of one goes on: its act is good no more.
  const words = ['--safe', 'office', '--add', eve.pub, '--password-file', place.passwordFile, '--state', place.state];
  resultOf(await twinvault(['safe', 'operator', '--json', '--vault', place.vault, ...words]));
  const { safes, left } = resultOf<Submitted>(await erase(ben, '--countersign', file, '--confirm', '2 safes'), 3);
  assert.deepEqual(
    [safes.map(({ label }) => label), left.map(({ label, code }) => [label, code])],
    [['home'], [['office', 'proposal-stale']]],
  );
  const again = place.path('jobs.json');
  const jobs = resultOf<{ left: { code: string }[] }>(
    await erase(anna, '--safe', 'home', '--safe', 'office', '--job', (await place.safesets())[0]?.job ?? '', '--propose', again),
  );
  assert.deepEqual(
    jobs.left.map(({ code }) => code),
    ['nothing'],
  );
});

test('all safes of a customer, and nothing of another one', async () => {
  const whose = { home: 'Ada & Co', office: 'Ben' };
  for (const [safe, customer] of Object.entries(whose))
    resultOf(await twinvault(['vault', 'assign', '--json', '--vault', place.vault, '--safe', safe, '--customer', customer]));
  const file = place.path('customer.json');
  errorOf(await erase(anna, '--customer', 'Nobody', '--whole', '--propose', file), 11);
  errorOf(await erase(anna, '--customer', 'Ben', '--safe', 'home', '--whole', '--propose', file), 2);
  resultOf(await erase(anna, '--customer', 'Ada & Co', '--whole', '--propose', file));

  // A file that says what is not so.
  const other = place.path('other.json');
  resultOf(await erase(anna, '--safe', 'office', '--whole', '--propose', other));
  const text = readFileSync(other, 'utf8');
  writeFileSync(other, text.replace('"acts"', '"customer": "Ada & Co",\n  "acts"'));
  const { message } = errorOf(await erase(ben, '--countersign', other, '--confirm', 'Ada & Co'), 12);
  assert.match(message, /not theirs at this site/u);

  errorOf(await erase(ben, '--countersign', file, '--confirm', 'Ben'), 2);
  const { safes } = resultOf<Submitted>(await erase(ben, '--countersign', file, '--confirm', 'Ada & Co'));
  assert.deepEqual(
    safes.map(({ label }) => label),
    ['home'],
  );
  const { orders } = resultOf<{ orders: { label: string }[] }>(await certificates('--customer', 'Ada & Co'), 3);
  assert.deepEqual([...new Set(orders.map(({ label }) => label))], ['home']);
});
