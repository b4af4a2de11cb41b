/*
 * Several real processes on one directory: backups of several jobs that reuse each other's packs, and clean-ups without delay beside
 * them. Then some are killed at random moments. Every record that a process reported is there, everything it refers to is, and what
 * the killed ones held is free at once.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng, toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { createDirectoryVault, openDirectoryVault } from '../src/index.ts';
import { sharedSafe } from './committer.ts';

const script = fileURLToPath(new URL('committer.ts', import.meta.url));

interface Child {
  readonly process: ChildProcess;
  /** Lines it printed, complete ones alone. */
  readonly lines: () => string[];
  readonly failure: () => string;
  readonly ended: Promise<number | null>;
}

function start(...words: readonly string[]): Child {
  const child = spawn(process.execPath, ['--no-warnings', script, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, problems] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (problems += data.toString()));
  const ended = once(child, 'close').then(([status]) => status as number | null);
  return { process: child, lines: () => out.split('\n').slice(0, -1), failure: () => problems, ended };
}

async function directory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'twinvault-processes-'));
  const platform = nodePlatform();
  await using vault = await createDirectoryVault({ path, platform });
  await vault.createSafe(sharedSafe().mine.newSafe);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** All reported records are known and nothing is wrong. */
async function verify(path: string, reported: readonly string[]): Promise<void> {
  await using vault = await openDirectoryVault({ path, platform: nodePlatform() });
  const safe = await vault.openSafe(sharedSafe().mine.safe);
  const known = new Set((await safe.records()).map(({ digest }) => toHex(digest)));
  for (const line of reported) assert.ok(known.has(line), line);
  const { problems } = await vault.check({ readData: true });
  assert.deepEqual(
    problems.filter(({ severity }) => severity !== 'note'),
    [],
  );
}

test('backups of several jobs and clean-ups beside them', async () => {
  await using place = await directory();
  const children = [
    start(place.path, 'backup', '0', '6', 'one'),
    start(place.path, 'backup', '1', '6', 'two'),
    start(place.path, 'backup', '1', '3', 'two'),
    start(place.path, 'clean', '12'),
  ];
  for (const child of children) assert.equal(await child.ended, 0, child.failure());
  const lines = children.flatMap((child) => child.lines());
  assert.equal(new Set(lines).size, 15);
  await verify(place.path, lines);
});

test('killed at random moments, the next process goes on at once', async () => {
  await using place = await directory();
  const prng = new Prng('kill');
  const reported: string[] = [];
  for (let round = 0; round < 8; round += 1) {
    const child = start(place.path, ...(round % 4 === 3 ? ['clean', '99'] : ['backup', '2', '99', 'job']));
    await delay(prng.between(150, 600));
    child.process.kill('SIGKILL');
    await child.ended;
    assert.equal(child.failure(), '');
    reported.push(...child.lines());
  }
  const startedMs = performance.now();
  const last = start(place.path, 'backup', '2', '1', 'job');
  assert.equal(await last.ended, 0, last.failure());
  if (process.platform === 'linux') assert.ok(performance.now() - startedMs < 60_000);
  await verify(place.path, [...reported, ...last.lines()]);
});
