import { importTable } from '../import-table.ts';
import type { PackageRow } from '../import-table.ts';
import type { Finding, Rule } from '../rule.ts';
import { importsOf } from '../source.ts';
import type { Import } from '../source.ts';
import { isFreeCode, isSource, packageNamed, scope, workspacesOf } from '../workspaces.ts';
import type { Workspace } from '../workspaces.ts';

/** The package's own source imports only what its row of the import table allows. */
export const importTableRule: Rule = {
  name: 'import-table',
  why: 'what a part can reach is decided in one table; a vault that cannot import seal cannot read what it keeps',
  check(repository) {
    const findings: Finding[] = [];
    for (const workspace of workspacesOf(repository)) {
      const row = importTable[workspace.name];
      if (row === undefined) {
        const message = `${workspace.name} has no row: add it to tools/tidy/import-table.ts and docs/architecture.md.`;
        findings.push({ path: `${workspace.folder}/package.json`, message });
        continue;
      }
      for (const path of repository.paths) {
        if (!path.startsWith(`${workspace.folder}/`) || !isSource(path) || isFreeCode(path)) continue;
        for (const found of importsOf(repository, path)) {
          const message = objection(workspace, row, { ...found, path });
          if (message !== null) findings.push({ path, line: found.line, message });
        }
      }
    }
    return findings;
  },
};

function objection(workspace: Workspace, row: PackageRow, found: Import & { path: string }): string | null {
  const name = packageNamed(found.specifier);
  if (name === null) return null;
  if (!name.startsWith(scope)) {
    if (row.thirdParty.includes(name)) return null;
    return `${workspace.name} may not use ${name}: do without it, or decide it in an ADR and add it to the import table.`;
  }
  const target = name.slice(scope.length);
  if (target === workspace.name) return `a package imports its own files by relative path, not as ${name}.`;
  if (found.specifier === `${scope}std/node`) return nodePartObjection(workspace, found.path);
  if (row.imports.includes(target) || (found.typeOnly && row.importsTypes?.includes(target))) return null;
  if (row.importsTypes?.includes(target)) return `${workspace.name} may import only types of ${target}: use import type.`;
  return `${workspace.name} may not import ${target}; it may import ${row.imports.join(', ') || 'nothing of ours'}.`;
}

function nodePartObjection(workspace: Workspace, path: string): string | null {
  if (workspace.isApp || path.endsWith('-thread.ts')) return null;
  return (
    'take the port as an argument; only apps, tests and entry files of worker threads (*-thread.ts) ' +
    'import @twinvault/std/node.'
  );
}
