/*
 * Proves that what `npm run build` makes works by itself: built into a folder, moved to another place, it tells its version, makes a safe, backs up,
 * restores the same and checks, all with code and threads of the bundle; and that V8's code that lies beside it is of use.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Prng } from '@twinvault/std';
import { expectExit, resultOf, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { makePlace } from './support/place.ts';
import { differencesBelow, makeTree } from './support/trees.ts';

const builder = fileURLToPath(new URL('../../../tools/build/run.ts', import.meta.url));
const place = makePlace('published');
const folder = place.path('moved/twinvault');
const source = place.path('source');

async function run(verb: string, ...words: readonly string[]): Promise<Outcome> {
  return await place.run(verb, words, { launcher });
}

const launcher = join(folder, 'bin/twinvault');

before(() => {
  const built = place.path('built');
  execFileSync(process.execPath, [builder, built], { stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(place.path('moved'));
  renameSync(built, folder);
});

test('it tells the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  assert.equal(expectExit(await twinvault(['--version'], { launcher }), 0).stdout.toString(), `twinvault ${version}\n`);
});

test('what it backs up comes back, and what it stored is sound', async () => {
  makeTree(source, new Prng('published'), { files: 60, bytes: 3_000_000 });
  resultOf(await run('init', ...place.secret, '--kit-file', place.kitFile));
  const first = resultOf<{ result: string; uploadedBytes: number }>(await run('backup', source));
  assert.equal(first.result, 'ok');
  assert.ok(first.uploadedBytes > 1_000_000);
  writeFileSync(join(source, 'letter.txt'), 'words\n');
  assert.equal(resultOf<{ result: string }>(await run('backup', source)).result, 'ok');
  const to = place.path('restored');
  resultOf(await run('restore', ...place.secret, '--safeset', 'latest', '--to', to));
  assert.deepEqual(differencesBelow(source, join(to, source)), []);
  resultOf(await run('check', ...place.secret, '--read-data'));
});

test("V8's code lies beside the bundle for the command and each kind of thread, and it takes it", () => {
  const kept = readdirSync(folder).filter((name) => name.endsWith('.code'));
  assert.deepEqual(kept.sort(), ['command.code', 'engine-restore-thread.code', 'engine-workers-worker-main.code']);
  const options =
    /^exec "\$node" (.*) "\$main"/m.exec(readFileSync(join(folder, 'bin/twinvault'), 'utf8'))?.[1]?.split(' ') ?? [];
  assert.ok(options.length > 1);
  const refused = `require(${JSON.stringify(join(folder, 'load.cjs'))});
    process.stdout.write(String(require.cache[${JSON.stringify(join(folder, 'load.cjs'))}].script.cachedDataRejected));`;
  const told = execFileSync(join(folder, 'bin/node'), [...options, '-e', refused], { encoding: 'utf8' });
  assert.equal(told, 'false');
});

test('what only services load is there and speaks of the same errors', async () => {
  const configuration = place.path('site.yaml');
  writeFileSync(configuration, '[');
  const { stderr } = expectExit(await twinvault(['vault', 'run', '--config', configuration], { launcher }), 2);
  assert.match(stderr, /cannot be used/u);
});

test('a site makes its certificate and tokens', async () => {
  const configuration = place.path('made.yaml');
  const lines = [
    'address: https://localhost:9443',
    'listen: 127.0.0.1:9443',
    'state: made-state',
    'store: { directory: made-vault }',
  ];
  writeFileSync(configuration, lines.join('\n'));
  const token = place.path('token');
  const words = ['vault', 'token', '--config', configuration, '--all-safes', '--verbs', 'create', '--token-file', token];
  expectExit(await twinvault(words, { launcher }), 0);
  assert.match(readFileSync(token, 'utf8'), /sha256:[0-9a-f]{64}/u);
});
