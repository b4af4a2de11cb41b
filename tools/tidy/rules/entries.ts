import type { Finding, Rule } from '../rule.ts';
import { workspacesOf } from '../workspaces.ts';

const stdNodeIndex = 'packages/std/src/node/index.ts';

/** A package has one public entry, src/index.ts; std has a second one for its node part; an app has none. */
export const entriesRule: Rule = {
  name: 'entries',
  why: 'what is not in the entry may change without asking; what can be imported from anywhere never can',
  check(repository) {
    const findings: Finding[] = [];
    for (const { folder, name, isApp, manifest } of workspacesOf(repository)) {
      const wanted: Record<string, string> = isApp ? {} : { '.': './src/index.ts' };
      if (name === 'std') wanted['./node'] = './src/node/index.ts';
      if (JSON.stringify(manifest.exports ?? {}) !== JSON.stringify(wanted)) {
        findings.push({ path: `${folder}/package.json`, message: `"exports" is ${JSON.stringify(wanted)}.` });
      }
      for (const path of repository.paths) {
        if (!path.startsWith(`${folder}/`) || !/\/index\.tsx?$/.test(path)) continue;
        if (path === `${folder}/src/index.ts` || path === stdNodeIndex) continue;
        findings.push({ path, message: 'only the entry of a package is called index: name the file for what it does.' });
      }
      for (const file of Object.values(wanted)) {
        const path = `${folder}/${file.slice('./'.length)}`;
        if (!repository.has(path)) findings.push({ path, message: 'the entry that "exports" names is missing.' });
      }
    }
    return findings;
  },
};
