/*
 * Runs benches: all of them, or those whose path holds the first word. What follows the first word goes to the benches.
 *
 *   npm run bench [-- NAME [ARGUMENT...]]
 *
 * A bench is a file `*.bench.ts` under bench/, or under a package's bench/ when it needs what that package does not export. It
 * answers one question and prints a table with units and ratios.
 */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [name = '', ...words] = process.argv.slice(2);
const benches = globSync(['bench/**/*.bench.ts', 'packages/*/bench/*.bench.ts'], { cwd: root })
  .filter((path) => path.includes(name))
  .sort();

if (benches.length === 0) {
  process.stderr.write(`No bench is called ${name}.\n`);
  process.exitCode = 1;
}
for (const path of benches) {
  process.stdout.write(`\n# ${path}\n`);
  const { status } = spawnSync(process.execPath, [path, ...words], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
}
