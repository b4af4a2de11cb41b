/* Two sites of `twinvault serve`: what is backed up to one stands at the other, which restores it, and says that nothing is behind. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '@twinvault/testkit';
import { errorOf, start, twinvault } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';
import { heard } from './support/running.ts';

test('a backup to one site is restored from the other', async () => {
  const place = temporaryDirectory('two-sites');
  const [data, files, back] = [join(place, 'data'), join(place, 'files'), join(place, 'back')];
  mkdirSync(files);
  writeFileSync(join(files, 'note.txt'), 'both have it');
  writeFileSync(join(place, 'password'), 'correct horse battery 77\n');
  const origin = `https://localhost:${await freePort()}`;
  const serving = start(['serve', data, '--address', origin, '--sites', 'a,b']);
  await heard(serving, /Next, .*\n/u);
  const token = (site: 'a' | 'b'): string => join(data, site, 'token');
  const at = (site: 'a' | 'b'): string[] => ['--token-file', token(site)];
  const state = ['--state', join(place, 'state')];
  const password = ['--password-file', join(place, 'password')];
  const run = async (words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await twinvault([...words]);
    assert.equal(status, 0, `${words.join(' ')}: ${stderr}`);
    return stdout.toString();
  };
  await run(['init', ...at('a'), ...state, ...password, '--safe', 'home', '--kit-file', join(place, 'kit.pdf')]);
  await run(['backup', ...at('a'), ...state, '--safe', 'home', files]);
  for (;;) {
    const { status, stdout } = await twinvault(['safesets', ...at('b'), ...state, '--safe', 'home', '--json']);
    if (status === 0 && (JSON.parse(stdout.toString()) as { safesets: object[] }).safesets.length === 1) break;
  }
  await run(['restore', ...at('b'), ...state, ...password, '--safe', 'home', '--safeset', 'latest', '--to', back]);
  assert.equal(readFileSync(join(back, files, 'note.txt'), 'utf8'), 'both have it');
  const { late } = JSON.parse(await run(['vault', 'twins', ...at('b'), '--json'])) as { late: number };
  assert.equal(late, 0);
  const both = JSON.parse(
    await run(['safesets', '--token-file', `${token('b')},${token('a')}`, ...state, '--safe', 'home', '--json']),
  ) as { safesets: { sites: string[] }[] };
  assert.deepEqual(
    both.safesets.map(({ sites }) => sites.length),
    [2],
  );
  const twice = ['--token-file', `${token('a')},${token('a')}`, '--safe', 'home', '--json'];
  assert.match(errorOf(await twinvault(['safesets', ...twice]), 2).message, /one for each of the two sites/u);
  const vault = ['--vault', `${origin}/a,${origin}/b`];
  const one = await twinvault(['safesets', ...vault, ...at('a'), '--safe', 'home', '--json']);
  assert.match(errorOf(one, 2).message, /for two sites two/u);
  const other = ['--vault', `${origin}/a,${origin}/c`, '--token-file', `${token('a')},${token('b')}`];
  assert.match(errorOf(await twinvault(['safesets', ...other, '--safe', 'home', '--json']), 2).message, /Leave --vault out/u);
  serving.child.kill('SIGINT');
  assert.equal((await serving.ended).status, 0);
});
