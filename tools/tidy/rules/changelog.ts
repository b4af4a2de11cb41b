import type { Finding, Rule } from '../rule.ts';

const kinds = ['Added', 'Changed', 'Fixed', 'Removed', 'Security'];
const headline = new RegExp(`^# (${kinds.join('|')}): \\S.{0,98}[^.\\s]$`);

/** Each note under changelog/ has the shape that changelog/README.md describes. */
export const changelogRule: Rule = {
  name: 'changelog',
  why: 'the notes are put together into the release notes by a program',
  check(repository) {
    const findings: Finding[] = [];
    for (const path of repository.paths) {
      const file = /^changelog\/[^/]+\/(.+)$/.exec(path)?.[1];
      if (file === undefined || file === '.gitkeep') continue;
      if (!/^[a-z0-9]+(-[a-z0-9]+)*\.md$/.test(file)) {
        findings.push({ path, message: 'the name is a few words in kebab-case and .md.' });
        continue;
      }
      const [first = '', ...paragraphs] = repository
        .text(path)
        .trim()
        .split(/\n\s*\n/);
      if (!headline.test(first)) {
        const message = `the first line is "# KIND: what a user sees", KIND one of ${kinds.join(', ')}, without a full stop.`;
        findings.push({ path, line: 1, message });
      }
      if (paragraphs.length < 2) {
        const message = 'two paragraphs follow the headline: what hurt (past tense), then what is now (present tense).';
        findings.push({ path, message });
      }
    }
    return findings;
  },
};
