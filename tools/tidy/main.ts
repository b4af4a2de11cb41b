/*
 * Holds the repository to every tidy rule and prints what to mend: `npm run tidy`. With `--write` it first makes the
 * pages anew that come from the source. The same rules run as tests in repository.test.ts.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pages } from './pages.ts';
import { openRepository } from './repository.ts';
import { describeFindings } from './rule.ts';
import { rules } from './rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function writePages(): void {
  const repository = openRepository(root);
  for (const { path, make } of pages) {
    const text = make(repository);
    if (text !== null) writeFileSync(join(root, path), text);
  }
}

async function countFindings(): Promise<number> {
  const repository = openRepository(root);
  let count = 0;
  for (const rule of rules) {
    const findings = await rule.check(repository);
    count += findings.length;
    if (findings.length > 0) process.stdout.write(`${describeFindings(rule, findings)}\n\n`);
  }
  return count;
}

if (process.argv.includes('--write')) writePages();
const count = await countFindings();
process.stdout.write(count === 0 ? `tidy: ${rules.length} rules hold\n` : `tidy: ${count} findings\n`);
process.exitCode = count === 0 ? 0 : 1;
