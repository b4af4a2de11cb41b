/*
 * The bench against the others works: at the smallest scale, with Twinvault alone, it goes through a backup, a change and a restore that
 * is compared, and its profile finds the stages.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Results } from '../peers/results.ts';
import { canMeasure } from '../support/measure.ts';

const bench = fileURLToPath(new URL('../peers.bench.ts', import.meta.url));
const skip = canMeasure() ? false : 'GNU time is not installed';

function folderOfTest(context: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'twinvault-bench-test-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the smallest run measures every chosen case and writes all of it', { skip }, (context) => {
  const json = join(folderOfTest(context), 'results.json');
  const words = ['twinvault', 'database', 'first-backup', 'pages-changed', 'restore', '--scale', '0.01', '--rounds', '1'];
  const output = execFileSync(process.execPath, [bench, ...words, '--json', json, '--markdown'], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const { inputs, nights, rounds } = JSON.parse(readFileSync(json, 'utf8')) as Results;
  assert.deepEqual([inputs.map(({ name }) => name), nights, rounds], [['database'], [], 1]);
  const cases = inputs[0]?.cases ?? [];
  assert.deepEqual(
    cases.map(({ name, programs }) => [name, programs.map(({ program }) => program)]),
    [
      ['first-backup', ['twinvault']],
      ['restore', ['twinvault']],
      ['pages-changed', ['twinvault']],
    ],
  );
  const [first, restored, changed] = cases.map(({ programs }) => programs[0]?.median);
  for (const median of [first, restored, changed]) {
    assert.ok(median !== undefined && median.wallSeconds > 0 && median.peakMiB > 10, JSON.stringify(median));
  }
  const size = inputs[0]?.size.bytes ?? 0;
  assert.ok((first?.addedBytes ?? 0) > size / 4 && (first?.addedBytes ?? 0) < size, 'pages compress to about half');
  assert.ok((changed?.addedBytes ?? Infinity) < size / 5, 'only what changed is sent');
  assert.equal(restored?.storedBytes, null);
  assert.match(output, /^\| restore of everything \| twinvault \|/m);
});

test('a profile tells the stages of a run', { skip }, (context) => {
  const json = join(folderOfTest(context), 'profile.json');
  // Large enough that a worker compresses for many times the profiler's half millisecond.
  const words = ['--profile', 'database', 'first-backup', '--scale', '0.1', '--json', json];
  const output = execFileSync(process.execPath, [bench, ...words], { encoding: 'utf8', stdio: 'pipe' });
  const [input] = JSON.parse(readFileSync(json, 'utf8')) as {
    profiles: { workers: Record<string, number>; workerCount: number }[];
  }[];
  const [profiled] = input?.profiles ?? [];
  assert.ok((profiled?.workerCount ?? 0) >= 1);
  assert.ok((profiled?.workers['compress'] ?? 0) > 0, JSON.stringify(profiled?.workers));
  assert.match(output, /^start-up /m);
});

test('a word that nothing has is told, with those that there are', () => {
  const { status, stderr } = spawnSync(process.execPath, [bench, 'databse'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /Nothing is called databse\.[^]*source-tree, office, media/);
});
