/*
 * Proves that a restore destroys nothing unless it is told to, in the original place too, and that one that is killed goes on
 * with the same command from where it was: what stands there whole is not fetched again, whatever the rule.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, jsonLines, resultOf, start } from './support/command.ts';
import { makePlace } from './support/place.ts';
import type { RestoreResult } from './support/place.ts';
import { makeTree, manifestDifferences, manifestOf } from './support/trees.ts';

const place = makePlace('rules');
const source = place.path('source');
const file = `${source}/letter.txt`;

function restoreWords(words: readonly string[]): string[] {
  return [...place.secret, '--safeset', 'latest', ...words];
}

async function inPlace(words: readonly string[]): Promise<RestoreResult> {
  return resultOf<RestoreResult>(await place.run('restore', restoreWords(['--in-place', ...words, source])));
}

test('a folder is backed up', async () => {
  makeTree(source, new Prng('rules'), { files: 150, bytes: 30_000_000 });
  writeFileSync(file, 'as it was\n');
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  await place.init();
  await place.backup([source]);
});

test('in place, nothing is destroyed by default; the rules say what is', async () => {
  const before = manifestOf(source);
  const change = (seconds: number): void => {
    writeFileSync(file, 'changed since\n');
    utimesSync(file, seconds, seconds);
  };
  const text = (): string => readFileSync(file, 'utf8');

  change(1_800_000_000);
  const gone = readdirSync(source).find((name) => statSync(`${source}/${name}`).isFile() && name !== 'letter.txt') ?? '';
  rmSync(`${source}/${gone}`);
  const skip = await inPlace([]);
  assert.deepEqual([skip.files, text()], [1, 'changed since\n']);
  assert.equal((await inPlace(['--conflict', 'newer'])).files, 0);
  assert.equal((await inPlace(['--conflict', 'different'])).files, 1);
  assert.equal(text(), 'as it was\n');
  change(1_600_000_000);
  assert.equal((await inPlace(['--conflict', 'newer'])).files, 1);
  assert.equal(text(), 'as it was\n');
  change(1_800_000_000);
  resultOf(await place.run('restore', restoreWords(['--in-place', '--conflict', 'rename-existing', file])));
  assert.deepEqual([text(), readFileSync(`${file} (before restore)`, 'utf8')], ['as it was\n', 'changed since\n']); // prettier-ignore
  rmSync(`${file} (before restore)`);
  await inPlace(['--conflict', 'overwrite']);
  assert.deepEqual(manifestDifferences(before, manifestOf(source)), []);
});

test('count and size come first; targets that make no sense are refused', async () => {
  const outcome = await place.run('restore', restoreWords(['--to', place.path('never'), '--dry-run']));
  const { entries, bytes } = resultOf<{ entries: number; bytes: number }>(outcome);
  assert.ok(entries > 150 && bytes > 20_000_000, `${entries} entries, ${bytes} bytes`);
  assert.ok(!existsSync(place.path('never', 'tmp')));
  const noted = jsonLines(await place.run('restore', restoreWords(['--to', place.path('b')]))).findIndex(
    (line) => line.type === 'note' && String(line['text']).startsWith(`${entries.toLocaleString('en-US')} entries`),
  );
  assert.equal(noted, 0, 'the first thing that is said');
  errorOf(await place.run('restore', restoreWords([])), 2);
  errorOf(await place.run('restore', restoreWords(['--to', '/x', '--in-place'])), 2);
});

test('a restore that is killed goes on with the same command, under a rule that would fetch all again', async () => {
  const to = place.path('resumed');
  const words = restoreWords(['--to', to, '--strip', place.root, '--conflict', 'overwrite']);
  const { child, ended } = start(['restore', ...place.base, '--json', ...words]);
  const files = (): number => (existsSync(to) ? readdirSync(to, { recursive: true, withFileTypes: true }) : []).filter((entry) => entry.isFile()).length; // prettier-ignore
  while (files() < 5 && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await ended;
  const there = files();
  const again = resultOf<RestoreResult & { already: number }>(await place.run('restore', words));
  assert.ok(there >= 5 && again.already >= there, `${again.already} of ${there}`);
  assert.deepEqual(manifestDifferences(manifestOf(source), manifestOf(`${to}/source`)), []);
  // It has ended: the same command now means what it says.
  const anew = resultOf<RestoreResult & { already: number }>(await place.run('restore', words));
  assert.equal(anew.already, 0);
});
