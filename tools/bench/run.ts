/*
 * Runs the benches of the repository one after another, or those whose path holds one of the given words:
 *
 *   npm run bench [-- WORD...]
 *
 * A bench is a file `*.bench.ts` under bench/, or under a package's bench/ when it needs what that package does not export. It
 * answers one question and prints a table with units and ratios.
 */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const words = process.argv.slice(2);
const benches = globSync(['bench/**/*.bench.ts', 'packages/*/bench/*.bench.ts'], { cwd: root })
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort();

if (benches.length === 0) process.stdout.write('No bench matches.\n');
for (const path of benches) {
  process.stdout.write(`\n# ${path}\n`);
  const { status } = spawnSync(process.execPath, [path], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
}
