import type { Finding, Rule } from '../rule.ts';
import { readJson } from '../workspaces.ts';
import type { Manifest } from '../workspaces.ts';

const path = 'package-lock.json';

interface Lockfile {
  readonly packages: Readonly<Record<string, { resolved?: string; link?: boolean; integrity?: string }>>;
}

/** The lockfile pins each package by its digest and names no host; the root manifest pins exact versions. */
export const lockfileRule: Rule = {
  name: 'lockfile',
  why: 'an installation is the same everywhere, from whichever mirror it comes',
  check(repository) {
    const findings: Finding[] = [];
    const { packages } = readJson(repository, path) as Lockfile;
    for (const [name, entry] of Object.entries(packages)) {
      if (!name.includes('node_modules/') || entry.link === true) continue;
      if (entry.resolved !== undefined) {
        findings.push({ path, message: `${name} names the host it came from: run npm install with this .npmrc.` });
      }
      if (entry.integrity === undefined) {
        findings.push({ path, message: `${name} has no digest: delete its entry and run npm install.` });
      }
    }
    const { dependencies, devDependencies, optionalDependencies } = readJson(repository, 'package.json') as Manifest;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      if (/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) continue;
      findings.push({ path: 'package.json', message: `${name} is "${version}": pin one exact version.` });
    }
    return findings;
  },
};
