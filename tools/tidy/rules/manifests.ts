import type { Repository } from '../repository.ts';
import type { Finding, Rule } from '../rule.ts';
import { importsOf } from '../source.ts';
import { isFreeCode, isSource, packageNamed, readJson, referencedFolders, scope, workspacesOf } from '../workspaces.ts';
import type { Manifest, Workspace } from '../workspaces.ts';

/** Manifest, project references and the imports of the source name the same packages, no more and no less. */
export const manifestsRule: Rule = {
  name: 'manifests',
  why: 'a dependency that is only written down in one of three places is one that nobody decided',
  check(repository) {
    const root = readJson(repository, 'package.json') as Manifest;
    const workspaces = workspacesOf(repository);
    const folders = new Map(workspaces.map(({ folder, manifest }) => [manifest.name ?? '', folder]));
    return workspaces.flatMap((workspace) => {
      const used = usedBy(repository, workspace);
      return [
        ...shape(workspace),
        ...dependencies(workspace, used.bySource),
        ...devDependencies({ workspace, used, root }),
        ...references({ repository, workspace, used, folders }),
      ];
    });
  },
};

interface Used {
  readonly bySource: ReadonlySet<string>;
  readonly byTests: ReadonlySet<string>;
}

function usedBy(repository: Repository, { folder, name }: Workspace): Used {
  const bySource = new Set<string>();
  const byTests = new Set<string>();
  for (const path of repository.paths) {
    if (!path.startsWith(`${folder}/`) || !isSource(path)) continue;
    const free = isFreeCode(path) && (name !== 'testkit' || path.endsWith('.test.ts'));
    for (const { specifier } of importsOf(repository, path)) {
      const used = packageNamed(specifier);
      if (used !== null && used !== scope + name) (free ? byTests : bySource).add(used);
    }
  }
  return { bySource, byTests };
}

function shape({ folder, name, manifest }: Workspace): Finding[] {
  const path = `${folder}/package.json`;
  const wrong: string[] = [];
  if (manifest.name !== scope + name) wrong.push(`its name is ${scope}${name}, like its folder.`);
  if (manifest.type !== 'module') wrong.push('"type" is "module".');
  if (manifest.private !== true) wrong.push('"private" is true.');
  if (manifest.license !== 'Apache-2.0') wrong.push('"license" is "Apache-2.0".');
  return wrong.map((message) => ({ path, message }));
}

function dependencies({ folder, manifest }: Workspace, bySource: ReadonlySet<string>): Finding[] {
  const path = `${folder}/package.json`;
  const listed = manifest.dependencies ?? {};
  const findings: Finding[] = [];
  for (const name of bySource) {
    if (!(name in listed)) findings.push({ path, message: `the source imports ${name}: add it to "dependencies".` });
  }
  for (const [name, version] of Object.entries(listed)) {
    if (!bySource.has(name)) findings.push({ path, message: `no source imports ${name}: take it out of "dependencies".` });
    const wanted = name.startsWith(scope) ? /^\*$/ : /^\d+\.\d+\.\d+(-[\w.]+)?$/;
    if (!wanted.test(version)) {
      findings.push({ path, message: `${name} is "${version}": ours are "*", others one exact version.` });
    }
  }
  return findings;
}

function devDependencies({ workspace, used, root }: { workspace: Workspace; used: Used; root: Manifest }): Finding[] {
  const path = `${workspace.folder}/package.json`;
  const { dependencies: own = {}, devDependencies: listed = {} } = workspace.manifest;
  const findings: Finding[] = [];
  for (const name of used.byTests) {
    if (name in own || name in listed || name in (root.devDependencies ?? {})) continue;
    findings.push({ path, message: `a test imports ${name}: add it to "devDependencies".` });
  }
  for (const name of Object.keys(listed)) {
    if (!used.byTests.has(name)) findings.push({ path, message: `no test imports ${name}: take it out of "devDependencies".` });
    else if (name in own) findings.push({ path, message: `${name} is a dependency already: take it out of "devDependencies".` });
  }
  return findings;
}

interface ReferenceCheck {
  readonly repository: Repository;
  readonly workspace: Workspace;
  readonly used: Used;
  readonly folders: ReadonlyMap<string, string>;
}

function references({ repository, workspace, used, folders }: ReferenceCheck): Finding[] {
  const { folder } = workspace;
  const foldersOf = (names: ReadonlySet<string>): Set<string> => new Set([...names].flatMap((name) => folders.get(name) ?? []));
  const source = new Set([
    ...referencedFolders(repository, `${folder}/tsconfig.json`),
    ...referencedFolders(repository, `${folder}/tsconfig.node.json`),
  ]);
  const tests = new Set(referencedFolders(repository, `${folder}/tsconfig.test.json`));
  return [
    ...difference(`${folder}/tsconfig.json`, source, foldersOf(used.bySource)),
    ...difference(`${folder}/tsconfig.test.json`, tests, foldersOf(used.byTests)),
  ];
}

function difference(path: string, listed: ReadonlySet<string>, wanted: ReadonlySet<string>): Finding[] {
  const missing = [...wanted].filter((folder) => !listed.has(folder));
  const superfluous = [...listed].filter((folder) => !wanted.has(folder));
  return [
    ...missing.map((folder) => ({ path, message: `it imports ${folder}: add the reference.` })),
    ...superfluous.map((folder) => ({ path, message: `it does not import ${folder}: take the reference out.` })),
  ];
}
