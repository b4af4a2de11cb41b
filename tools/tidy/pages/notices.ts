import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '../page.ts';
import type { Repository } from '../repository.ts';
import { readJson } from '../workspaces.ts';

const introduction = `# Third-party notices

Twinvault uses the packages below when it runs; each is under the licence of its authors. Packages that only build or
test Twinvault are not part of it and are not listed. Packages that exist once per platform are listed without their
text: Node and the others of that kind are installed with their own licence file beside them.

This page is made from the installed packages: \`npm run tidy -- --write\`.
`;

interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
}

/** THIRD-PARTY-NOTICES.md: name, version, licence and licence text of what is installed for production. */
export const noticesPage: Page = {
  path: 'THIRD-PARTY-NOTICES.md',
  make(repository) {
    const { root } = repository;
    if (root === null) return null;
    const entries = productionEntries(repository);
    const rows = entries.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
    const table = ['| package | version | licence |', '| --- | --- | --- |', ...rows].join('\n');
    const texts = entries.filter(({ optional }) => !optional).map((entry) => section(root, entry));
    return [introduction, `${table}\n`, ...texts].join('\n');
  },
};

interface Entry {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly optional: boolean;
}

function productionEntries(repository: Repository): Entry[] {
  const { packages } = readJson(repository, 'package-lock.json') as { packages: Record<string, LockEntry> };
  const entries: Entry[] = [];
  for (const [path, entry] of Object.entries(packages)) {
    if (!path.includes('node_modules/') || entry.link === true || entry.dev === true || entry.devOptional === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const { version = '', license = 'see text', optional = false } = entry;
    entries.push({ path, name, version, license, optional });
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function section(root: string, { path, name, version, license }: Entry): string {
  const folder = join(root, path);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const texts = files
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim());
  const body = texts.length > 0 ? texts.map(quoted).join('\n') : `The package ships no text of its licence (${license}).\n`;
  return `## ${name} ${version}\n\n${body}`;
}

function quoted(text: string): string {
  return `~~~text\n${text.replaceAll(/[ \t]+$/gm, '')}\n~~~\n`;
}
