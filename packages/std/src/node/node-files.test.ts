import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StdError } from '../errors.ts';
import { nodeFiles } from './node-files.ts';

test('a pipe in the place of a file is an error, and is not waited for', { skip: process.platform === 'win32' }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'twinvault-'));
  t.after(() => rm(directory, { recursive: true }));
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const isRefused = (error: unknown): boolean =>
    error instanceof StdError && error.code === 'file-failed' && error.context['kind'] === 'other';
  await assert.rejects(nodeFiles.read(pipe, 100), isRefused);
  await assert.rejects(nodeFiles.open(pipe), isRefused);
});
