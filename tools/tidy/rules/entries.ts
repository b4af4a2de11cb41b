import type { Finding, Rule } from '../rule.ts';
import { workspacesOf } from '../workspaces.ts';

/** What most users of a package must not load: std's node part, the wire of protocol and the service of vault with the libraries that they stand on. */
const secondEntries: Readonly<Record<string, string>> = { std: 'node', protocol: 'wire', vault: 'service' };

/** A package has one public entry, src/index.ts; some have a second one; an app has none. */
export const entriesRule: Rule = {
  name: 'entries',
  why: 'what is not in the entry may change without asking; what can be imported from anywhere never can',
  check(repository) {
    const findings: Finding[] = [];
    for (const { folder, name, isApp, manifest } of workspacesOf(repository)) {
      const wanted: Record<string, string> = isApp ? {} : { '.': './src/index.ts' };
      const second = isApp ? undefined : secondEntries[name];
      if (second !== undefined) wanted[`./${second}`] = `./src/${second}/index.ts`;
      if (JSON.stringify(manifest.exports ?? {}) !== JSON.stringify(wanted)) {
        findings.push({ path: `${folder}/package.json`, message: `"exports" is ${JSON.stringify(wanted)}.` });
      }
      for (const path of repository.paths) {
        if (!path.startsWith(`${folder}/`) || !/\/index\.tsx?$/.test(path)) continue;
        if (path === `${folder}/src/index.ts` || path === `${folder}/src/${second}/index.ts`) continue;
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
