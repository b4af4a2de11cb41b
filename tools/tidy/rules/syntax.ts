import ts from 'typescript';
import type { Finding, Rule } from '../rule.ts';
import { lineOf, parse, walk } from '../source.ts';
import { isFreeCode, isSource } from '../workspaces.ts';

/** Bans that the linter has no rule for: `export *`, default exports, and reading the time by `new Date()`. */
export const syntaxRule: Rule = {
  name: 'syntax',
  why: 'an entry lists what it offers, a name is the same everywhere, and time is a port',
  check(repository) {
    const findings: Finding[] = [];
    for (const path of repository.paths) {
      if (!isSource(path)) continue;
      const file = parse(repository, path);
      const clockBanned = !isFreeCode(path) && !path.startsWith('packages/std/src/node/');
      walk(file, (node) => {
        const message = objection(node, clockBanned);
        if (message !== null) findings.push({ path, line: lineOf(file, node), message });
      });
    }
    return findings;
  },
};

function objection(node: ts.Node, clockBanned: boolean): string | null {
  if (ts.isExportDeclaration(node) && node.exportClause === undefined) return 'list the names instead of export *.';
  if (ts.isExportAssignment(node)) return 'export by name.';
  if (clockBanned && ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Date') {
    if ((node.arguments ?? []).length === 0) return 'time is a port: take a Clock of @twinvault/std and call nowMs().';
  }
  return null;
}
