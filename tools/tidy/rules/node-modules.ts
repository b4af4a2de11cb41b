import { importTable, portModules } from '../import-table.ts';
import type { Finding, Rule } from '../rule.ts';
import { importsOf } from '../source.ts';
import { isFreeCode, isSource, workspacesOf } from '../workspaces.ts';

/** Modules of Node that stand behind a port are imported by std's node part alone; isomorphic packages import none. */
export const nodeModulesRule: Rule = {
  name: 'node-modules',
  why: 'files, time, randomness, network, threads and database come in as ports, so that the simulator can replace them',
  check(repository) {
    const findings: Finding[] = [];
    for (const { folder, name } of workspacesOf(repository)) {
      const isomorphic = importTable[name]?.platform === 'isomorphic';
      for (const path of repository.paths) {
        if (!path.startsWith(`${folder}/`) || !isSource(path) || isFreeCode(path)) continue;
        if (path.startsWith('packages/std/src/node/')) continue;
        for (const { specifier, line } of importsOf(repository, path)) {
          if (!specifier.startsWith('node:')) continue;
          if (isomorphic) {
            const message = `${name} runs in browsers too and may not import ${specifier}; take a port of @twinvault/std.`;
            findings.push({ path, line, message });
          } else if (portModules.has(specifier)) {
            const message = `${specifier} stands behind a port: take the port of @twinvault/std as an argument.`;
            findings.push({ path, line, message });
          }
        }
      }
    }
    return findings;
  },
};
