import { errorTablesOf } from '../error-tables.ts';
import type { ErrorRow } from '../error-tables.ts';
import type { Finding, Rule } from '../rule.ts';

/** Each package's errors.ts exports one table of codes, and no code stands in two. */
export const errorCodesRule: Rule = {
  name: 'error-codes',
  why: 'a code means one thing to every program, page and person',
  check(repository) {
    const findings: Finding[] = [];
    const firstUse = new Map<string, string>();
    for (const { path, packageName, name, rows } of errorTablesOf(repository)) {
      const wanted = `${packageName.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())}ErrorCodes`;
      if (name !== wanted) findings.push({ path, message: `it exports one table, "export const ${wanted} = {...} as const".` });
      for (const row of rows) {
        const message = objection(row, firstUse.get(row.code));
        if (message !== null) findings.push({ path, line: row.line, message });
        firstUse.set(row.code, path);
      }
    }
    return findings;
  },
};

function objection({ code, retry, meaning }: ErrorRow, usedBy: string | undefined): string | null {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(code)) return `a code is a word in kebab-case, not "${code}".`;
  if (usedBy !== undefined) return `${code} stands in ${usedBy} already: say there what differs, or take that one.`;
  if (retry !== 'never' && retry !== 'later') return `the retry of ${code} is 'never' or 'later'.`;
  if (meaning === null || !/^[A-Z].*\.$/.test(meaning)) return `the meaning of ${code} is a whole sentence, written out.`;
  return null;
}
