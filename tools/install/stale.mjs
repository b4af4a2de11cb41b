/*
 * Tells whether node_modules is what package-lock.json asks for, by comparing the lockfile with the copy that npm
 * keeps of what it installed. Plain JavaScript for Node 20.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

function packagesOf(path) {
  return JSON.parse(readFileSync(path, 'utf8')).packages;
}

/** A reason to install, as the beginning of a sentence; null when there is none. */
export function staleReason(root) {
  const installedPath = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return 'Nothing is installed yet';
  const installed = packagesOf(installedPath);
  for (const [path, wanted] of Object.entries(packagesOf(join(root, 'package-lock.json')))) {
    if (!path.includes('node_modules/')) continue;
    const found = installed[path];
    const mayBeMissing = wanted.optional === true || wanted.devOptional === true;
    if (found === undefined && !mayBeMissing) return `${path} is not installed`;
    if (found !== undefined && (found.version !== wanted.version || found.integrity !== wanted.integrity)) {
      return `${path} is installed in another version`;
    }
  }
  return null;
}
