import type { Repository } from '../repository.ts';
import type { Finding, Rule } from '../rule.ts';

const sections = ['## Context', '## Decision', '## Consequences'];

/** Decisions are numbered without gaps, say their status, have three sections. */
export const adrRule: Rule = {
  name: 'adr',
  why: 'a decision is looked up by its number and is never edited, only superseded',
  check(repository) {
    const findings: Finding[] = [];
    const paths = repository.paths.filter((path) => path.startsWith('docs/adr/') && path !== 'docs/adr/README.md');
    for (const [index, path] of paths.entries()) {
      const name = /^docs\/adr\/((\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md)$/.exec(path);
      const [, file, number] = name ?? [];
      if (file === undefined || number === undefined) {
        findings.push({ path, message: 'the name is NNNN-title-in-kebab-case.md.' });
        continue;
      }
      const expected = String(index + 1).padStart(4, '0');
      if (number !== expected) findings.push({ path, message: `its number is ${expected}: numbers have no gap and no double.` });
      findings.push(...shape(repository, path, number));
    }
    return findings;
  },
};

function shape(repository: Repository, path: string, number: string): Finding[] {
  const text = repository.text(path);
  const findings: Finding[] = [];
  if (!text.startsWith(`# ${number}: `)) findings.push({ path, line: 1, message: `the first line is "# ${number}: Title".` });
  const status = /^Status: (?:accepted|(?:accepted, in one point )?superseded by (\d{4}))$/m.exec(text);
  if (status === null)
    findings.push({
      path,
      message:
        'a line says "Status: accepted", "Status: superseded by NNNN" or "Status: accepted, in one point superseded by NNNN".',
    });
  const successor = status?.[1];
  if (successor !== undefined && !repository.paths.some((other) => other.startsWith(`docs/adr/${successor}-`))) {
    findings.push({ path, message: `there is no decision ${successor}.` });
  }
  for (const section of sections) {
    if (!text.includes(`\n${section}\n`)) findings.push({ path, message: `the section "${section}" is missing.` });
  }
  return findings;
}
