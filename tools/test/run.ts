/*
 * Runs the tests of the whole repository, or of the files that hold one of the given words, in one run of node:test:
 *
 *   npm test [-- WORD...]        npm run soak [-- WORD...]
 *
 * Arguments beginning with `--test-` go to Node as they are (`--test-name-pattern=...`).
 */

import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { selectTestFiles } from './files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const words = process.argv.slice(2);
const nodeFlags = words.filter((word) => word.startsWith('--test-'));
const slow = words.includes('--slow');
const filters = words.filter((word) => !word.startsWith('--'));
const files = selectTestFiles({ root, slow, filters });

if (files.length === 0 && !(slow && filters.length === 0)) {
  process.stderr.write(`No ${slow ? 'slow ' : ''}test file matches ${filters.join(' ')}.\n`);
  process.exitCode = 1;
} else {
  const concurrency = `--test-concurrency=${availableParallelism()}`;
  const flags = ['--test', concurrency, '--test-reporter=spec', ...nodeFlags];
  const done = spawnSync(process.execPath, [...flags, ...files], { cwd: root, stdio: 'inherit' });
  process.exitCode = done.status ?? 1;
}
