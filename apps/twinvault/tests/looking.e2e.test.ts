/*
 * Proves that find, history and diff tell what happened to files over several safesets: each version once, what changed in
 * which safeset, and what differs between two.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorOf, expectExit, jsonLines, resultOf, twinvault } from './support/command.ts';
import type { JsonLine } from './support/command.ts';
import { makePlace } from './support/place.ts';

const place = makePlace('looking');
const source = place.path('source');
const letter = `${source}/letters/Größe.txt`;
const stored: string[] = [];

async function items(verb: string, words: readonly string[], status = 0): Promise<readonly JsonLine[]> {
  const outcome = await place.run(verb, [...place.secret, ...words]);
  resultOf(outcome, status);
  return jsonLines(outcome).filter(({ type }) => type === 'item');
}

function put(path: string, text: string, seconds: number): void {
  writeFileSync(path, text);
  utimesSync(path, seconds, seconds);
}

test('four safesets in which files come, change and go', async () => {
  mkdirSync(`${source}/letters`, { recursive: true });
  await place.init();
  const store = async (): Promise<void> => void stored.push((await place.backup([source])).safeset);
  put(letter, 'first', 1_600_000_000);
  put(`${source}/large.bin`, 'x'.repeat(300_000), 1_600_000_000);
  await store();
  put(letter, 'second words', 1_700_000_000);
  await store();
  chmodSync(letter, 0o600);
  rmSync(`${source}/large.bin`);
  await store();
  rmSync(letter);
  put(`${source}/letters/other.txt`, 'new', 1_750_000_000);
  await store();
});

test('find tells each version once, with the newest safeset that holds it', async () => {
  const found = await items('find', ['größe.*', '--ignore-case']);
  assert.deepEqual(
    found.map((item) => [item['path'], item['sizeBytes'], item['safeset']]),
    [
      [letter, 12, stored[2]],
      [letter, 5, stored[0]],
    ],
  );
  assert.equal((await items('find', [`${source}/**/*.txt`])).length, 3);
  assert.deepEqual((await items('find', ['--larger', '100k'])).map((item) => item['safeset']), [stored[1]]); // prettier-ignore
  assert.equal((await items('find', ['*.txt', '--changed-after', '2024-01-01', '--below', `${source}/letters`])).length, 1);
  assert.equal((await items('find', ['--kind', 'folder', 'letters', '--safeset', stored[0] ?? ''])).length, 1);
  assert.deepEqual(await items('find', ['GRÖSSE*'], 11), []);
  errorOf(await place.run('find', [...place.secret, '[a']), 2);
  errorOf(await place.run('find', [...place.secret, '--larger', 'big']), 2);
  errorOf(await place.run('find', [...place.secret, '--job', 'nowhere']), 11);
});

test('history tells each version with its first and last safeset', async () => {
  const versions = await items('history', [letter]);
  assert.deepEqual(
    versions.map((item) => [item['change'], item['first'], item['last'], item['safesets'], item['sizeBytes']]),
    [
      ['new', stored[0], stored[0], 1, 5],
      ['content', stored[1], stored[1], 1, 12],
      ['metadata', stored[2], stored[2], 1, 12],
      ['removed', stored[3], stored[3], 1, undefined],
    ],
  );
  assert.deepEqual(versions[2]?.['metadata'], ['mode']);
  const text = await twinvault(['history', ...place.base, ...place.secret, letter]);
  assert.match(expectExit(text, 0).stdout.toString(), /mode changed\n[0-9a-f]{8} .*not there\n$/u);
  errorOf(await place.run('history', [...place.secret, '/nowhere']), 11);
});

test('diff tells what was added, removed and changed', async () => {
  const changes = async (words: readonly string[]): Promise<unknown[]> =>
    // The folders above change with whatever else goes on in them.
    (await items('diff', ['--below', source, ...words]))
      .map((item) => `${String(item['change'])} ${String(item['path']).slice(source.length)}`)
      .sort();
  const [first = '', second = '', third = ''] = stored;
  assert.deepEqual(await changes([first, second]), ['content /letters/Größe.txt']);
  assert.deepEqual(await changes([second, third]), ['metadata ', 'metadata /letters/Größe.txt', 'removed /large.bin']);
  assert.deepEqual(await changes([third, 'latest', '--content-only']), [
    'added /letters/other.txt',
    'removed /letters/Größe.txt',
  ]);
  assert.deepEqual(await changes([second, third, '--below', `${source}/letters`]), ['metadata /letters/Größe.txt']);
  assert.deepEqual(await changes([second, second]), []);
  errorOf(await place.run('diff', [...place.secret, first, 'ffffffff']), 11);
});
