import { errorTablesOf } from '../error-tables.ts';
import type { Page } from '../page.ts';

const introduction = `# Error codes

Every error that Twinvault raises on purpose carries one of these codes: in its JSON output, on the wire and in its logs.
A code never changes its meaning and is never used again for another. **Retry** says whether the same call may succeed
later without anybody changing anything.

This page is made from each package's \`src/errors.ts\`: change that, then run \`npm run tidy -- --write\`.
`;

/** docs/errors.md: the code tables of all packages. */
export const errorsPage: Page = {
  path: 'docs/errors.md',
  make(repository) {
    const parts = [introduction];
    for (const { packageName, rows } of errorTablesOf(repository)) {
      const lines = rows.map(({ code, retry, meaning }) => `| \`${code}\` | ${retry} | ${cell(meaning ?? '')} |`);
      const header = ['| code | retry | meaning |', '| --- | --- | --- |'];
      parts.push(`## ${packageName}\n`, [...header, ...lines.sort()].join('\n') + '\n');
    }
    return parts.join('\n');
  },
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
