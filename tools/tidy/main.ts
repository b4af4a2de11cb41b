/*
 * Holds the repository to every tidy rule and prints what to mend: `npm run tidy`. The same rules run as tests in
 * repository.test.ts.
 */

import { fileURLToPath } from 'node:url'
import { openRepository } from './repository.ts'
import { describeFindings } from './rule.ts'
import { rules } from './rules.ts'

const repository = openRepository(fileURLToPath(new URL('../..', import.meta.url)))
let count = 0
for (const rule of rules) {
  const findings = await rule.check(repository)
  count += findings.length
  if (findings.length > 0) process.stdout.write(`${describeFindings(rule, findings)}\n\n`)
}
process.stdout.write(count === 0 ? `tidy: ${rules.length} rules hold\n` : `tidy: ${count} findings\n`)
process.exitCode = count === 0 ? 0 : 1
