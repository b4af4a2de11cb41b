import type { Page } from '../page.ts';

const introduction = `# Decisions

One page per decision that was costly to make or would be costly to undo: what was the case, what was decided, what follows.
A decision is never edited; a later one supersedes it and says so, and its status line then names the successor.
Where it supersedes one point alone, the line is \`Status: accepted, in one point superseded by NNNN\`.

A new one takes the next free number and the shape of the others: a heading \`# NNNN: Title\`, a line \`Status: accepted\`, and
the sections Context, Decision and Consequences. \`npm run tidy -- --write\` puts it into this list.

`;

/** docs/adr/README.md: the list of all decisions with their status. */
export const decisionsPage: Page = {
  path: 'docs/adr/README.md',
  make(repository) {
    const lines: string[] = [];
    for (const path of repository.paths) {
      const file = /^docs\/adr\/(\d{4}-.+\.md)$/.exec(path)?.[1];
      if (file === undefined) continue;
      const text = repository.text(path);
      const title = /^# (.+)$/m.exec(text)?.[1] ?? file;
      const status = /^Status: (.+)$/m.exec(text)?.[1] ?? '';
      lines.push(`- [${title}](${file})${status === 'accepted' ? '' : ` (${status})`}\n`);
    }
    return lines.length === 0 ? null : introduction + lines.join('');
  },
};
